"""Train, apply, compute features: what menu, macro, batch, command line and Python call."""

from .apply import Result, apply
from .features import FeatureStack, compute_features
from .planes import planes_of_slices
from .train import train

__all__ = ["FeatureStack", "Result", "apply", "compute_features", "planes_of_slices", "train"]
