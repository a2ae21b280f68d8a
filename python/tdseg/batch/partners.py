"""Files that belong to an image: its labels, its truth; beside it or in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tdseg.batch.inputs import ZARR, Source
from tdseg.errors import TdsegError
from tdseg.runtime.files import is_file, is_folder, user_path

STAR = "*"


def partner(source: Source, pattern: str, endings: Iterable[str]) -> Path | None:
    """Return the file that belongs to an image.

    Parameters
    ----------
    source
        The image.
    pattern
        A path in which ``*`` stands for the image's name without its ending, or for what the
        ``*`` of the filter stands for that found the image, such as ``*-labels.tif`` beside the
        image or ``/data/truth/*.png``. Relative paths begin at the image's folder. A pattern
        without ``*`` is a folder of files named as the images are, which mirrors the images'
        subfolders; absolute patterns may do so too.
    endings
        Of files in such a folder, the first that is there wins.

    Returns
    -------
    Path or None
        None if there is none.

    Raises
    ------
    TdsegError
        If a pattern without ``*`` is no folder.
    """
    pattern_path = user_path(pattern)
    tried: list[Path] = []
    # A filter may choose by a part of the name that the labels' names have too.
    stems = (source.stem, source.star) if source.star else (source.stem,)
    below = source.place.parent
    if STAR not in pattern:
        folder = pattern_path
        if not folder.is_absolute() and not is_folder(folder):
            folder = source.path.parent / folder
        if not is_folder(folder):
            raise TdsegError(
                f"'{pattern}' is no folder; write * for the image's name, as in *-labels.tif, or "
                "give a folder of files named as the images are."
            )
        tried += [folder / below / f"{stems[0]}{ending}" for ending in endings]
        tried += [folder / f"{stems[0]}{ending}" for ending in endings]
    else:
        for stem in stems:
            named = Path(str(pattern_path).replace(STAR, stem))
            if named.is_absolute():
                tried += [named.parent / below / named.name, named]
            else:
                tried.append(source.path.parent / named)
    return next((path for path in tried if _is_there(path) and path != source.path), None)


def _is_there(path: Path) -> bool:
    return is_file(path) or (path.suffix.lower() == ZARR and is_folder(path))


def without_partners(
    sources: Iterable[Source], pattern: str, endings: Iterable[str]
) -> list[Source]:
    """Leave out files of a folder that belong to another image of it."""
    sources, endings = list(sources), tuple(endings)
    taken = {partner(source, pattern, endings) for source in sources}
    return [s for s in sources if not (s.listed and s.path in taken)]
