"""The main job on a bundled sample: a macro in ImageJ, results as TIFF, a picture to look at."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image as Picture
from PIL import ImageDraw

from tdseg.errors import TdsegError
from tdseg.runtime.files import is_folder, make_folder
from tdseg.samples.labelled_tiff import write_labelled
from tdseg.samples.mosaic import CLASS_NAMES, Sample, texture_mosaic

KINDS = ("classical", "deep", "hybrid")
COLOURS = np.array([[0, 0, 0], [230, 85, 60], [60, 170, 90], [70, 110, 220]], np.uint8)


def macro_folder() -> Path:
    """Return the folder of the ready macros, in a checkout or an installed package."""
    here = Path(__file__).resolve().parent
    for folder in (here / "macros", here.parents[1] / "fiji-macros"):
        if is_folder(folder):
            return folder
    raise TdsegError("The folder of the ready macros is missing; install tdseg again.")


def run_demo(folder: Path, fiji: str | None = None) -> int:
    """Run ``fiji-macros/whole_workflow.ijm`` on a sample with ROIs in its overlay.

    Parameters
    ----------
    folder
        Where results go: TIFFs that ImageJ opens, a classifier, and ``demo.png``.
    fiji
        Which ImageJ; None: as configured.

    Returns
    -------
    int
        0.

    Raises
    ------
    TdsegError
        If ImageJ cannot be started or the folder not be written.
    """
    folder = make_folder(folder).resolve()
    sample, unseen = texture_mosaic(), texture_mosaic(mirrored=True)
    write_sample(folder / "sample.tif", sample)
    write_sample(folder / "unseen.tif", unseen)
    from tdseg import imagej

    with imagej.start(fiji) as ij:
        print(f"ImageJ {ij.version} ({ij.mode}), Java {ij.java_version}")
        ij.run_macro_file(macro_folder() / "whole_workflow.ijm", f"{folder.as_posix()}/")
    labels = {k: tifffile.imread(folder / f"sample-{k}-labels.tif") for k in KINDS}
    others = {k: tifffile.imread(folder / f"unseen-{k}-labels.tif") for k in KINDS}
    draw_picture(folder / "demo.png", [(sample, labels), (unseen, others)])
    print("Mean intersection over union against the exact truth (1 is perfect):")
    print(f"  {'features':<10} {'labelled image':>15} {'unseen image':>13}")
    for kind in KINDS:
        here = _score(sample.truth, labels[kind])
        there = _score(unseen.truth, others[kind])
        print(f"  {kind:<10} {here:>15.3f} {there:>13.3f}")
    print(f"Results, and the picture demo.png, are in {folder}")
    sys.stdout.flush()
    return 0


def write_sample(path: Path, sample: Sample) -> None:
    """Write a sample as ImageJ's TIFF, its strokes as ROIs with groups in the overlay."""
    write_labelled(path, sample.image, sample.strokes, CLASS_NAMES)


def draw_picture(path: Path, rows: list[tuple[Sample, dict[str, np.ndarray]]]) -> None:
    """Draw one row per image: image, strokes or truth, and each result over the image."""
    strips = []
    for sample, results in rows:
        grey = np.repeat(sample.image[:, :, None], 3, axis=2)
        second = grey.copy()
        if sample.strokes:
            thick = _thicken(sample.labels)
            second[thick > 0] = COLOURS[thick[thick > 0]]
        else:
            second = _tint(grey, sample.truth)
        panels = [grey, second, *(_tint(grey, results[k]) for k in KINDS)]
        titles = ["image", "strokes" if sample.strokes else "truth (unseen image)"]
        titles += [f"{k}: mIoU {_score(sample.truth, results[k]):.3f}" for k in KINDS]
        strips.append(
            np.concatenate([_titled(p, t) for p, t in zip(panels, titles, strict=True)], 1)
        )
    Picture.fromarray(np.concatenate(strips)).save(path)


def _score(truth: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import jaccard_score

    return float(jaccard_score(truth.ravel(), labels.ravel(), average="macro"))


def _tint(grey: np.ndarray, labels: np.ndarray) -> np.ndarray:
    tinted: npt.NDArray[np.uint8] = (0.55 * grey + 0.45 * COLOURS[labels]).astype(np.uint8)
    return tinted


def _thicken(labels: np.ndarray) -> np.ndarray:
    """Widen one-pixel strokes to three, for the eye."""
    padded = np.pad(labels, 1)
    height, width = labels.shape
    shifts = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    thick: np.ndarray = np.maximum.reduce(shifts)
    return thick


def _titled(panel: np.ndarray, title: str) -> np.ndarray:
    framed = np.full((panel.shape[0] + 24, panel.shape[1] + 4, 3), 255, np.uint8)
    framed[22:-2, 2:-2] = panel
    picture = Picture.fromarray(framed)
    ImageDraw.Draw(picture).text((6, 5), title, fill=(0, 0, 0))
    return np.asarray(picture)
