"""Dense CRF against pydensecrf2: labels, CPU time, memory, tiles, and what the guard saves.

    python benchmarks/crf.py

Probabilities come from a random forest on Gaussians and their derivatives, trained on the sparse
labels of the micrographs beside the checkout (the T-cells: on those of the other cell).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pydensecrf.densecrf as rival
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

from data import read
from tdseg.options.groups import CrfOptions
from tdseg.refine.crf import refine_plane, refine_tiled
from tdseg.runtime.threads import set_thread_count

GUARDED = CrfOptions()
UNGUARDED = replace(GUARDED, crf_min_fraction=0.0)


def features(image: np.ndarray) -> np.ndarray:
    planes = []
    for channel in np.moveaxis(np.atleast_3d(image).astype(np.float32), 2, 0):
        planes.append(channel)
        for sigma in (1, 2, 4, 8, 16):
            planes.append(ndimage.gaussian_filter(channel, sigma))
            planes.append(ndimage.gaussian_gradient_magnitude(channel, sigma))
            planes.append(ndimage.gaussian_laplace(channel, sigma))
    return np.stack(planes, axis=-1)


def probabilities(train: str, test: str) -> np.ndarray:
    labels = read(f"{train}_labels")
    stack = features(read(f"{train}_image"))
    forest = RandomForestClassifier(
        200, max_features=2, max_depth=10, class_weight="balanced", random_state=0, n_jobs=1
    ).fit(stack[labels > 0], labels[labels > 0])
    stack = features(read(f"{test}_image"))
    flat = forest.predict_proba(stack.reshape(-1, stack.shape[-1])).astype(np.float32)
    return np.ascontiguousarray(flat.T).reshape(-1, *stack.shape[:2])


def reference(unary: np.ndarray, image: np.ndarray) -> np.ndarray:
    classes, height, width = unary.shape
    field = rival.DenseCRF2D(width, height, classes)
    energy = -np.log(np.maximum(unary, 1e-5)).reshape(classes, -1)
    field.setUnaryEnergy(np.ascontiguousarray(energy))
    colour = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    field.addPairwiseGaussian(sxy=3, compat=10)
    field.addPairwiseBilateral(sxy=80, srgb=13, rgbim=np.ascontiguousarray(colour), compat=10)
    return np.array(field.inference(10)).reshape(unary.shape)


def cpu_seconds(*calls: Callable[[], object], rounds: int = 7) -> list[float]:
    """Return the median CPU seconds of each call, the calls taking turns."""
    spent: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, spent, strict=True):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
    return [float(np.median(times)) for times in spent]


def iou(refined: np.ndarray, truth: np.ndarray) -> list[float]:
    labels = refined.argmax(axis=0) + 1
    known = truth > 0
    scores = []
    for k in range(1, len(refined) + 1):
        both = ((labels == k) & (truth == k)).sum()
        either = (((labels == k) & known) | (truth == k)).sum()
        scores.append(float(both / max(either, 1)))
    return scores


def main() -> None:
    set_thread_count(1)
    cases = [
        ("alloy", "alloy", "alloy_truth"),
        ("tcell_b", "tcell_a", "tcell_a_labels"),
        ("tcell_a", "tcell_b", "tcell_b_labels"),
        ("rgb", "rgb", "rgb_labels"),
    ]
    loaded = []
    for train, test, score in cases:
        image = read(f"{test}_image")
        truth = read(score)
        loaded.append((test, probabilities(train, test), image, truth))

    print("Against pydensecrf2 (same unaries, 10 iterations, one thread, guard off)")
    print(
        f"{'image':10s} {'labels equal':>12s} {'mean |dQ|':>10s} {'CPU s':>7s} {'rival':>7s} ratio"
    )
    for name, unary, image, _ in loaded:
        ours, theirs = refine_plane(unary, image, UNGUARDED), reference(unary, image)
        equal = (ours.argmax(0) == theirs.argmax(0)).mean()
        own, other = cpu_seconds(
            lambda u=unary, i=image: refine_plane(u, i, UNGUARDED),
            lambda u=unary, i=image: reference(u, i),
        )
        gap = float(np.abs(ours - theirs).mean())
        print(f"{name:10s} {equal:12.5f} {gap:10.1e} {own:7.3f} {other:7.3f} {own / other:5.2f}")

    print("\nIntersection over union of each class, and the part of its pixels a class keeps")
    for name, unary, image, truth in loaded:
        against = "truth" if name == "alloy" else "sparse labels"
        print(f"{name} (against its {against}{', also trained on' if name == 'rgb' else ''})")
        before = np.bincount(unary.argmax(0).ravel(), minlength=len(unary))
        for title, result in (
            ("classifier", unary),
            ("CRF without guard", refine_plane(unary, image, UNGUARDED)),
            ("CRF with guard", refine_plane(unary, image, GUARDED)),
        ):
            scores = iou(result, truth)
            kept = np.bincount(result.argmax(0).ravel(), minlength=len(unary)) / before
            line = " ".join(f"{score:.3f}" for score in scores)
            parts = " ".join(f"{part:.2f}" for part in kept)
            print(f"  {title:18s} {line}   mean {np.mean(scores):.3f}   kept {parts}")

    print("\nTiles of 256 with the default halo: labels equal to those of the whole plane")
    for name, unary, image, _ in loaded:
        whole = refine_plane(unary, image, UNGUARDED).argmax(0)
        tiled = refine_tiled(unary, image, UNGUARDED, tile=256).argmax(0)
        print(f"{name:10s} {(whole == tiled).mean():.5f}")


if __name__ == "__main__":
    main()
