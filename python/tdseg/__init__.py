"""Trainable Deep Segmentation: pixel classification for Fiji with classical and deep features."""

from __future__ import annotations

from . import imagej
from .errors import TdsegError
from .image import Calibration, Image, read_image
from .labels import SparseLabels
from .model import Model, load
from .settings import Settings
from .workflow import apply, compute_features, refine_crf, segment_without_labels, train

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
