"""Choices of features and classifier on one task: features are computed once, learnt from often."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
from sklearn.metrics import jaccard_score

import tdseg
import tdseg.workflow.train as training
from data import Task
from tdseg.features.extractors import build_extraction
from tdseg.features.token_cache import open_cache
from tdseg.images.intensity import Intensity, backbone_ranges
from tdseg.runtime.feature_map import feature_sources
from tdseg.runtime.progress import Silent
from tdseg.workflow.learning import Learned, learn

CACHE = open_cache(2 * 1024**3)
FEATURES = ("classical", "deep", "hybrid")
SINGLE = [(f, c) for f in FEATURES for c in ("random_forest", "logistic_regression")]
AUTO = ("hybrid", "auto")
CHOICES = [*SINGLE, AUTO]
PER_CLASS = 5000
PER_FIELD = 2000


class _CaughtError(Exception):
    """Training came to the features."""


class Prepared:
    """Features of a task's labelled pixels, and of a sample of the pixels that are scored.

    Parameters
    ----------
    task
        Of one training image. Where it has no truth, the sample is of nine fields of its image.
    seed
        Of the settings that features depend on.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        settings = tdseg.Settings(classifier="auto", held_out=False, seed=seed)
        caught = {}

        def catch(data, class_names, feature_names, resolved, progress):  # type: ignore[no-untyped-def]
            caught.update(data=data, names=class_names, features=feature_names, settings=resolved)
            raise _CaughtError

        with patch.object(training, "learn", catch), suppress(_CaughtError):
            tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
        self._data, self._names = caught["data"], caught["names"]
        self._features, self._settings = caught["features"], caught["settings"]
        self.fields = not task.truth.any()
        self.rows, self.cols, self.weights = self._places()
        channels = list(range(len(task.test_image.channels)))
        ranges = backbone_ranges([task.train_image], channels)
        plane = Intensity(task.test_image, channels, "none", ranges).plane(0)
        found = build_extraction(self._settings, CACHE).extractor.extract(plane)
        self._sample = found.at(self.rows, self.cols)

    def _places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw pixels of each class of the truth, weighted to all, or of each of nine fields."""
        rng = np.random.default_rng(0)
        if self.fields:
            edges = [np.linspace(0, size, 4).astype(int) for size in self.task.truth.shape]
            fields = [(a, b, c, d) for a, b in pairwise(edges[0]) for c, d in pairwise(edges[1])]
            rows = np.concatenate([rng.integers(a, b, PER_FIELD) for a, b, _, _ in fields])
            cols = np.concatenate([rng.integers(c, d, PER_FIELD) for _, _, c, d in fields])
            return rows, cols, np.ones(len(rows))
        places, weights = [], []
        for value in range(1, len(self.task.class_names) + 1):
            every = np.argwhere(self.task.truth == value)
            drawn = rng.permutation(every)[:PER_CLASS]
            places.append(drawn)
            weights.append(np.full(len(drawn), len(every) / max(len(drawn), 1)))
        rows, cols = np.concatenate(places).T
        return rows, cols, np.concatenate(weights)

    def learned(self, features: str, classifier: str, seed: int) -> Learned:
        """Learn by one choice."""
        settings = self._settings.with_(features=features, classifier=classifier, seed=seed)
        keep = self._columns(features)
        names = tuple(np.array(self._features)[keep])
        data = self._data
        if not keep.all():
            own = {
                key: np.ascontiguousarray(values[:, keep])
                for key, values in vars(data).items()
                if isinstance(values, np.ndarray) and values.shape[1:] == keep.shape
            }
            data = replace(data, **own)
        return learn(data, self._names, names, settings, Silent())

    def _columns(self, features: str) -> np.ndarray:
        classical = feature_sources(self._features) == 0
        return {"classical": classical, "deep": ~classical}.get(features, np.ones_like(classical))

    def score(self, learned: Learned) -> float | tuple[float, float]:
        """Return the mIoU; of fields the spread and the mean of the first class's share."""
        where = [self._features.index(name) for name in learned.feature_names]
        found = learned.classifier.predict(np.ascontiguousarray(self._sample[:, where]))
        if self.fields:
            shares = (found == 0).reshape(9, PER_FIELD).mean(axis=1)
            return float(np.ptp(shares)), float(shares.mean())
        truth = self.task.truth[self.rows, self.cols]
        values = np.asarray(self.task.train_labels.values)  # ascending, as the classes
        iou = jaccard_score(
            truth,
            values[found],
            labels=np.unique(truth),
            average=None,
            sample_weight=self.weights,
        )
        return float(iou.mean())


def scores(task: Task, seed: int) -> dict[tuple[str, str], float | tuple[float, float]]:
    """Score every choice on a task."""
    prepared = Prepared(task, seed)
    return {choice: prepared.score(prepared.learned(*choice, seed)) for choice in CHOICES}
