"""Pictures of how it works, for the first page and the page in pictures, from bundled micrographs.

    python benchmarks/method_pictures.py docs/pictures

Two T cells: strokes in one train, the other is segmented. Printed is the mean IoU of each choice on
the labels of the other. Offline network, one thread of any CPU; about two minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw
from sklearn.metrics import jaccard_score

import tdseg
from data import Task, tasks
from tdseg.features.token_cache import TokenCache
from tdseg.labels.colours import glasbey
from tdseg.upsampling.interpolated import ShiftUpsampler
from tdseg.upsampling.registry import register_upsampler
from tdseg.upsampling.token_field import Axis, LevelGrids, TokenField, TokenGrid

SIDE = 330
GAP = 8
CACHE = TokenCache(1024**3)
COPIES = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))
INK = ((30, 30, 30), (214, 69, 45), (32, 116, 190), (44, 150, 84))
CHOICES = (
    ("classical", {"features": "classical", "classifier": "random_forest"}),
    ("deep", {"features": "deep", "classifier": "random_forest"}),
    ("hybrid", {"features": "hybrid", "classifier": "random_forest"}),
    ("default", {"features": "hybrid", "classifier": "auto"}),
)


class Blocks(ShiftUpsampler):
    """Each pixel takes the token nearest to it: what a network gives."""

    def features(self, picture, names, store=None, progress=None):
        """Return the map of features."""
        encoded = self.encoded(picture, names, store, progress)
        levels, start = [], 0
        for grids in encoded.levels:
            moved = [TokenGrid(g.values, nearest(g.rows), nearest(g.cols)) for g in grids]
            levels.append(LevelGrids(start, tuple(moved)))
            start += grids[0].channels
        return TokenField(levels, names, encoded.shape)


def nearest(axis: Axis) -> Axis:
    return Axis.nearest((axis.lower + (axis.weight > 0.5)).clip(max=axis.upper), axis.positions)


def row(pictures: list[np.ndarray]) -> Picture.Image:
    """Put pictures of one height side by side."""
    sheet = Picture.new("RGB", (len(pictures) * (SIDE + GAP) - GAP, SIDE), "white")
    for k, pixels in enumerate(pictures):
        shown = Picture.fromarray(pixels).resize((SIDE, SIDE), Picture.Resampling.BOX)
        sheet.paste(shown, (k * (SIDE + GAP), 0))
    return sheet


def grey(image: tdseg.Image) -> np.ndarray:
    return np.repeat(image.plane(0), 3, axis=2)


def laid_over(image: tdseg.Image, labels: np.ndarray, opacity: float) -> np.ndarray:
    """Lay the classes' colours over an image; 0 is left as it is."""
    pixels = grey(image).astype(np.float32)
    share = opacity * (labels > 0)[..., np.newaxis]
    return ((1 - share) * pixels + share * glasbey()[labels]).astype(np.uint8)


def segmented(task: Task) -> dict[str, np.ndarray]:
    """Train and apply each choice, print its mean IoU, and return its labels."""
    found = {}
    for name, keys in CHOICES:
        settings = tdseg.Settings(held_out=False, backbone="offline", **keys)
        model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
        found[name] = tdseg.apply(model, task.test_image, cache=CACHE).labels[0, 0]
        scored = task.truth > 0
        score = jaccard_score(task.truth[scored], found[name][scored], average="macro")
        print(f"{task.name}, {name}: mean IoU {score:.2f}", flush=True)
    refined = tdseg.refine_crf(
        tdseg.apply(model, task.test_image, cache=CACHE).probabilities, task.test_image
    )
    found["default, refined"] = refined[0, 0].argmax(axis=0).astype(np.uint8) + 1
    return found


def upsampled(image: tdseg.Image) -> list[np.ndarray]:
    """Show 16-pixel tokens as blocks, interpolated, and with more and more copies.

    Colours are the first three principal components of the last, the same for all.
    """
    ways = (
        {"upsampling": "blocks"},
        {"upsampling": "shifts", "shifts": 1, "flips": "false"},
        {"upsampling": "shifts", "shifts": 4, "flips": "true"},
    )
    maps = []
    for keys in ways:
        settings = tdseg.Settings(features="deep", backbone="offline", levels="16", **keys)
        maps.append(tdseg.compute_features(image, settings, cache=CACHE).array)
    values = maps[-1].reshape(len(maps[-1]), -1).T
    middle = values.mean(axis=0)
    _, _, axes = np.linalg.svd(values[::97] - middle, full_matrices=False)
    shown = []
    low = high = None
    for each in reversed(maps):
        parts = (each.reshape(len(each), -1).T - middle) @ axes[:3].T
        if low is None:
            low, high = np.percentile(parts, [1, 99], axis=0)
        parts = np.clip((parts - low) / (high - low), 0, 1)
        shown.append((255 * parts).astype(np.uint8).reshape(*each.shape[1:], 3))
    return [grey(image), *reversed(shown)]


def interleaved(patches: int = 5) -> Picture.Image:
    """Draw where the tokens of one copy lie, of four shifted ones, and of a mirrored one."""
    side = SIDE
    step = side / patches
    sheet = Picture.new("RGB", (3 * (side + GAP) - GAP, side), "white")
    pen = ImageDraw.Draw(sheet)
    for k in range(3):
        left = k * (side + GAP)
        pen.rectangle([left, 0, left + side - 1, side - 1], outline=(150, 150, 150), width=2)
        for line in range(1, patches):
            at = line * step
            pen.line([(left + at, 0), (left + at, side)], fill=(225, 225, 225))
            pen.line([(left, at), (left + side, at)], fill=(225, 225, 225))
        for number, (down, right) in enumerate(COPIES[: 1 if k == 0 else 4]):
            for i in range(patches):
                for j in range(patches):
                    y, x = (i + 0.5 + down) * step, (j + 0.5 + right) * step
                    if x < side - 1 and y < side - 1:
                        dot(pen, left + x, y, 6, INK[number])
                        if k == 2:
                            ring(pen, left + x, y, 10, INK[number])
    return sheet


def dot(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, ink: tuple) -> None:
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=ink)


def ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, ink: tuple) -> None:
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=ink, width=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder = parser.parse_args().folder
    register_upsampler("blocks", Blocks, shifts=1, flips="false")
    task = tasks("cells")[0]
    trained = laid_over(task.train_image, task.train_labels.to_label_image()[0, 0], 0.55)
    found = segmented(task)
    over = {name: laid_over(task.test_image, labels, 0.45) for name, labels in found.items()}
    row([trained, over["classical"], over["default"]]).save(
        folder / "method-first.png", optimize=True
    )
    row([over["classical"], over["deep"], over["default"], over["default, refined"]]).save(
        folder / "method-features.png", optimize=True
    )
    row(upsampled(task.test_image)).save(folder / "method-tokens.png", optimize=True)
    interleaved().save(folder / "method-copies.png", optimize=True)


if __name__ == "__main__":
    main()
