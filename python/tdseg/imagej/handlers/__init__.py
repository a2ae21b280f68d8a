"""What each command does; the command table names these functions."""

from .call import Call
from .classes import add_label, set_classes
from .classifier import apply, features, load_classifier, save_classifier, train
from .info import macro_extensions, status
from .labels import labels_to_image, load_labels, save_labels
from .refine import refine
from .tables import class_statistics, measure_rois
from .unlabelled import segment

__all__ = [
    "Call",
    "add_label",
    "apply",
    "class_statistics",
    "features",
    "labels_to_image",
    "load_classifier",
    "load_labels",
    "macro_extensions",
    "measure_rois",
    "refine",
    "save_classifier",
    "save_labels",
    "segment",
    "set_classes",
    "status",
    "train",
]
