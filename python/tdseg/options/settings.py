"""Frozen, typed settings: JSON in, JSON out; they are the header of a saved classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from tdseg.errors import TdsegError
from tdseg.options.keys import SETTINGS_BY_NAME, find_key


@dataclass(frozen=True)
class Settings:
    """The macro keys that change pixels or resources, under the same names and defaults.

    See ``docs/commands.md`` for each key. Values are checked on construction.

    Raises
    ------
    TdsegError
        If a value is not valid; the message names the key and lists the valid values.
    """

    features: str = "hybrid"
    classical: str = "default"
    sigma_min: float = 1.0
    sigma_max: float = 16.0
    membrane_thickness: int = 1
    membrane_patch: int = 19
    exact: bool = False
    rgb: str = "channels"
    backbone: str = "auto"
    weights: str = ""
    levels: str = "auto"
    upsampling: str = "shifts"
    upsampler_weights: str = ""
    quality: str = "balanced"
    shifts: int | str = "auto"
    flips: str | bool = "auto"
    stride: int | str = "auto"
    normalize: str = "none"
    classifier: str = "random_forest"
    trees: int = 200
    balance: bool = True
    samples: int = 100000
    held_out: bool = True
    seed: int = 0
    channels: str = "all"
    refine: str = "none"
    crf_iterations: int = 10
    crf_spatial_sigma: float = 3.0
    crf_spatial_compat: float = 10.0
    crf_bilateral_sigma: float = 80.0
    crf_bilateral_range: float = 13.0
    crf_bilateral_compat: float = 10.0
    crf_min_fraction: float = 0.5
    first_label: int = 1
    device: str = "auto"
    precision: str = "auto"
    memory_limit: float | str = "auto"
    tile: int = 0
    classical_device: str = "cpu"

    def __post_init__(self) -> None:
        for item in fields(self):
            key = SETTINGS_BY_NAME[item.name]
            value = getattr(self, item.name)
            if item.name == "flips" and isinstance(value, bool):
                value = "true" if value else "false"
            elif key.kind in ("text", "path"):
                value = _joined(value)
            object.__setattr__(self, item.name, key.check(value))
        if self.sigma_max < self.sigma_min:
            raise TdsegError(
                f"Key 'sigma_max' ({self.sigma_max:g}) must not be below "
                f"'sigma_min' ({self.sigma_min:g})."
            )
        if self.sigma_min == 0:
            raise TdsegError("Key 'sigma_min' must be above 0, for example sigma_min=1.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Make settings of names and values; an unknown name is an error that lists the valid."""
        index = SETTINGS_BY_NAME
        return cls(**{find_key(name, index, "Settings").name: v for name, v in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return names and values, ready for JSON."""
        return asdict(self)

    def with_(self, **changes: Any) -> Settings:
        """Return a copy with some values changed."""
        return replace(self, **changes)

    @property
    def uses_deep(self) -> bool:
        """Whether a backbone runs."""
        return self.features in ("deep", "hybrid")

    @property
    def uses_classical(self) -> bool:
        """Whether classical features are computed."""
        return self.features in ("classical", "hybrid")


def _joined(value: Any) -> Any:
    """Write lists with commas, as macros do."""
    if isinstance(value, list | tuple):
        return ",".join(str(v) for v in value)
    return "" if value is None else str(value)


def parse_numbers(text: str, count: int, key: str, noun: str) -> list[int]:
    """Turn ``all`` or ``1,3-5`` into indices from 0.

    Parameters
    ----------
    text
        Numbers from 1, with ranges.
    count
        How many there are.
    key, noun
        For the message: the key and what it counts.

    Raises
    ------
    TdsegError
        If a number is not between 1 and `count`.
    """
    if text == "all":
        return list(range(count))
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= count:
            raise TdsegError(
                f"Key '{key}': '{part.strip()}' is not among the {count} {noun} of the image."
            )
        found += [i for i in range(low - 1, high) if i not in found]
    return found
