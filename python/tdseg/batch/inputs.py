"""Which images a job works on: files, patterns and folders, and where each result belongs."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from tdseg.errors import TdsegError
from tdseg.images.zarr_metadata import is_zarr
from tdseg.runtime.files import exists, is_folder

ZARR = ".zarr"
"""Of folders that are one image each."""

_FILES = tuple(".tif .tiff .png .jpg .jpeg .bmp .gif .pgm .ppm .pnm".split())
ENDINGS = (*_FILES, ZARR)
"""Files that are looked at in a folder where no filter says otherwise, and ImageJ does not read."""

IMAGEJ_ENDINGS = (*_FILES, *".dcm .avi .fits .zip .raw .czi .lif .nd2 .lsm .oib .oif".split())
"""The same where ImageJ reads: what Bio-Formats of a Fiji opens besides."""

_LETTERS = "*?["
# Of a job that writes beside its images.
_SHEET = re.compile(r"contact-sheet-(part-\d+-of-\d+-)?\d{3,}\.png")


@dataclass(frozen=True)
class Source:
    """An image file, and its place among the results.

    Attributes
    ----------
    path
        The file.
    place
        Relative path that the results' folder mirrors: ``day 1/a.tif``.
    listed
        Whether it was found in a folder or by a pattern, not named itself.
    star
        What the ``*`` of the filter or pattern that found it stands for, if that has one in a
        name: ``x`` where ``*_image.tif`` found ``x_image.tif``; else empty.
    """

    path: Path
    place: PurePath
    listed: bool = False
    star: str = ""

    @property
    def stem(self) -> str:
        """The image's name without its ending."""
        return bare(self.place).name


def bare(place: PurePath) -> PurePath:
    """Return a place without the ending of its name; ``.ome.zarr`` is one."""
    if place.name.lower().endswith(".ome.zarr"):
        place = place.with_suffix("")
    return place.with_suffix("")


def find_sources(
    inputs: Iterable[Path],
    *,
    filter: str = "",
    recursive: bool = False,
    leave_out: Path | None = None,
    endings: Sequence[str] = ENDINGS,
) -> list[Source]:
    """List the images of files, patterns and folders.

    Parameters
    ----------
    inputs
        Files, folders, and patterns with ``*`` (any letters), ``?``, ``[ab]`` and ``**`` (any
        folders).
    filter
        Patterns separated by commas; of a folder's files, those whose name, or path below the
        folder, matches one. Empty: every file with one of `endings`.
    recursive
        Whether folders below folders are looked at.
    leave_out
        A folder whose files are no inputs: that of the results, where it lies inside an input.
    endings
        In lower case.

    Returns
    -------
    list of Source
        Sorted within each input. Two files of different folders never have the same place: if
        they would, all places begin at the folder that all inputs share.

    Raises
    ------
    TdsegError
        If an input matches no file; the message names it.
    """
    patterns = [part.strip() for part in filter.split(",") if part.strip()]
    found: list[Source] = []
    for given in inputs:
        if any(letter in str(given) for letter in _LETTERS) and not exists(given):
            found += _matches(given)
        elif is_folder(given) and not is_zarr(given):
            found += _inside(given, patterns, recursive, leave_out, endings)
        else:
            found.append(Source(given, PurePath(given.name)))
    unique = {os.path.abspath(source.path): source for source in reversed(found)}
    kept = [s for s in found if unique.get(os.path.abspath(s.path)) is s]
    return _apart(kept)


def _matches(pattern: Path) -> list[Source]:
    """List the files of a pattern; their places begin where its first wildcard stands."""
    parts = pattern.parts
    first = next(k for k, part in enumerate(parts) if any(letter in part for letter in _LETTERS))
    head = Path(*parts[:first])
    matches = sorted(glob.glob(str(pattern), recursive=True))
    files = [Path(match) for match in matches if not is_folder(match) or is_zarr_name(match)]
    if not files:
        raise TdsegError(f"No file matches '{pattern}'; check the folder and the ending.")
    named = [pattern.name]
    return [Source(file, file.relative_to(head), True, _star(file.name, named)) for file in files]


def _inside(
    folder: Path,
    patterns: Sequence[str],
    recursive: bool,
    leave_out: Path | None,
    endings: Sequence[str],
) -> list[Source]:
    """List the images of a folder."""
    places: list[PurePath] = []
    deeper = 0
    barred = None if leave_out is None else os.path.realpath(leave_out)
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        raise TdsegError(
            f"Folder '{error.filename}' cannot be looked at: {error.strerror}; change its "
            "permissions, or leave it out."
        )

    for here, folders, names in os.walk(folder, onerror=refuse, followlinks=recursive):
        real = os.path.realpath(here)
        below = os.path.relpath(here, folder)
        # A link may lead back to a folder above it.
        if real in seen or (real == barred and below != "."):
            folders.clear()
            continue
        seen.add(real)
        images = [name for name in folders if is_zarr_name(name)]
        folders[:] = sorted(name for name in folders if not is_zarr_name(name))
        if ZARR in endings:
            names = [*names, *images]
        if not recursive:
            deeper = len(folders)
            folders.clear()
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            place = PurePath(name) if below == "." else PurePath(below, name)
            ours = real == barred and _SHEET.fullmatch(name)
            if not ours and not name.startswith(".") and _wanted(place, patterns, endings):
                places.append(place)
    if not places:
        what = f"that matches '{', '.join(patterns)}'" if patterns else "with a known ending"
        more = f"; recursive=true looks into its {deeper} folders" if deeper else ""
        raise TdsegError(f"Folder '{folder}' has no image {what}{more or '; check filter='}.")
    names = [PurePath(pattern).name for pattern in patterns]
    return [Source(folder / p, p, True, _star(p.name, names)) for p in sorted(places)]


def is_zarr_name(path: str | PurePath) -> bool:
    """Tell by its name whether a folder is a Zarr."""
    return str(path).lower().endswith(ZARR)


def _star(name: str, patterns: Sequence[str]) -> str:
    """Return what the only wildcard of the first pattern of this name, a star, stands for."""
    for pattern in patterns:
        begin, star, end = pattern.partition("*")
        plain = star and not any(letter in begin + end for letter in _LETTERS)
        low, inner = name.casefold(), len(name) - len(begin) - len(end)
        fits = low.startswith(begin.casefold()) and low.endswith(end.casefold())
        if plain and inner > 0 and fits:
            return name[len(begin) : len(name) - len(end)]
    return ""


def _wanted(place: PurePath, patterns: Sequence[str], endings: Sequence[str]) -> bool:
    if not patterns:
        return place.suffix.lower() in endings
    names = (place.name.casefold(), place.as_posix().casefold())
    return any(fnmatch.fnmatchcase(name, p.casefold()) for p in patterns for name in names)


def _apart(sources: list[Source]) -> list[Source]:
    """Give files of different folders different places."""
    owners: dict[str, Path] = {}
    for source in sources:
        folder = Path(os.path.abspath(source.path)).parent
        stem = bare(source.place).as_posix().casefold()
        if owners.setdefault(stem, folder) != folder:
            break
    else:
        return sources
    full = [os.path.abspath(source.path) for source in sources]
    try:
        shared = os.path.commonpath([os.path.dirname(path) for path in full])
    except ValueError:  # drives of Windows share no folder
        return sources
    return [
        replace(source, place=PurePath(os.path.relpath(path, shared)))
        for source, path in zip(sources, full, strict=True)
    ]
