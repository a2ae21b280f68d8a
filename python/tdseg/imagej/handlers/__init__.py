"""What each command does; the command table names these functions."""

from tdseg.imagej.handlers.call import Call
from tdseg.imagej.handlers.classes import add_label, set_classes
from tdseg.imagej.handlers.classifier import (
    apply,
    features,
    load_classifier,
    save_classifier,
    train,
)
from tdseg.imagej.handlers.info import macro_extensions, status
from tdseg.imagej.handlers.labels import labels_to_image, load_labels, save_labels
from tdseg.imagej.handlers.refine import refine
from tdseg.imagej.handlers.tables import class_statistics, measure_rois
from tdseg.imagej.handlers.unlabelled import segment

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
