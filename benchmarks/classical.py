"""Time the classical features against Trainable Weka Segmentation, scikit-image and plain scipy.

Run ``python benchmarks/classical.py`` (some minutes), or with ``--sizes 512`` for a short look.
CPU seconds count all threads, so that they compare on any number of processors; wall seconds are
those of a machine that may be busy. TWS's figures were measured once, with ImageJ 1.54p: 1.4 CPU
seconds for its default features and 38 for all, at 512 x 512 pixels, four times that at 1024. The
other rivals are measured in the same run.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.feature import multiscale_basic_features

from tdseg.features.classical import (
    DEFAULT_FAMILIES,
    FAMILIES,
    ClassicalOptions,
    ClassicalPlane,
    feature_names,
)
from tdseg.features.classical.kernels import line_kernels
from tdseg.runtime import threads

TWS_CPU_AT_512 = {
    "default": 1.4,
    "all": 38.0,
    "anisotropic_diffusion": 17.7,
    "kuwahara": 10.7,
    "entropy": 6.0,
    "gabor": 5.2,
    "median": 2.7,
}
BLOCK = 512


def test_image(side: int) -> np.ndarray:
    """Return an 8-bit image with blobs, stripes and noise."""
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.normal(size=(side, side)), 6)
    y, x = np.mgrid[:side, :side]
    image = 90 + 40 * (blobs > 0) + 25 * np.sin(x / 7 + y / 31) + rng.normal(0, 8, blobs.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def ours(image: np.ndarray, families: tuple[str, ...]) -> None:
    """Compute every feature of the plane, block by block."""
    plane = ClassicalPlane(image[..., np.newaxis], ClassicalOptions(classical=families))
    for top in range(0, image.shape[0], BLOCK):
        for left in range(0, image.shape[1], BLOCK):
            plane.block(slice(top, top + BLOCK), slice(left, left + BLOCK))


def plain_scipy(image: np.ndarray) -> list[np.ndarray]:
    """Compute TWS's five default families with scipy.ndimage, as one would at first."""
    pixels = image.astype(np.float32)
    vertical = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], np.float32)
    planes, blurred = [pixels], []
    for sigma in (0, 1, 2, 4, 8, 16):
        smooth = ndimage.gaussian_filter(pixels, 0.4 * sigma, mode="nearest") if sigma else pixels
        gx, gy = (ndimage.correlate(smooth, k, mode="nearest") for k in (vertical, -vertical.T))
        a, b, d = (
            ndimage.correlate(g, k, mode="nearest")
            for g, k in ((gx, vertical), (gx, -vertical.T), (gy, -vertical.T))
        )
        gap = 4 * b * b + (a - d) ** 2
        root, trace = np.sqrt(gap), a + d
        with np.errstate(all="ignore"):
            angle = np.nan_to_num(0.5 * np.arccos((a - d) / root)) * np.where(b < 0, -1, 1)
        planes += [np.hypot(gx, gy), np.sqrt(a * a + b * b + d * d), trace, a * d - b * b]
        planes += [(trace + root) / 2, (trace - root) / 2, angle, trace**2 * gap, gap]
        if sigma:
            planes += [smooth, *(other - smooth for other in blurred)]
            blurred.append(smooth)
    lines = np.stack(
        [ndimage.correlate(pixels, k / k.sum(), mode="nearest") for k in line_kernels(19, 9, 10)]
    )
    planes += [lines.mean(0), lines.max(0), lines.min(0), lines.sum(0)]
    return [*planes, lines.std(0, ddof=1), np.median(lines, axis=0)]


def measure(function: Callable[[], object]) -> tuple[float, float]:
    """Return CPU and wall seconds of the faster of two runs (of one where it takes long)."""
    best = (np.inf, np.inf)
    for _ in range(2):
        cpu, wall = time.process_time(), time.perf_counter()
        function()
        taken = (time.process_time() - cpu, time.perf_counter() - wall)
        best = min(best, taken)
        if taken[1] > 5:
            break
    return best


def compare(side: int, families: bool) -> None:
    image = test_image(side)
    scale = (side / 512) ** 2
    print(f"\n{side} x {side} pixels" + " " * 22 + "CPU s   wall s, 1 thread   2 threads   rival")
    cases: list[tuple[str, tuple[str, ...]]] = [
        ("default", DEFAULT_FAMILIES),
        ("all", FAMILIES.names()),
    ]
    cases += [(key, (key,)) for key in FAMILIES] if families else []
    default_cpu = 0.0
    for name, keys in cases:
        threads.set_thread_count(1)
        cpu, wall = measure(lambda keys=keys: ours(image, keys))  # type: ignore[misc]
        threads.set_thread_count(2)
        _, wall_two = measure(lambda keys=keys: ours(image, keys))  # type: ignore[misc]
        default_cpu = cpu if name == "default" else default_cpu
        planes = len(feature_names(ClassicalOptions(classical=keys)))
        rival = TWS_CPU_AT_512.get(name, 0.0) * scale
        ratio = f"TWS {rival:7.1f} CPU s, {rival / cpu:5.1f} times ours" if rival else ""
        label = f"{name} ({planes} planes)"
        print(f"  {label:38s}{cpu:7.3f}{wall:16.3f}{wall_two:12.3f}   {ratio}")
    threads.set_thread_count(None)
    cpu, wall = measure(lambda: plain_scipy(image))
    print(
        f"  scipy, default (76 planes){cpu:19.3f}{wall:16.3f}   {cpu / default_cpu:.1f} times ours"
    )
    cpu, wall = measure(lambda: multiscale_basic_features(image, sigma_min=1, sigma_max=16))
    each = (cpu / 20) / (default_cpu / 76)
    print(
        f"  scikit-image, basic (20 planes){cpu:14.3f}{wall:16.3f}"
        f"   a plane costs {each:.1f} times ours"
    )


def large(side: int, limit: float) -> None:
    """Train on a corner and segment a whole plane with every family; print time and memory."""
    import tdseg

    small = tdseg.Image.from_array(test_image(64))
    settings = tdseg.Settings(
        features="classical", classical="all", memory_limit=limit, held_out=False
    )
    drawn = np.zeros((side, side), np.uint8)
    drawn[100:140, 100:140], drawn[200:240, 200:240] = 1, 2
    labels = tdseg.SparseLabels.from_label_image(np.kron([[1, 2]], np.ones((64, 32), np.uint8)))
    tdseg.apply(tdseg.train([(small, labels)], settings), small)  # compile
    count = -(-side // 1024)  # tiles: making one large image would take more memory than all else
    image = tdseg.Image.from_array(np.tile(test_image(1024), (count, count))[:side, :side].copy())
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    model = tdseg.train([(image, tdseg.SparseLabels.from_label_image(drawn))], settings)
    tdseg.apply(model, image, probabilities=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - baseline
    print(
        f"all 272 planes, {side} x {side}, memory_limit={limit:g}: train and apply "
        f"{time.perf_counter() - wall:.0f} s wall, {time.process_time() - cpu:.0f} CPU s, "
        f"{peak / 2**20:.2f} GiB above what was in use before"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--sets-only", action="store_true", help="leave out the single families")
    parser.add_argument("--large", type=int, metavar="SIDE", help="segment one large plane only")
    parser.add_argument("--memory-limit", type=float, default=4)
    arguments = parser.parse_args()
    if arguments.large:
        large(arguments.large, arguments.memory_limit)
        return
    ours(test_image(64), FAMILIES.names())  # compile, or load what was compiled before
    for side in arguments.sizes:
        compare(side, not arguments.sets_only)


if __name__ == "__main__":
    main()
