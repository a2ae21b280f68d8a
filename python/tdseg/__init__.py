"""Trainable Deep Segmentation: pixel classification for Fiji with classical and deep features."""

from __future__ import annotations

from tdseg import imagej
from tdseg.classifiers.model import Model, load
from tdseg.errors import TdsegError
from tdseg.images.image import Calibration, Image
from tdseg.images.image_files import read_image
from tdseg.labels.sparse_labels import SparseLabels
from tdseg.options.settings import Settings
from tdseg.workflow import apply, compute_features, refine_crf, segment_without_labels, train

__version__ = "0.1.0"

__all__ = [
    "Calibration",
    "Image",
    "Model",
    "Settings",
    "SparseLabels",
    "TdsegError",
    "apply",
    "compute_features",
    "imagej",
    "load",
    "read_image",
    "refine_crf",
    "segment_without_labels",
    "train",
]
