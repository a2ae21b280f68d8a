"""What do labels in one place do to the rest of an image? One phase's share in 3 x 3 fields.

The image should be the same everywhere in the large, so that the nine shares should be alike. Every
row is measured with all levels of the backbone, and with those that `levels=auto` keeps.

    python benchmarks/positional_fields.py IMAGE.tif LABELS.tif [--picture FILE.png]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage

import tdseg
from tdseg.features.token_cache import TokenCache

ALL_LEVELS = "stride2,stride4,stride8,stride16,stride32"
ROWS = [
    {"features": features, "classifier": classifier, "refine": refine}
    for features, classifier, refine in (
        ("classical", "random_forest", "none"),
        ("classical", "logistic_regression", "none"),
        ("deep", "random_forest", "none"),
        ("deep", "logistic_regression", "none"),
        ("hybrid", "random_forest", "none"),
        ("hybrid", "logistic_regression", "none"),
        ("hybrid", "random_forest", "crf"),
    )
]
STEP = 4
COLOURS = np.array([[0, 0, 0], [230, 120, 60], [60, 110, 220]], np.uint8)
CACHE = TokenCache(1024**3)


def shares(labels: np.ndarray) -> np.ndarray:
    """Return the share of class 1 in 3 x 3 fields."""
    rows, cols = (np.linspace(0, size, 4).astype(int) for size in labels.shape)
    parts = [[labels[a:b, c:d] for c, d in pairwise(cols)] for a, b in pairwise(rows)]
    return np.array([[(part == 1).mean() for part in line] for line in parts])


def segmented(image: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield the settings, which levels were read, and the labels of each row."""
    for row in ROWS:
        for levels in (ALL_LEVELS, "auto"):
            settings = tdseg.Settings(backbone="offline", levels=levels, held_out=False, **row)
            model = tdseg.train([(image, labels)], settings, cache=CACHE)
            found = tdseg.apply(model, image, probabilities=False, cache=CACHE).labels[0, 0]
            name = ", ".join(str(v) for v in row.values() if v != "none")
            if row["features"] == "classical":  # which has no levels
                yield name, "", found
                break
            yield name, "all" if levels == ALL_LEVELS else "auto", found


def tile(picture: np.ndarray, caption: str, found: np.ndarray | None) -> Picture.Image:
    """Return a captioned picture, smaller, with the fields and their shares."""
    small = Picture.fromarray(picture[::STEP, ::STEP])
    pen = ImageDraw.Draw(small)
    width, height = small.size
    for k, line in enumerate(shares(found) if found is not None else ()):
        for j, share in enumerate(line):
            x, y = width * j // 3, height * k // 3
            pen.rectangle((x, y, x + width // 3, y + height // 3), outline="white")
            pen.text((x + 5, y + 4), f"{share:.2f}", fill="white", stroke_width=2, stroke_fill=0)
    framed = Picture.new("RGB", (width + 4, height + 16), "white")
    ImageDraw.Draw(framed).text((2, 2), caption, fill="black")
    framed.paste(small, (0, 16))
    return framed


def draw(image: np.ndarray, labels: np.ndarray, results: dict, path: Path) -> None:
    """Write the image, its labels, and the results: all levels above, auto below."""
    wide = ndimage.maximum_filter(labels, 5)
    grey = np.repeat(image[:, :, None], 3, axis=2)
    strokes = np.where(wide[:, :, None] > 0, COLOURS[wide], grey)
    lines = []
    for levels, first in (("all", ("labels", strokes)), ("auto", ("image", grey))):
        line = [tile(first[1], first[0], None)]
        for (name, read), found in results.items():
            if read == levels and not name.startswith("classical"):
                short = name.replace("random_forest", "forest").replace("_regression", "")
                shown = (0.4 * grey + 0.6 * COLOURS[found]).astype(np.uint8)
                line.append(tile(shown, f"{short}, levels={levels}", found))
        lines.append(line)
    width, height = lines[0][0].size
    canvas = Picture.new("RGB", (width * len(lines[0]), height * len(lines)), "white")
    for k, line in enumerate(lines):
        for j, part in enumerate(line):
            canvas.paste(part, (j * width, k * height))
    canvas.quantize(32, dither=Picture.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Print the table; draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("labels", type=Path, help="two values, 0 is unlabelled")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    image, drawn = (np.asarray(tifffile.imread(p)) for p in (options.image, options.labels))
    labels = np.searchsorted(np.unique(drawn), drawn).astype(np.uint8)
    print("| settings | levels | spread | mean | nine fields |\n|---|---|---|---|---|")
    results = {}
    for name, levels, found in segmented(image, labels):
        fields = shares(found)
        nine = " / ".join(" ".join(f"{v:.2f}" for v in line) for line in fields)
        spread = np.ptp(fields)
        print(f"| {name} | {levels} | {spread:.3f} | {fields.mean():.2f} | {nine} |", flush=True)
        results[name, levels] = found
    if options.picture:
        draw(image, labels, results, options.picture)


if __name__ == "__main__":
    main()
