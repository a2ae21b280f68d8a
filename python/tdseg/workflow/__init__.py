"""Train, apply, compute features: what menu, macro, batch, command line and Python call."""

from tdseg.images.planes import planes_of_slices
from tdseg.workflow.apply import Result, apply
from tdseg.workflow.features import FeatureStack, compute_features
from tdseg.workflow.refine import refine_crf
from tdseg.workflow.train import train
from tdseg.workflow.unlabelled import segment_without_labels

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
