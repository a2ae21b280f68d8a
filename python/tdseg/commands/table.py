"""The table of commands: parser, recorder, menu, documentation and dialogs are made from it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tdseg.commands import command_options as options
from tdseg.options.declare import Options, keys_of
from tdseg.options.key import Key, by_name

if TYPE_CHECKING:
    from tdseg.commands.reply import Reply
    from tdseg.commands.request import Request

MENU = "Trainable Deep Segmentation"


@dataclass(frozen=True)
class Command:
    """One command of the menu.

    Attributes
    ----------
    name
        As in the menu and in ``run(name, options)``.
    help
        One line.
    function
        What does it, as ``module:function`` below `tdseg.commands`; imported when it is called.
    options
        What it accepts.
    overrides
        Groups of settings that it accepts besides, absent unless they are given.
    needs_image
        Whether it works on the active image.
    queued
        Whether it waits for the commands before it.
    """

    name: str
    help: str
    function: str
    options: type[Options] = options.NoOptions
    overrides: tuple[type[Options], ...] = ()
    needs_image: bool = True
    queued: bool = True

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """All keys that it accepts."""
        more = [replace(key, default=None) for group in self.overrides for key in keys_of(group)]
        return (*keys_of(self.options), *more)

    @cached_property
    def index(self) -> dict[str, Key]:
        """Its keys by name and alias."""
        return by_name(self.keys)

    def key(self, name: str) -> Key:
        """Return one of its keys."""
        return self.index[name]

    def default(self, name: str) -> Any:
        """Return the default of one of its keys."""
        return self.key(name).default

    def load(self) -> Callable[[Request], Reply]:
        """Import and return the function that does it."""
        module, _, name = self.function.partition(":")
        found: Callable[[Request], Reply] = getattr(
            importlib.import_module(f"tdseg.commands.{module}"), name
        )
        return found


COMMANDS: tuple[Command, ...] = (
    Command(
        "TDS Set Classes...",
        "Name the classes; class k has ROI group k and label value k.",
        "classes:set_classes",
        options.SetClassesOptions,
        needs_image=False,
    ),
    Command(
        "TDS Add Label...",
        "Add the current selection to the overlay as a label of a class.",
        "classes:add_label",
        options.AddLabelOptions,
    ),
    Command(
        "TDS Train...",
        "Train a classifier on the labels of the active image.",
        "classifier:train",
        options.TrainOptions,
    ),
    Command(
        "TDS Train from Folder...",
        "Train a classifier on the labelled images of a folder.",
        "folder:train_from_folder",
        options.TrainFolderOptions,
        needs_image=False,
    ),
    Command(
        "TDS Apply...",
        "Segment the active image with the current classifier.",
        "classifier:apply",
        options.ApplyOptions,
        options.APPLY_OVERRIDES,
    ),
    Command(
        "TDS Apply to Folder...",
        "Segment the images of a folder with the current classifier.",
        "folder:apply_to_folder",
        options.ApplyFolderOptions,
        options.APPLY_OVERRIDES,
        needs_image=False,
    ),
    Command(
        "TDS Features...",
        "Show the features of the active image as a stack.",
        "features:features",
        options.ComputeFeaturesOptions,
    ),
    Command(
        "TDS Refine...",
        "Refine the active probability stack with a dense CRF.",
        "refine:refine",
        options.RefineStackOptions,
    ),
    Command(
        "TDS Segment Without Labels...",
        "Segment by clusters of features or by attention, without labels.",
        "unlabelled:segment",
        options.SegmentOptions,
    ),
    Command(
        "TDS Save Classifier...",
        "Save the current classifier.",
        "classifier:save_classifier",
        options.SaveClassifierOptions,
        needs_image=False,
    ),
    Command(
        "TDS Load Classifier...",
        "Load a classifier and make it the current one.",
        "classifier:load_classifier",
        options.LoadClassifierOptions,
        needs_image=False,
    ),
    Command(
        "TDS Save Labels...",
        "Save the overlay's labels as a RoiSet.",
        "labels:save_labels",
        options.SaveLabelsOptions,
    ),
    Command(
        "TDS Load Labels...",
        "Add the labels of a file to the overlay.",
        "labels:load_labels",
        options.LoadLabelsOptions,
    ),
    Command(
        "TDS Labels to Image",
        "Show the labels as a label image; 0 is unlabelled.",
        "labels:labels_to_image",
        options.LabelOptions,
    ),
    Command(
        "TDS Measure ROIs...",
        "Mean features of each ROI, as a table.",
        "measure:measure_rois",
        options.MeasureRoisOptions,
    ),
    Command(
        "TDS Class Statistics",
        "Pixels, area and fraction of each class and slice, as a table.",
        "measure:class_statistics",
        options.ClassImageOptions,
    ),
    Command(
        "TDS Objects...",
        "Outlines of the objects of each class, and a table of their sizes.",
        "objects:objects",
        options.ObjectsOptions,
    ),
    Command(
        "TDS Status",
        "What runs, and what else a bug report needs: device, backbone, weights, versions, errors.",
        "info:status",
        needs_image=False,
        queued=False,
    ),
    Command(
        "TDS Macro Extensions",
        "Register Ext.TDS_classCount, TDS_className and TDS_status.",
        "info:macro_extensions",
        needs_image=False,
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}
