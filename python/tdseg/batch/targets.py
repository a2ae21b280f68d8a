"""Which files a job writes for each image, so that no two write the same."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from tdseg.batch.inputs import Source, bare, is_zarr_name
from tdseg.errors import TdsegError

KINDS: dict[str, tuple[str, ...]] = {
    "labels": ("labels",),
    "probabilities": ("probabilities",),
    "both": ("labels", "probabilities"),
    "uncertainty": ("uncertainty",),
}
"""What a value of the key ``output`` writes."""


@dataclass(frozen=True)
class Planned:
    """An image and the files to be written for it, by kind: "labels", "probabilities", ..."""

    source: Source
    targets: dict[str, Path]


def plan_targets(
    sources: Sequence[Source], folder: Path, output: str, suffix: str = "", format: str = "auto"
) -> list[Planned]:
    """Name the results of each image: ``folder/place/stem-labels.tif``.

    Images of one folder whose names differ in their ending alone (``a.tif``, ``a.png``) keep it
    in their results' names (``a.png-labels.tif``).

    Parameters
    ----------
    sources
        The images. Those that were found in a folder and are results of others are left out.
    folder
        Of the results.
    output
        One of `KINDS`.
    suffix
        Instead of ``-labels``, or of ``-probabilities`` or ``-uncertainty`` where that is all.
    format
        As the key: whether results are files (.tif) or folders (.ome.zarr).

    Returns
    -------
    list of Planned
        In the order of `sources`.

    Raises
    ------
    TdsegError
        If two images would still write the same file, or a result would take the place of an
        image; nothing is written.
    """
    sources = _without_results(sources, suffix)
    alike = Counter(_key(bare(source.place)) for source in sources)
    planned = []
    for source in sources:
        several = alike[_key(bare(source.place))] > 1
        stem = source.place.name if several else source.stem
        targets = {
            kind: folder / source.place.with_name(f"{stem}{ending}{_file_ending(source, format)}")
            for kind, ending in _endings(output, suffix).items()
        }
        planned.append(Planned(source, targets))
    _check_distinct(planned)
    refuse_to_overwrite(
        [p.source.path for p in planned], [t for p in planned for t in p.targets.values()]
    )
    return planned


def _file_ending(source: Source, format: str) -> str:
    folder = format.startswith("zarr") or (format == "auto" and is_zarr_name(source.path))
    return ".ome.zarr" if folder else ".tif"


def _endings(output: str, suffix: str) -> dict[str, str]:
    endings = {kind: f"-{kind}" for kind in KINDS[output]}
    if suffix:
        endings[KINDS[output][0]] = suffix
    if len(set(endings.values())) < len(endings):
        raise TdsegError(
            f"Key 'suffix': labels and probabilities would both end in '{suffix}'; use another."
        )
    return endings


def _without_results(sources: Sequence[Source], suffix: str) -> list[Source]:
    """Leave out what an earlier job wrote beside its images."""
    stems = {_key(name) for s in sources for name in (bare(s.place), s.place)}
    endings = {f"-{kind}" for kinds in KINDS.values() for kind in kinds} | ({suffix} - {""})

    def is_result(source: Source) -> bool:
        name, end = source.stem, source.place.suffix.lower()
        return end in (".tif", ".zarr") and any(
            name.endswith(ending) and _key(source.place.with_name(name[: -len(ending)])) in stems
            for ending in endings
            if len(name) > len(ending)
        )

    return [source for source in sources if not (source.listed and is_result(source))]


def _key(place: PurePath) -> str:
    """Return what two names have in common on file systems that do not know case."""
    return place.as_posix().casefold()


def _check_distinct(planned: Iterable[Planned]) -> None:
    seen: dict[str, Path] = {}
    for one in planned:
        for path in one.targets.values():
            other = seen.setdefault(_key(path), one.source.path)
            if other != one.source.path:
                raise TdsegError(
                    f"Files '{other}' and '{one.source.path}' would both write '{path}'; apply "
                    "them into different output folders."
                )


def refuse_to_overwrite(sources: Iterable[Path], planned: Iterable[Path]) -> None:
    """Raise if a result would take the place of one of the inputs."""
    inputs = {_real(source) for source in sources}
    for path in planned:
        if _real(path) in inputs:
            raise TdsegError(f"Input '{path}' would be overwritten; choose another output folder.")


def _real(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # no name that a file can have; said when the file is read
        return str(path)
