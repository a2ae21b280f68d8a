"""NAF against its formulas written out in torch: masked attention in double precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

import tdseg
from tdseg.backbones.base import Level, WeightsInfo
from tdseg.errors import TdsegError
from tdseg.features.deep import DeepFeatures
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.threads import set_thread_count
from tdseg.upsampling import guide_network, guide_tiles
from tdseg.upsampling.naf_weights import read_naf
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import make_upsampler
from tdseg.upsampling.shifts import Encoder

WHOLE = slice(None)
HALF = 32  # published: 128
HEADS = 4
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[:, None, None]


class Patches:
    """Patch embeddings of some sizes and a nonlinearity, random but fixed."""

    name, window, has_global_context, has_attention = "patches", 518, False, False
    weights = WeightsInfo("patches", "00", "CC0-1.0", "test")
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, strides: tuple[int, ...] = (6,), channels: int = 8) -> None:
        self.multiple = max(strides)
        self.levels = tuple(Level(f"s{s}", channels, s, (s - 1) / 2) for s in strides)
        generator = torch.Generator().manual_seed(0)
        self.kernels = [torch.randn(channels, 3, s, s, generator=generator) / s for s in strides]

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [torch.tanh(functional.conv2d(images, k, stride=k.shape[2])) for k in self.kernels]


def random_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors under the names of NAF's checkpoint, large enough that every one matters."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    state = {"image_encoder.rope.periods": 100 ** (torch.arange(HALF // 8) / (HALF // 8))}
    for name, side in (("encoder", 1), ("sem_encoder", 3)):
        stem = f"image_encoder.{name}."
        state[stem + "0.weight"] = draw(HALF, 3, side, side) / side
        state[stem + "0.bias"] = draw(HALF)
        for block in (1, 2):
            for n in (1, 2):
                state[f"{stem}{block}.norm{n}.weight"] = 1 + 0.5 * draw(HALF)
                state[f"{stem}{block}.norm{n}.bias"] = 0.5 * draw(HALF)
                state[f"{stem}{block}.conv{n}.weight"] = draw(HALF, HALF, side, side) / HALF**0.5
                state[f"{stem}{block}.conv{n}.bias"] = draw(HALF)
    return state


def encoded(image: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Encode a whole image (3, H, W): both encoders, then the rotary embedding."""
    weights = {k.removeprefix("image_encoder."): v.double() for k, v in state.items()}

    def conv(x: torch.Tensor, name: str) -> torch.Tensor:
        kernel = weights[name + ".weight"]
        if kernel.shape[2] == 3:
            x = functional.pad(x, (1, 1, 1, 1), "reflect")
        return functional.conv2d(x, kernel, weights[name + ".bias"])

    found = []
    for name in ("encoder", "sem_encoder"):
        x = conv(((image - MEAN) / STD)[None], f"{name}.0")
        for block in (1, 2):
            for n in (1, 2):
                norm = f"{name}.{block}.norm{n}."
                x = functional.group_norm(x, 8, weights[norm + "weight"], weights[norm + "bias"])
                x = conv(functional.silu(x), f"{name}.{block}.conv{n}")
        found.append(x[0])
    x = torch.cat(found)
    height, width = image.shape[1:]
    periods = weights["rope.periods"]
    u = (2 * (torch.arange(height, dtype=torch.float64) + 0.5) / height - 1)[:, None, None]
    v = (2 * (torch.arange(width, dtype=torch.float64) + 0.5) / width - 1)[None, :, None]
    angles = torch.cat(
        [(u / periods).expand(height, width, -1), (v / periods).expand(height, width, -1)], dim=2
    )
    turn = torch.polar(torch.ones_like(angles), 2 * torch.pi * angles)
    pairs = x.reshape(HEADS, 2, -1, height, width).permute(0, 3, 4, 2, 1).contiguous()
    turned = torch.view_as_real(torch.view_as_complex(pairs) * turn)
    return turned.permute(0, 4, 3, 1, 2).reshape(x.shape)


def window(pixels: int, tokens: int, kept: slice) -> torch.Tensor:
    """Return which kept tokens (pixels, n) each pixel of an axis sees: nine around its own."""
    count = kept.stop - kept.start
    own = torch.arange(pixels) // (pixels // tokens) - kept.start
    low = (own - 4).clamp(0, max(count - 9, 0))[:, None]
    number = torch.arange(count)
    return (number >= low) & (number < low + 9)


