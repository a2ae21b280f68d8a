"""Frozen, typed settings: JSON in, JSON out; they are the header of a saved classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from tdseg.errors import TdsegError
from tdseg.options.declare import keys_of
from tdseg.options.groups import (
    ClassicalOptions,
    ClassifierOptions,
    DeepOptions,
    FeatureOptions,
    OutputOptions,
    RefineOptions,
    ResourceOptions,
    WeightFiles,
)
from tdseg.options.key import Key

RETIRED: dict[str, str] = {
    "exact": "every family is computed exactly",
    "classical_device": "classical features are computed on the CPU",
}
"""Keys of earlier versions that change nothing any more, and why; they are read and ignored."""


# Python collects the fields of base classes from the last to the first.
@dataclass(frozen=True, kw_only=True)
class FeatureSettings(ResourceOptions, WeightFiles, DeepOptions, ClassicalOptions, FeatureOptions):
    """The keys that decide about features."""

    @property
    def uses_deep(self) -> bool:
        """Whether a backbone runs."""
        return self.features in ("deep", "hybrid")

    @property
    def uses_classical(self) -> bool:
        """Whether classical features are computed."""
        return self.features in ("classical", "hybrid")


@dataclass(frozen=True, kw_only=True)
class Settings(OutputOptions, RefineOptions, ClassifierOptions, FeatureSettings):
    """The macro keys that change pixels or resources, under the same names and defaults.

    See ``docs/commands.md`` for each key. Values are checked on construction.

    Raises
    ------
    TdsegError
        If a value is not valid; the message names the key and lists the valid values.
    """

    @classmethod
    def from_mapping(
        cls, values: Mapping[str, Any], note: Callable[[str], None] | None = None
    ) -> Self:
        """Make settings of names and values.

        Parameters
        ----------
        values
            By key; keys of earlier versions that change nothing any more are left out.
        note
            Hears of such keys.

        Returns
        -------
        Settings
            Checked settings; the rest has its defaults.

        Raises
        ------
        TdsegError
            If a name is unknown (the message lists the valid ones) or a value is not valid.
        """
        return super().from_mapping(without_retired(values, note))


SETTING_KEYS: tuple[Key, ...] = keys_of(Settings)


def without_retired(
    values: Mapping[str, Any], note: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Leave out keys of earlier versions that change nothing any more, with a note each."""
    for name in RETIRED:
        if name in values and note is not None:
            note(f"Key '{name}' is ignored: {RETIRED[name]}.")
    return {name: value for name, value in values.items() if name not in RETIRED}


def one_of(settings: Settings | None, options: Settings | None) -> Settings | None:
    """Return `settings`, or `options`, the older name of the same argument.

    Raises
    ------
    TypeError
        If both are given.
    """
    if settings is not None and options is not None:
        raise TypeError("give settings= or options=, which is another name of it, not both")
    return options if settings is None else settings


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

    Returns
    -------
    list[int]
        In the order given, each once.

    Raises
    ------
    TdsegError
        If a number is not between 1 and `count`.
    """
    if text == "all":
        return list(range(count))
    found: dict[int, None] = {}
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= count:
            raise TdsegError(
                f"Key '{key}': '{part.strip()}' is not among the {count} {noun} of the image."
            )
        found |= dict.fromkeys(range(low - 1, high))
    return list(found)
