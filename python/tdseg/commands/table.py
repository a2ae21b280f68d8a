"""The table of commands: parser, recorder, menu, documentation and dialogs are made from it.

Imports no Java: the command line and the documentation read it too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tdseg.options.keys import LIST_OF_NUMBERS, SETTING_KEYS, SETTINGS_BY_NAME, Key

MENU = "Trainable Deep Segmentation"


@dataclass(frozen=True)
class Command:
    """One command of the menu.

    Parameters
    ----------
    name
        As in the menu and in ``run(name, options)``.
    help
        One line.
    handler
        Name of the function in `handlers` that does it.
    keys
        What it accepts.
    needs_image
        Whether it works on the active image.
    queued
        Whether it waits for the commands before it.
    """

    name: str
    help: str
    handler: str
    keys: tuple[Key, ...] = ()
    needs_image: bool = True
    queued: bool = True

    def key(self, name: str) -> Key:
        """Return one of its keys."""
        return next(k for k in self.keys if k.name == name)

    def default(self, name: str) -> Any:
        """Return the default of one of its keys."""
        return self.key(name).default


def _setting(*names: str, default: Any = ...) -> tuple[Key, ...]:
    keys = (SETTINGS_BY_NAME[n] for n in names)
    return tuple(k if default is ... else replace(k, default=default) for k in keys)


def _path(help: str, name: str = "path", default: Any = None) -> Key:
    return Key(name, "path", default, help)


EXISTING = ("skip", "overwrite", "error")

LABEL_KEYS = (
    Key(
        "labels",
        "choice",
        "overlay",
        "where the labels are",
        choices=("overlay", "manager", "selection", "file", "image"),
    ),
    _path("label file for labels=file (.roi, .zip, or TIFF)", "labels_path"),
    Key("labels_image", "text", None, "title of the open label image for labels=image"),
    Key(
        "class_from",
        "choice",
        "group",
        "what of a ROI tells its class",
        choices=("group", "name", "color", "counter"),
    ),
    Key(
        "unpositioned",
        "choice",
        "current",
        "ROIs without a position on a stack",
        choices=("current", "all", "error"),
    ),
    Key(
        "overlap",
        "choice",
        "last",
        "pixels in ROIs of two classes: the later ROI, or an error",
        choices=("last", "error"),
    ),
)
MEASURE_KEYS = (
    Key(
        "labels",
        "choice",
        "overlay",
        "where the ROIs are",
        choices=("overlay", "manager", "selection", "file"),
    ),
    *(key for key in LABEL_KEYS if key.name in ("labels_path", "unpositioned")),
)
REGION = Key(
    "region",
    "choice",
    "image",
    "the whole image, or the active area selection only",
    choices=("image", "selection"),
)
SLICES = Key(
    "slices",
    "text",
    "all",
    "slices to work on (frames where there is one slice)",
    pattern="current|" + LIST_OF_NUMBERS,
    example="1-20",
)
COMPONENTS = Key(
    "components",
    "int",
    0,
    "first principal components instead of features; 0 is all",
    minimum=0,
    maximum=10000,
)
CRF = tuple(k.name for k in SETTING_KEYS if k.name.startswith("crf_"))
_OF_CLASSIFIERS = ("classifier", "trees", "balance", "samples", "held_out", "refine", "first_label")
FEATURE_KEYS = tuple(k for k in SETTING_KEYS if k.name not in (*_OF_CLASSIFIERS, *CRF))
UNLABELLED_KEYS = (
    Key(
        "method",
        "choice",
        "clusters",
        "classes of similar pixels, attention maps, or objects",
        choices=("clusters", "attention", "foreground"),
    ),
    Key(
        "clusters",
        "int",
        "auto",
        "number of classes",
        minimum=2,
        maximum=255,
        words=("auto",),
    ),
    Key("min_size", "int", 200, "smallest object, pixels", minimum=0),
    Key("cutoff_scale", "float", 1.0, "above 1 gives fewer classes", minimum=0.01),
)

COMMANDS: tuple[Command, ...] = (
    Command(
        "TDS Set Classes...",
        "Name the classes; class k has ROI group k and label value k.",
        "set_classes",
        (Key("classes", "text", None, "names separated by commas", example="background,nucleus"),),
        needs_image=False,
    ),
    Command(
        "TDS Add Label...",
        "Add the current selection to the overlay as a label of a class.",
        "add_label",
        (Key("class", "text", None, "class name or number", example="nucleus"),),
    ),
    Command(
        "TDS Train...",
        "Train a classifier on the labels of the active image.",
        "train",
        (
            *LABEL_KEYS,
            Key("append", "bool", False, "train on the earlier images too"),
            *SETTING_KEYS,
        ),
    ),
    Command(
        "TDS Apply...",
        "Segment the active image with the current classifier.",
        "apply",
        (
            _path("classifier file; default: the current classifier", "model"),
            Key(
                "output",
                "choice",
                "labels",
                "what to show",
                choices=("labels", "probabilities", "both", "overlay"),
            ),
            REGION,
            SLICES,
            *_setting(
                "refine",
                *CRF,
                "first_label",
                "weights",
                "upsampler_weights",
                "device",
                "precision",
                "memory_limit",
                "tile",
                "classical_device",
                default=None,
            ),
        ),
    ),
    Command(
        "TDS Features...",
        "Show the features of the active image as a stack.",
        "features",
        (COMPONENTS, REGION, SLICES, *FEATURE_KEYS),
    ),
    Command(
        "TDS Refine...",
        "Refine the active probability stack with a dense CRF.",
        "refine",
        (
            Key("image", "text", None, "title of the open image that was segmented"),
            Key(
                "output",
                "choice",
                "labels",
                "what to show",
                choices=("labels", "probabilities", "both"),
            ),
            *_setting(*CRF, "memory_limit", "tile"),
        ),
    ),
    Command(
        "TDS Segment Without Labels...",
        "Segment by clusters of features or by attention, without labels.",
        "segment",
        (
            *UNLABELLED_KEYS,
            SLICES,
            Key(
                "objects",
                "choice",
                "none",
                "where the outlines of objects go besides",
                choices=("none", "overlay", "manager"),
            ),
            Key("adopt", "bool", True, "make the clusters the current classifier"),
            *(
                replace(k, default="deep") if k.name == "features" else k
                for k in (*FEATURE_KEYS, *(SETTINGS_BY_NAME[n] for n in ("refine", *CRF)))
            ),
        ),
    ),
    Command(
        "TDS Save Classifier...",
        "Save the current classifier.",
        "save_classifier",
        (
            _path("where to, .tdseg"),
            Key("existing", "choice", "error", "if the file exists", choices=EXISTING),
        ),
        needs_image=False,
    ),
    Command(
        "TDS Load Classifier...",
        "Load a classifier and make it the current one.",
        "load_classifier",
        (_path("a .tdseg file"),),
        needs_image=False,
    ),
    Command(
        "TDS Save Labels...",
        "Save the overlay's labels as a RoiSet.",
        "save_labels",
        (
            _path("where to, .zip"),
            Key("existing", "choice", "error", "if the file exists", choices=EXISTING),
        ),
    ),
    Command(
        "TDS Load Labels...",
        "Add the labels of a file to the overlay.",
        "load_labels",
        (
            _path("a .roi or .zip file"),
            Key("replace", "bool", False, "replace the overlay instead of adding to it"),
        ),
    ),
    Command(
        "TDS Labels to Image",
        "Show the labels as a label image; 0 is unlabelled.",
        "labels_to_image",
        LABEL_KEYS,
    ),
    Command(
        "TDS Measure ROIs...",
        "Mean features of each ROI, as a table.",
        "measure_rois",
        (COMPONENTS, *MEASURE_KEYS, *FEATURE_KEYS),
    ),
    Command(
        "TDS Class Statistics",
        "Pixels, area and fraction of each class and slice, as a table.",
        "class_statistics",
    ),
    Command(
        "TDS Status",
        "What runs: device, backbone, weights, cache, versions.",
        "status",
        needs_image=False,
        queued=False,
    ),
    Command(
        "TDS Macro Extensions",
        "Register Ext.TDS_classCount, TDS_className and TDS_status.",
        "macro_extensions",
        needs_image=False,
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}