def attended(
    queries: torch.Tensor, tokens: torch.Tensor, kept: tuple[slice, slice]
) -> torch.Tensor:
    """Attend from all pixels (D, H, W) to all kept tokens of (C, h, w), those far off masked."""
    height, width = queries.shape[1:]
    keys = functional.adaptive_avg_pool2d(queries, tokens.shape[1:])
    rows, cols = (
        window(*sizes) for sizes in zip((height, width), tokens.shape[1:], kept, strict=True)
    )
    mask = rows[:, None, :, None] & cols[None, :, None, :]
    keys, values = (
        x[:, kept[0], kept[1]].double().reshape(HEADS, len(x) // HEADS, -1).transpose(1, 2)
        for x in (keys, tokens)
    )
    out = functional.scaled_dot_product_attention(
        queries.reshape(HEADS, -1, height * width).transpose(1, 2),
        keys,
        values,
        attn_mask=mask.reshape(height * width, -1),
    )
    return out.transpose(1, 2).reshape(-1, height, width)


def surrounding(length: int, base: int, stride: int) -> slice:
    """Return the tokens from the last whose centre lies before the pixels to the first behind."""
    first = (stride - 1) / 2 - base
    return slice(int(-first // stride), int(-(-(length - 1 - first) // stride)) + 1)


def expected_for(backbone, picture: Picture, state: dict[str, torch.Tensor]) -> np.ndarray:
    """Do what NAF does to the continued image and its tokens, and cut out the image."""
    encoder = Encoder(backbone, UpsamplingOptions("naf"))
    plan = encoder.plan(picture.shape)
    height, width = picture.shape
    rows, cols = (
        np.pad(np.arange(n), (axis.base, axis.length - axis.base - n), "reflect")
        for n, axis in ((height, plan.rows), (width, plan.cols))
    )
    image = torch.from_numpy(picture.crop(rows, cols))
    queries = encoded(image.double(), state)
    top, left = plan.rows.base, plan.cols.base
    levels = [
        attended(
            queries,
            tokens[0],
            (surrounding(height, top, level.stride), surrounding(width, left, level.stride)),
        )
        for tokens, level in zip(backbone.tokens(image[None]), backbone.levels, strict=True)
    ]
    return torch.cat(levels)[:, top : top + height, left : left + width].numpy()


@pytest.fixture
def checkpoint(tmp_path) -> str:
    file = tmp_path / "naf.safetensors"
    save_file(random_state(), file)
    return str(file)


def naf(backbone, picture: Picture, weights: str, **options: object) -> FeatureMap:
    made = make_upsampler(backbone, UpsamplingOptions("naf", weights=weights, **options))
    count = sum(level.channels for level in backbone.levels)
    return made.features(picture, tuple(map(str, range(count))))


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((60, 66), (6,)), ((41, 83), (6,)), ((64, 96), (2, 4, 8)), ((17, 12), (6,)), ((5, 40), (2,))],
)
def test_it_is_nafs_procedure_for_the_continued_image(random_picture, checkpoint, shape, strides):
    backbone, picture = Patches(strides), random_picture(*shape)
    found = naf(backbone, picture, checkpoint, storage="float32").block(WHOLE, WHOLE)
    expected = expected_for(backbone, picture, random_state())
    assert found.shape == expected.shape
    assert expected.std() > 0.1
    assert np.allclose(found, expected, atol=5e-5)


@pytest.fixture
def small_tiles(monkeypatch) -> None:
    """Tiles of 32 pixels; and no keys of fine levels are held."""
    for module in (guide_network, guide_tiles):
        monkeypatch.setattr(module, "TILE", 32)
    monkeypatch.setattr(guide_tiles, "_HELD_BYTES", 0)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("keep_bytes", [0, 2**30])
def test_tiles_give_the_same(random_picture, checkpoint, keep_bytes):
    backbone, picture = Patches((2, 4, 8)), random_picture(70, 90)
    field = naf(backbone, picture, checkpoint, storage="float32", keep_bytes=keep_bytes)
    found = field.block(WHOLE, WHOLE)
    assert np.allclose(found, expected_for(backbone, picture, random_state()), atol=5e-5)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("strides", [(6,), (2, 8)])
def test_blocks_points_threads_and_projections_agree(random_picture, checkpoint, strides):
    picture = random_picture(47, 80)
    field = naf(Patches(strides), picture, checkpoint)
    assert isinstance(field, FeatureMap)
    whole = field.block(WHOLE, WHOLE)
    for rows, cols in [
        (slice(0, 1), WHOLE),
        (slice(13, 30), slice(0, 11)),
        (slice(40, 47), slice(60, 80)),
    ]:
        assert np.array_equal(field.block(rows, cols), whole[:, rows, cols])
    assert field.block(slice(5, 5), WHOLE).shape == (len(field.names), 0, 80)
    try:
        set_thread_count(3)
        again = naf(Patches(strides), picture, checkpoint).block(WHOLE, WHOLE)
    finally:
        set_thread_count(None)
    assert np.array_equal(again, whole)
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, 47, 50), rng.integers(0, 80, 50)
    assert np.array_equal(field.at(rows, cols), whole[:, rows, cols].T)
    assert field.at(rows[:0], cols[:0]).shape == (0, len(field.names))
    weights = rng.normal(size=(len(field.names), 3))
    projected = field.project(weights)
    direct = np.einsum("fyx,fk->kyx", whole, weights)
    assert np.allclose(projected.block(WHOLE, WHOLE), direct, atol=1e-4)
    further = projected.project(np.array([[1.0], [-2.0], [0.5]]))
    combined = direct[0] - 2 * direct[1] + 0.5 * direct[2]
    assert np.allclose(further.block(WHOLE, WHOLE)[0], combined, atol=2e-4)


