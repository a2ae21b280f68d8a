"""Train, apply, compute features: what menu, macro, batch, command line and Python call."""

from .apply import Result, apply
from .features import FeatureStack, compute_features
from .planes import planes_of_slices
from .refine import refine_crf
from .train import train
from .unlabelled import segment_without_labels

__all__ = [
    "FeatureStack",
    "Result",
    "apply",
    "compute_features",
    "planes_of_slices",
    "refine_crf",
    "segment_without_labels",
    "train",
]
