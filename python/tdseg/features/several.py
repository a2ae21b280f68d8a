"""Several backbones at once: ``backbone=a+b``.

Settings of several backbones are taken apart into settings of one each and, once nothing is left
on ``auto``, put together again. A key has either one value for all or one for each, joined by ``+``
in the order of the backbones; only file names, which may hold a ``+``, are joined by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tdseg.errors import TdsegError
from tdseg.features.deep import DeepFeatures
from tdseg.features.hybrid import HybridMap
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.progress import Progress

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone
    from tdseg.options.settings import Settings

_ONE_OR_EACH = ("shifts", "flips", "stride")


def names_of_backbones(text: str) -> tuple[str, ...]:
    """Return the names in a value of the key ``backbone``, as written."""
    return tuple(text.split("+"))


def weights_of_backbones(weights: str, count: int) -> tuple[str | None, ...]:
    """Return the weights file of each of so many backbones; None: its own weights.

    A single backbone has the whole text, so that a comma in a path means nothing there.

    Raises
    ------
    TdsegError
        If the number of files is another.
    """
    if count == 1 or not weights:
        return (weights or None,) * count
    files = [file.strip() or None for file in weights.split(",")]
    if len(files) != count:
        raise TdsegError(
            f"Key 'weights' names {_counted(len(files), 'file')} ({weights}) for {count} "
            "backbones; name one for each in their order, separated by commas, and nothing between "
            "commas for a backbone's own weights."
        )
    return tuple(files)


def take_apart(settings: Settings) -> list[Settings]:
    """Return settings of one backbone each.

    Raises
    ------
    TdsegError
        If a key has values for another number of backbones.
    """
    names = names_of_backbones(settings.backbone)
    count = len(names)
    files = weights_of_backbones(settings.weights, count)
    levels = [part.strip() for part in settings.levels.split("+")]
    if len(levels) == 1 and levels[0] == "auto":
        levels = levels * count
    if len(levels) != count:
        raise _miscounted("levels", settings.levels, len(levels), settings.backbone, count)
    values: dict[str, list[Any]] = {key: _each(settings, key, count) for key in _ONE_OR_EACH}
    return [
        replace(
            settings,
            backbone=name,
            weights=files[k] or "",
            levels=levels[k],
            **{key: own[k] for key, own in values.items()},
        )
        for k, name in enumerate(names)
    ]


def put_together(parts: Sequence[Settings], weights: str) -> Settings:
    """Return the settings that `take_apart` takes apart into these.

    Parameters
    ----------
    parts
        Settings of one backbone each, equal in all other keys.
    weights
        The key ``weights``, as it was given.

    Raises
    ------
    TdsegError
        If two backbones are the same: their features would be, too.
    """
    names = [part.backbone for part in parts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TdsegError(
            f"Key 'backbone' names {', '.join(twice)} twice (auto counts as what it stands for "
            "here); name each backbone once."
        )
    joined: dict[str, Any] = {}
    for key in _ONE_OR_EACH:
        values = [getattr(part, key) for part in parts]
        joined[key] = values[0] if len(set(values)) == 1 else "+".join(str(v) for v in values)
    return replace(
        parts[0],
        backbone="+".join(names),
        weights=weights,
        levels="+".join(part.levels for part in parts),
        **joined,
    )


def _each(settings: Settings, key: str, count: int) -> list[Any]:
    value = getattr(settings, key)
    if not isinstance(value, str) or "+" not in value:
        return [value] * count
    parts: list[Any] = [int(p) if p.isdigit() else p for p in value.split("+")]
    if len(parts) != count:
        raise _miscounted(key, value, len(parts), settings.backbone, count)
    return parts


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _miscounted(key: str, value: object, found: int, backbone: str, count: int) -> TdsegError:
    return TdsegError(
        f"Key '{key}': {value} is for {_counted(found, 'backbone')}, but backbone={backbone} names "
        f"{count}; join a value for each by +, auto among them."
    )


class SeveralDeepFeatures:
    """The deep features of several backbones, one after the other: a `FeatureExtractor`.

    Parameters
    ----------
    backbones
        The networks; their names are distinct.
    make
        Returns the features of one of them, given the start of its features' names and what is
        to be called with the image's size before its first pass.
    progress
        Hears what they take together.
    """

    def __init__(
        self,
        backbones: Sequence[Backbone],
        make: Callable[[int, str, Callable[[tuple[int, int]], None]], DeepFeatures],
        progress: Progress,
    ) -> None:
        self._progress = progress
        self._said = False
        self.parts = tuple(
            make(k, f"{backbone.name}.", partial(self._announce, k))
            for k, backbone in enumerate(backbones)
        )
        counts = [sum(level.channels for level in backbone.levels) for backbone in backbones]
        progress.note(
            f"{len(backbones)} backbones: "
            + " and ".join(
                f"{b.name} ({n} features)" for b, n in zip(backbones, counts, strict=True)
            )
            + f"; {sum(counts)} deep features, and their time and memory add up."
        )

    def names(self, channels: tuple[str, ...], rgb: bool) -> tuple[str, ...]:
        """Return ``deep/<backbone>.<level>/<index>`` of all backbones in order."""
        return tuple(name for part in self.parts for name in part.names(channels, rgb))

    def extract(self, plane: PlaneInput) -> FeatureMap:
        """Run the backbones on a plane, or take their tokens from the cache."""
        self._said = False
        return HybridMap([part.extract(plane) for part in self.parts])

    def _announce(self, first: int, shape: tuple[int, int]) -> None:
        """Say once a plane what is still to be run; those before `first` were in the cache."""
        if not self._said:
            self._said = True
            self.parts[first].announce(shape, self.parts[first + 1 :])
