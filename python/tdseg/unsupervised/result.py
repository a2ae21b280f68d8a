"""What segmentation without labels gives for an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tdseg.unsupervised.foreground import FoundObject

if TYPE_CHECKING:
    from tdseg.classifiers.model import Model


@dataclass(frozen=True)
class UnlabelledResult:
    """What was found in one image.

    Attributes
    ----------
    labels
        (T, Z, Y, X). Method clusters: uint8, classes from 1, the largest first. Attention and
        foreground: uint16, objects from 1 in every plane, 0 is background.
    class_values, class_names
        Label value and name of each class; empty where labels are objects.
    probabilities
        (T, Z, C, Y, X) float32 of the model's classes, where asked for.
    uncertainty
        (T, Z, Y, X) float32, 0 to 1, where probabilities were asked for; see `tdseg.Result`.
    attention
        (T, Z, M, Y, X) float32 under method attention, else None.
    attention_names
        Names of the M maps: ``mean``, ``head 1``, ...; or ``ncut``.
    objects
        One row per object; empty under method clusters.
    info
        Settings and provenance, text by key; ``tdseg.unlabelled`` says what ran.
    model
        Classifier that finds the same classes in other images; None under method attention, and
        where nothing stands out.
    """

    labels: np.ndarray
    class_values: tuple[int, ...] = ()
    class_names: tuple[str, ...] = ()
    probabilities: np.ndarray | None = None
    attention: np.ndarray | None = None
    attention_names: tuple[str, ...] = ()
    objects: tuple[FoundObject, ...] = ()
    info: Mapping[str, str] = field(default_factory=dict)
    model: Model | None = None
    uncertainty: np.ndarray | None = None
