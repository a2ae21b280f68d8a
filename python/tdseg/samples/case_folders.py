"""The images of the case studies, in folders as the ready macros want them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage.data

from tdseg.runtime.files import make_folder, write_file
from tdseg.samples import cells, materials, mosaic
from tdseg.samples.labelled_tiff import Strokes, write_labelled
from tdseg.samples.strokes import draw_strokes

LABELLED, UNSEEN, TRUTH = "labelled", "unseen", "truth"
NAMES = "classes.txt"
"""What the label values from 1 on are called, separated by commas."""
CELLS_LABELLED, CELLS_UNSEEN = 6, 30


@dataclass(frozen=True)
class CaseImage:
    """An image of a case study: labelled by strokes, or unseen, perhaps with truth.

    Attributes
    ----------
    place
        Folder under that of the case, "" for none.
    name
        Of the file.
    pixels
        (Y, X) or (Y, X, 3) uint8.
    strokes
        Label value and polyline (x, y) of each; none: an unseen image.
    truth
        (Y, X) uint8 label values of every pixel, if known.
    class_names
        Of the label values from 1 on.
    width
        Of the strokes, pixels.
    """

    place: str
    name: str
    pixels: npt.NDArray[np.uint8]
    strokes: Strokes
    truth: npt.NDArray[np.uint8] | None
    class_names: Sequence[str]
    width: int = 1


def case_of_cells(
    *,
    labelled: int = CELLS_LABELLED,
    unseen: int = CELLS_UNSEEN,
    size: int = cells.SIZE,
    drawing: int = 0,
) -> Iterator[CaseImage]:
    """Draw cells: a few with strokes, many without.

    Parameters
    ----------
    labelled, unseen
        How many.
    size
        Height and width, pixels.
    drawing
        Another number, other strokes in the same cells.

    Yields
    ------
    CaseImage
        One after the other.
    """
    for number in range(labelled + unseen):
        pixels, truth = cells.drawn_cell(number, size)
        strokes: Strokes = ()
        if number < labelled:
            seed = 1000 * drawing + number
            strokes = _as_points(
                draw_strokes(truth, seed, strokes=3, length=(size // 8, size // 3), radius=2)
            )
        name = f"cell-{number + 1:02d}.tif"
        yield CaseImage("", name, pixels, strokes, truth, cells.CLASS_NAMES, 5)


_DRAWN: Mapping[str, tuple[Callable[[int, int], materials.Micrograph], Sequence[str]]] = {
    "cathode": (materials.cathode, materials.CATHODE),
    "cast-iron": (materials.cast_iron, materials.CAST_IRON),
    "crystals": (materials.crystals, materials.CRYSTALS),
}


def case_of_micrographs(*, size: int = materials.SIZE, drawing: int = 0) -> Iterator[CaseImage]:
    """Make micrographs of several kinds: of each one with strokes, and unseen ones.

    Parameters
    ----------
    size
        Height and width of those that are drawn, pixels.
    drawing
        Another number, other strokes.

    Yields
    ------
    CaseImage
        Each kind in a folder of its own.
    """
    for place, (draw, names) in _DRAWN.items():
        for number in range(3):
            pixels, truth = draw(number, size)
            strokes: Strokes = ()
            if number == 0:
                strokes = _as_points(
                    draw_strokes(truth, drawing, strokes=5, length=(12, size // 5), radius=1)
                )
            yield CaseImage(place, f"{place}-{number + 1}.tif", pixels, strokes, truth, names, 3)
    for sample, name in (
        (mosaic.texture_mosaic(min(size, 512)), "mosaic-1.tif"),
        (mosaic.texture_mosaic(min(size, 512), mirrored=True), "mosaic-2.tif"),
    ):
        yield CaseImage(
            "mosaic", name, sample.image, sample.strokes, sample.truth, mosaic.CLASS_NAMES
        )
    yield from _stain()


STAIN = ("gland", "stroma", "lumen")
_STAIN_STROKES: Mapping[int, Sequence[Sequence[tuple[int, int]]]] = {
    1: [((20, 60), (90, 120), (200, 90)), ((60, 330), (130, 350)), ((60, 440), (140, 450))],
    2: [((110, 250), (180, 300), (230, 340)), ((180, 400), (230, 470))],
    3: [((8, 330), (32, 370)), ((12, 450), (26, 490))],
}


def _stain() -> Iterator[CaseImage]:
    """Yield the two halves of scikit-image's stained section, whose truth nobody knows."""
    whole = np.asarray(skimage.data.immunohistochemistry())
    strokes = [(k, np.array(line)) for k, lines in _STAIN_STROKES.items() for line in lines]
    yield CaseImage("stain", "stain-1.tif", whole[:, :256], strokes, None, STAIN, 5)
    yield CaseImage("stain", "stain-2.tif", whole[:, 256:], (), None, STAIN, 5)


def _as_points(strokes: Sequence[tuple[int, npt.NDArray[np.int64]]]) -> Strokes:
    """Return polylines in x and y; a stroke of one pixel gets a second one."""
    ends = [(value, path if len(path) > 1 else np.repeat(path, 2, 0)) for value, path in strokes]
    return [(value, path[:, ::-1]) for value, path in ends]


CASES: Mapping[str, Callable[[], Iterator[CaseImage]]] = {
    "cells": case_of_cells,
    "micrographs": case_of_micrographs,
}


def write_case(folder: Path, images: Iterator[CaseImage]) -> int:
    """Write the images of a case study; files that are there stay.

    Parameters
    ----------
    folder
        Made if missing. In it, or in the folder of each kind, ``labelled`` has images with ROIs in
        their overlays, ``unseen`` images without, ``truth`` label images named as the unseen ones,
        ``classes.txt`` the classes' names.
    images
        What to write.

    Returns
    -------
    int
        How many images there are.
    """
    count = 0
    for image in images:
        count += 1
        place = make_folder(folder) / image.place
        kind = make_folder(place / (LABELLED if image.strokes else UNSEEN))
        write_labelled(
            kind / image.name,
            image.pixels,
            image.strokes,
            image.class_names,
            width=image.width,
            existing="skip",
        )
        names = ",".join(image.class_names).encode()
        write_file(place / NAMES, partial(_write_bytes, data=names), "skip")
        if image.truth is not None and not image.strokes:
            truth = make_folder(place / TRUTH) / image.name
            write_labelled(truth, image.truth, existing="skip")
    return count


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