def test_large_images_are_seen_through_windows(random_picture, checkpoint):
    picture = random_picture(90, 100)
    whole = naf(Patches(), picture, checkpoint)
    windows = naf(Patches(), picture, checkpoint, window=54, overlap=12)
    found, expected = (field.block(WHOLE, WHOLE) for field in (windows, whole))
    # A token is blended of equal ones, each rounded to half precision.
    assert np.allclose(found, expected, atol=5e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (15, 3)])
def test_images_smaller_than_a_patch(random_picture, checkpoint, shape):
    field = naf(Patches((2, 16)), random_picture(*shape), checkpoint)
    assert np.isfinite(field.block(WHOLE, WHOLE)).all()


def test_the_names_of_the_checkpoint_are_read(tmp_path):
    state = random_state()
    files = [tmp_path / name for name in ("a.pth", "b.ckpt", "c.safetensors")]
    torch.save(state, files[0])
    torch.save({"state_dict": {"model." + k: v for k, v in state.items()}, "epoch": 2}, files[1])
    save_file(state | {"unrelated": torch.zeros(2)}, files[2])
    found = [read_naf(file) for file in files]
    assert len({weights.info.sha256 for weights in found}) == 1
    assert found[0].info.source == "a.pth"
    assert found[0].width == 2 * HALF
    save_file(state | {"image_encoder.rope.periods": torch.ones(HALF // 8)}, files[2])
    assert read_naf(files[2]).info.sha256 != found[0].info.sha256


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.clear(), ["image_encoder.sem_encoder.0.weight"]),
        (lambda state: state.pop("image_encoder.encoder.2.conv1.bias"), ["conv1.bias", "missing"]),
        (
            lambda state: state.update({"image_encoder.rope.periods": torch.ones(3)}),
            ["rope.periods", "(3,)", "(4,)"],
        ),
        (
            lambda state: state.update({"image_encoder.sem_encoder.0.weight": torch.ones(5, 3)}),
            ["sem_encoder.0.weight", "5 rows", "multiple of 32"],
        ),
    ],
)
def test_what_is_no_naf_is_refused(tmp_path, change, words):
    state = random_state()
    change(state)
    file = tmp_path / "other.pth"
    torch.save(state | {"unrelated": torch.zeros(2)}, file)
    with pytest.raises(TdsegError) as caught:
        read_naf(file)
    assert all(word in str(caught.value) for word in [*words, "other.pth", "upsampler_weights"])


def test_files_and_backbones_that_do_not_fit_are_named(checkpoint):
    def make(backbone, weights: str) -> None:
        make_upsampler(backbone, UpsamplingOptions("naf", weights=weights))

    with pytest.raises(TdsegError, match=r"needs learned weights.*upsampler_weights=\[path\]"):
        make(Patches(), "")
    with pytest.raises(TdsegError, match=r"level s6 of patches has 7; choose other levels"):
        make(Patches(channels=7), checkpoint)


def test_one_pass_runs_and_the_upsamplers_weights_are_told(checkpoint):
    deep = DeepFeatures(Patches(), UpsamplingOptions("naf", shifts=4, weights=checkpoint))
    plain = DeepFeatures(Patches(), UpsamplingOptions("bilinear"))
    assert deep.cache_settings() == plain.cache_settings()
    assert deep.upsampler_weights == read_naf(checkpoint).info


def test_a_classifier_keeps_its_upsampler(trained_on_halves, tmp_path, checkpoint):
    model, image = trained_on_halves("naf", checkpoint)
    first = tdseg.apply(model, image)
    again = tdseg.load(model.save(tmp_path / "model.tdseg"))
    assert again.upsampler == model.upsampler == read_naf(checkpoint).info
    assert np.array_equal(tdseg.apply(again, image).probabilities, first.probabilities)
    tiles = replace(model.settings, tile=16)
    assert np.allclose(
        tdseg.apply(model, image, settings=tiles).probabilities, first.probabilities, atol=1e-6
    )
