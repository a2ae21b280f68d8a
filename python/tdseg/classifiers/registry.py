"""Classifiers by name: a leaf, which names its implementations and imports none of them.

A new kind is a subclass of `TrainableClassifier` and one call of ``CLASSIFIERS.add``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tdseg.runtime.registry import Registry

if TYPE_CHECKING:
    from tdseg.classifiers.base import Classifier, TrainableClassifier

CLASSIFIERS: Registry[type[TrainableClassifier]] = Registry(
    "classifier",
    {
        "random_forest": "tdseg.classifiers.forest:RandomForest",
        "logistic_regression": "tdseg.classifiers.logistic:LogisticRegression",
        "linear_regression": "tdseg.classifiers.linear:LinearRegression",
        "mean": "tdseg.classifiers.mean:MeanClassifier",
    },
)
"""What learns from labels: the choices of the key ``classifier``."""

UNTRAINED: Registry[type[Classifier]] = Registry(
    "kind", {"clusters": "tdseg.unsupervised.classifier:ClusterClassifier"}
)
"""What is found without labels; saved and applied like the others."""
