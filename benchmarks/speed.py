"""How fast is the main job? Wall, CPU seconds and peak memory, against Weka (TWS).

TWS's CPU seconds (ImageJ 1.54p, two cores of a server processor) stand beside ours. The rival of
the same run is scikit-learn's own forest, trained and applied to the same features.

    python benchmarks/speed.py [--threads 2]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

TWS = {"classical": 1.4, "train": 2.7, "apply": 45.0}


def image(size: int) -> Any:
    """Return textures tiled to a square image."""
    import skimage.data

    import tdseg

    tile = np.tile(skimage.data.gravel(), (size // 512 + 1, size // 512 + 1))
    return tdseg.Image.from_array(np.ascontiguousarray(tile[:size, :size]), name="gravel")


def strokes(size: int, pixels: int) -> np.ndarray:
    """Return a label image with about so many labelled pixels of three classes, in patches."""
    labels = np.zeros((size, size), np.uint8)
    rng = np.random.default_rng(0)
    side = int(np.sqrt(pixels / 30))
    for k in range(30):
        y, x = rng.integers(0, size - side, 2)
        labels[y : y + side, x : x + side] = k % 3 + 1
    return labels


def classical() -> Callable[[], object]:
    """76 classical planes at 512x512."""
    import tdseg

    picture = image(512)
    settings = tdseg.Settings(features="classical")
    return lambda: tdseg.compute_features(picture, settings).array.shape


def deep() -> Callable[[], object]:
    """Deep features at 512x512, quality=balanced: tokens, then every pixel."""
    import tdseg

    picture = image(512)
    settings = tdseg.Settings(features="deep", backbone="offline")
    return lambda: sum(b.size for *_, b in tdseg.compute_features(picture, settings).planes())


def _example(size: int, pixels: int) -> tuple[Any, Any]:
    import tdseg

    return image(size), tdseg.SparseLabels.from_label_image(strokes(size, pixels))


def train() -> Callable[[], object]:
    """Train 200 trees on 5,000 labelled pixels, classical features, features included."""
    import tdseg

    example = _example(1024, 5000)
    settings = tdseg.Settings(features="classical", held_out=False)
    return lambda: tdseg.train([example], settings)


def apply() -> Callable[[], object]:
    """Apply them to 1024x1024, features included."""
    import tdseg

    example = _example(1024, 5000)
    settings = tdseg.Settings(features="classical", held_out=False)
    model = tdseg.train([example], settings)
    return lambda: tdseg.apply(model, example[0], probabilities=False)


def apply_scikit() -> Callable[[], object]:
    """Apply the rival: scikit-learn's forest on the same features of 1024x1024."""
    from sklearn.ensemble import RandomForestClassifier

    import tdseg

    picture, labels = _example(1024, 5000)
    stack = tdseg.compute_features(picture, tdseg.Settings(features="classical")).array
    forest = RandomForestClassifier(200, n_jobs=2, random_state=0)
    forest.fit(stack[:, labels.y, labels.x].T, labels.value)

    def run() -> object:
        found = tdseg.compute_features(picture, tdseg.Settings(features="classical")).array
        return forest.predict(found.reshape(len(found), -1).T)

    return run


def stroke(classifier: str) -> Callable[[], object]:
    """Train on hybrid features and label 1024x1024 pixels, tokens cached, as after a stroke."""
    import tdseg
    from data import read
    from tdseg.features.token_cache import open_cache

    picture = np.pad(read("alloy_image"), ((0, 512), (0, 512)), mode="symmetric")
    drawn = np.pad(read("alloy_labels"), ((0, 512), (0, 512)))
    cache = open_cache(2**30)
    settings = tdseg.Settings(classifier=classifier, backbone="offline", held_out=False)

    def run() -> object:
        model = tdseg.train([(picture, drawn)], settings, cache=cache)
        return tdseg.apply(model, picture, probabilities=False, cache=cache)

    return run


def measure(prepare: Callable[[], Callable[[], object]], threads: int, queue: Any) -> None:
    """Warm up once (compilation), then time; runs in a process of its own."""
    import torch

    import tdseg.runtime.threads

    tdseg.runtime.threads.set_thread_count(threads)
    torch.set_num_threads(threads)
    job = prepare()
    job()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    job()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    queue.put((wall, cpu, max(peak, before) / 2**20))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="jobs whose name begins so")
    options = parser.parse_args()
    rows = [
        ("76 classical planes, 512x512", classical, "classical"),
        ("deep features, 512x512", deep, ""),
        ("train 200 trees, 5,000 pixels", train, "train"),
        ("apply to 1024x1024", apply, "apply"),
        ("  rival: scikit-learn's forest", apply_scikit, ""),
        ("stroke to labels, linear, 1024x1024", partial(stroke, "logistic_regression"), ""),
        ("stroke to labels, forest", partial(stroke, "random_forest"), ""),
        ("stroke to labels, auto", partial(stroke, "auto"), ""),
    ]
    print("| job | wall s | CPU s | peak GiB | TWS CPU s | ratio |")
    print("|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for name, prepare, rival in rows:
        if not name.startswith(options.only):
            continue
        queue = context.Queue()
        process = context.Process(target=measure, args=(prepare, options.threads, queue))
        process.start()
        wall, cpu, peak = queue.get()
        process.join()
        theirs = f"{TWS[rival]} | {TWS[rival] / cpu:.1f}x" if rival else " | "
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak:.2f} | {theirs} |", flush=True)


if __name__ == "__main__":
    main()
