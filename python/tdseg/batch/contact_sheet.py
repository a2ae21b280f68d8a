"""Contact sheets: images and results side by side, many on a page, to look through at a glance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.intensity import every
from tdseg.labels.colours import glasbey
from tdseg.runtime.files import is_file, write_file

if TYPE_CHECKING:
    from tdseg.images.image import Image

COLUMNS, ROWS = 5, 8
"""Pairs on a page."""
EDGE = 180
"""Longest edge of a picture, in pixels."""
_GAP, _CAPTION, _PAPER, _INK, _BAD = 8, 16, (255, 255, 255), (30, 30, 30), (190, 30, 30)
_KEY = "tdseg.sheet"

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """An image and its result, small: (Y, X, 3) uint8 each; None where there is none."""

    caption: str
    image: Picture | None = None
    result: Picture | None = None
    failed: bool = False


def page_name(number: int, part: str = "") -> str:
    """Return the name of a page, counted from 0, of a job or of a part such as ``2-of-8``."""
    return f"contact-sheet-{f'part-{part}-' if part else ''}{number + 1:03d}.png"


def pages(count: int) -> list[range]:
    """Return which pairs stand on each page."""
    each = COLUMNS * ROWS
    return [range(first, min(first + each, count)) for first in range(0, count, each)]


def small_pair(caption: str, image: Image, labels: npt.NDArray[Any], planes: Sequence[int]) -> Pair:
    """Make small pictures of the middle plane.

    Parameters
    ----------
    caption
        Below them.
    image
        What was segmented.
    labels
        (T, Z, Y, X).
    planes
        The plane numbers of the image that the labels are of.

    Returns
    -------
    Pair
        Image and result in small, with the caption.
    """
    flat = labels.reshape(-1, *labels.shape[-2:])
    middle = len(flat) // 2
    return Pair(caption, _grey(image.plane(planes[middle])), _coloured(flat[middle]))


def pair_of_images(caption: str, image: Image, labels: Image, planes: Sequence[int]) -> Pair:
    """Make small pictures of the middle plane of a large image, of every so many pixels.

    Parameters
    ----------
    caption, planes
        As for `small_pair`.
    image, labels
        What was segmented, and the labels; both may be read by parts.

    Returns
    -------
    Pair
        Image and result in small, with the caption.
    """
    middle = labels.n_planes // 2
    step = -(-max(image.size) // EDGE)
    seen, found = (
        np.concatenate(list(every(one, number, step)))
        for one, number in ((image, planes[middle]), (labels, middle))
    )
    return Pair(caption, _grey(seen), _coloured(found[:, :, 0]))


def page_mark(facts: Sequence[str]) -> str:
    """Return what tells a page from one of other images or results."""
    return hashlib.sha256("\n".join(facts).encode("utf-8", "replace")).hexdigest()


def mark_of(path: Path) -> str | None:
    """Return the mark of a page that is there: None without page, "" if it is no page of ours."""
    if not is_file(path):
        return None
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as picture:
            return str(picture.info.get(_KEY, ""))
    except Exception:  # whatever a damaged file provokes
        return ""


def check_pages(folder: Path, count: int, part: str = "") -> None:
    """Refuse to replace pictures that are no contact sheets of ours.

    Raises
    ------
    TdsegError
        If one of the names is taken.
    """
    for number in range(len(pages(count))):
        path = folder / page_name(number, part)
        if mark_of(path) == "":
            raise TdsegError(
                f"File '{path}' is not a contact sheet of tdseg and would be replaced; rename it, "
                "choose another output folder, or use contact_sheet=false."
            )


def write_page(path: Path, pairs: Sequence[Pair], mark: str) -> None:
    """Draw a page and write it as PNG; it appears only when complete."""
    from PIL import Image as Pillow
    from PIL import PngImagePlugin

    picture = _draw(pairs)
    text = PngImagePlugin.PngInfo()
    text.add_text(_KEY, mark)

    def write(part: Path) -> None:
        with part.open("wb") as stream:
            Pillow.fromarray(picture).save(stream, "PNG", pnginfo=text)

    write_file(path, write, "overwrite")


def _draw(pairs: Sequence[Pair]) -> Picture:
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    width, height = 2 * EDGE + 2 + _GAP, EDGE + _CAPTION + _GAP
    columns = min(COLUMNS, len(pairs))
    rows = -(-len(pairs) // COLUMNS)
    page = Pillow.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default()
    for k, pair in enumerate(pairs):
        row, column = divmod(k, COLUMNS)
        left, top = _GAP + column * width, _GAP + row * height
        for picture, x in ((pair.image, left), (pair.result, left + EDGE + 2)):
            if picture is not None:
                page.paste(Pillow.fromarray(picture), (x, top))
        ink = _BAD if pair.failed else _INK
        _say(pen, (left, top + EDGE + 2), pair.caption, font, width - _GAP, ink)
    drawn: Picture = np.asarray(page, np.uint8)
    return drawn


def _say(pen: Any, where: tuple[int, int], text: str, font: Any, room: int, ink: Any) -> None:
    """Write a line; its beginning is cut where it is too long, for names differ at their end."""

    def long(line: str) -> bool:
        return bool(pen.textlength(line, font=font) > room)

    # A font without these letters would raise or draw boxes.
    text = "".join(letter if " " <= letter <= "\u00ff" else "?" for letter in text)
    shown = text
    while len(text) > 1 and long(shown):
        text = text[1:]
        shown = f"...{text}"
    pen.text(where, shown, fill=ink, font=font)


def _grey(plane: npt.NDArray[np.number]) -> Picture:
    """Return a small picture of a plane (Y, X, C): colours as they are, else stretched greys."""
    small = _smaller(plane)
    if small.shape[2] == 3 and plane.dtype == np.uint8:
        colours: Picture = np.clip(small, 0, 255).astype(np.uint8)
        return colours
    grey = small[:, :, 0].astype(np.float64)
    known = grey[np.isfinite(grey)]
    low, high = np.percentile(known, (0.5, 99.5)) if known.size else (0.0, 1.0)
    scaled = np.clip((grey - low) / (high - low if high > low else 1.0), 0, 1)
    levels = np.nan_to_num(255 * scaled).astype(np.uint8)
    return np.repeat(levels[:, :, None], 3, axis=2)


def _smaller(plane: npt.NDArray[np.number]) -> npt.NDArray[np.number]:
    """Average blocks of pixels, so that the longer edge is at most `EDGE`."""
    rows, columns = (_edges(length, plane.shape[:2]) for length in plane.shape[:2])
    if len(rows) == plane.shape[0]:
        return plane
    sums = np.add.reduceat(plane, rows, axis=0, dtype=np.float64)
    sums = np.add.reduceat(sums, columns, axis=1)
    sizes = [np.diff(e, append=n) for e, n in zip((rows, columns), plane.shape[:2], strict=True)]
    mean: npt.NDArray[np.number] = sums / np.multiply.outer(*sizes)[:, :, None]
    return mean


def _edges(length: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return where each pixel of a small picture begins in one axis of a plane of this shape."""
    count = max(1, length * min(EDGE, max(shape)) // max(shape))
    return np.arange(count) * length // count


def _coloured(labels: npt.NDArray[Any]) -> Picture:
    rows, columns = (_edges(length, labels.shape) for length in labels.shape)
    colours: Picture = glasbey()[labels[np.ix_(rows, columns)].astype(np.int64) % 256]
    return colours


class Sheets:
    """The contact sheets of a job: pages are written as soon as their last image is done.

    Parameters
    ----------
    folder
        Of the results.
    count
        Of the images.
    make
        Returns the small pair of an image that was not handed in, by its number: one that an
        earlier run did.
    fact
        Returns what a page must know to be up to date, by the number of an image.
    part
        Of a job in several parts, for the pages' names.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        make: Callable[[int], Pair],
        fact: Callable[[int], str],
        part: str = "",
    ) -> None:
        self._folder, self._make, self._fact, self._part = folder, make, fact, part
        self._open = {number: set(page) for number, page in enumerate(pages(count))}
        self._pages = pages(count)
        self._pairs: dict[int, Pair] = {}

    def done(self, number: int, pair: Pair | None) -> None:
        """Hear that an image is done; None: its pair is made when its page is written."""
        if pair is not None:
            self._pairs[number] = pair
        page = number // (COLUMNS * ROWS)
        self._open[page].discard(number)
        if self._open[page]:
            return
        path = self._folder / page_name(page, self._part)
        mark = page_mark([self._fact(k) for k in self._pages[page]])
        if mark_of(path) != mark:
            pairs = [self._pairs.get(k) or self._make(k) for k in self._pages[page]]
            write_page(path, pairs, mark)
        for k in self._pages[page]:
            self._pairs.pop(k, None)
