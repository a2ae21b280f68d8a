"""The pictures of the case studies, from what `cases.py` and the macro of the cells wrote.

python benchmarks/case_pictures.py cells       # image, truth, and each way of working
python benchmarks/case_pictures.py micrographs
python benchmarks/case_pictures.py maps FOLDER   # where case_cells.ijm ran: what else is shown
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

import tdseg
from cases import FEATURES, kinds_of
from data import OUTPUT
from tdseg.labels.colours import glasbey

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
CELLS = ("cell-07", "cell-12", "cell-30")
SHOWN = (("cathode", "cast-iron", "crystals", "mosaic", "stain"), ("alloy", "m1"))
GAP, TITLE, COLOURS = 4, 16, 128
Pixels = np.ndarray


def shown(plane: Pixels, side: int) -> Pixels:
    """Return a plane (Y, X, C) or (Y, X) as colours, its longer edge `side` pixels."""
    colours = np.repeat(plane.reshape(*plane.shape[:2], -1), 3, axis=2)[:, :, :3]
    if plane.ndim == 3 and plane.shape[2] == 3:
        colours = plane
    scale = side / max(colours.shape[:2])
    size = [max(1, round(scale * length)) for length in colours.shape[1::-1]]
    return np.asarray(Picture.fromarray(colours.astype(np.uint8)).resize(size))


def coloured(labels: Pixels, side: int) -> Pixels:
    """Return labels (Y, X) in the classes' colours, as large as `shown` makes the image."""
    scale = side / max(labels.shape)
    rows, cols = (
        (np.arange(max(1, round(scale * length))) / scale).astype(int) for length in labels.shape
    )
    return glasbey()[labels[np.ix_(rows, cols)]]


def write_table(path: Path, rows: Sequence[Sequence[Pixels | None]], titles: Sequence[str]) -> None:
    """Write pictures in rows and columns under titles, as a PNG of few colours.

    Columns without any picture are left out.
    """
    filled = [k for k in range(len(titles)) if any(row[k] is not None for row in rows)]
    rows, titles = [[row[k] for k in filled] for row in rows], [titles[k] for k in filled]
    heights = [max(part.shape[0] for part in row if part is not None) for row in rows]
    widths = [
        max(row[k].shape[1] for row in rows if row[k] is not None) for k in range(len(titles))
    ]
    size = sum(widths) + GAP * (len(widths) - 1), TITLE + sum(heights) + GAP * (len(rows) - 1)
    page = Picture.new("RGB", size, "white")
    pen, left = ImageDraw.Draw(page), 0
    for k, title in enumerate(titles):
        pen.text((left, 1), title, fill="black")
        top = TITLE
        for row, height in zip(rows, heights, strict=True):
            part = row[k]
            if part is not None:
                page.paste(Picture.fromarray(part), (left, top))
            top += height + GAP
        left += widths[k] + GAP
    page.quantize(COLOURS, dither=Picture.Dither.NONE).save(path, optimize=True)
    print(path.name, page.size, f"{path.stat().st_size / 1000:.0f} kB")


def compare(case: str, names: Sequence[str], path: Path, side: int) -> None:
    """Write a row an image: image, truth, and the labels of each way of working, drawing 0."""
    rows = []
    kinds = {kind.name: kind for kind in kinds_of(case, 0)}
    for wanted in names:
        kind = kinds["cells" if case == "cells" else wanted]
        found = [u for u in kind.unseen if case != "cells" or u[0] == wanted]
        name, image, truth = found[0]
        parts = [shown(image.plane(0), side)]
        parts.append(None if truth is None else coloured(truth.plane(0)[:, :, 0], side))
        for features in FEATURES:
            what = f"{kind.name}-0-{features}-auto-auto-offline".replace(" ", "_")
            file = OUTPUT / "cases" / f"{what}.npz"
            labels = np.load(file) if file.is_file() else None
            parts.append(None if labels is None else coloured(labels[f"{name} none"], side))
        parts.append(None if labels is None else coloured(labels[f"{name} crf"], side))
        rows.append(parts)
    write_table(path, rows, ["image", "truth", *FEATURES, "hybrid, refine=crf"])


OVERLAY = """
run("TDS Load Classifier...", "path=[{model}]");
open("{image}"); run("TDS Apply...", "output=overlay refine=none"); run("Flatten");
saveAs("PNG", "{out}"); while (nImages > 0) close();
"""


def maps(folder: Path, side: int = 220) -> None:
    """Write what else is shown of a cell, and a part of the contact sheet of the folder."""
    path, model = folder / "unseen" / f"{CELLS[0]}.tif", folder / "results" / "hybrid.tdseg"
    image = tdseg.read_image(path)
    out = OUTPUT / "cases" / "overlay.png"
    with tdseg.imagej.start() as ij:
        ij.run_macro(OVERLAY.format(image=path, model=model, out=out))
    overlay = np.asarray(Picture.open(out).convert("RGB"))
    loaded = tdseg.load(model)
    result = tdseg.apply(loaded, image, settings=loaded.settings.with_(refine="none"))
    unlabelled = [tdseg.segment_without_labels([image], method="clusters", clusters=3)[0]]
    unlabelled += tdseg.segment_without_labels([image], method="attention")
    attention = unlabelled[1].attention[0, 0, 0]
    row = [
        shown(image.plane(0), side),
        shown(overlay, side),
        shown(255 * result.uncertainty[0, 0], side),
        coloured(unlabelled[0].labels[0, 0], side),
        shown(255 * (attention - attention.min()) / max(np.ptp(attention), 1e-9), side),
    ]
    titles = ["image", "overlay", "uncertainty", "three clusters, no labels", "attention"]
    write_table(PICTURES / "case-cells-maps.png", [row], titles)
    sheet = Picture.open(folder / "results" / "hybrid-none" / "contact-sheet-001.png")
    part = sheet.convert("RGB").crop((0, 0, sheet.width, 3 * (180 + 16 + 8) + 8))
    part = part.resize((part.width // 2, part.height // 2), Picture.Resampling.LANCZOS)
    part.quantize(64, dither=Picture.Dither.NONE).save(
        PICTURES / "case-cells-sheet.png", optimize=True
    )


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("cells", "micrographs", "maps"))
    parser.add_argument("folder", nargs="?", type=Path)
    options = parser.parse_args()
    if options.what == "cells":
        compare("cells", CELLS, PICTURES / "case-cells.png", 160)
    elif options.what == "micrographs":
        for number, names in enumerate(SHOWN, start=1):
            compare("micrographs", names, PICTURES / f"case-micrographs-{number}.png", 150)
    else:
        maps(options.folder)


if __name__ == "__main__":
    main()
