"""The keys of each command: its own, defined here, and the groups of settings that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tdseg.options.declare import (
    LIST_OF_NUMBERS,
    Options,
    choice,
    flag,
    integer,
    number,
    path,
    text,
)
from tdseg.options.groups import (
    ApplyJobOptions,
    ChannelOptions,
    CrfOptions,
    OutputOptions,
    RefineOptions,
    ResourceOptions,
    TrainJobOptions,
    UnlabelledOptions,
    WeightFiles,
)
from tdseg.options.settings import FeatureSettings, Settings


@dataclass(frozen=True, kw_only=True)
class NoOptions(Options):
    """A command without keys."""


@dataclass(frozen=True, kw_only=True)
class SetClassesOptions(Options):
    """Keys of TDS Set Classes."""

    classes: str | None = text(
        None, "names separated by commas", "", "background,nucleus", basic=True, needed=True
    )


@dataclass(frozen=True, kw_only=True)
class AddLabelOptions(Options):
    """Keys of TDS Add Label."""

    class_: str | None = text(
        None, "class name or number", "", "nucleus", basic=True, name="class", needed=True
    )


@dataclass(frozen=True, kw_only=True)
class RoiPlaceOptions(Options):
    """Where ROIs without a position go."""

    title: ClassVar[str] = "ROIs"

    unpositioned: str = choice("current", "current all error", "ROIs without a position on a stack")


@dataclass(frozen=True, kw_only=True)
class RoiSourceOptions(RoiPlaceOptions):
    """A file of ROIs, and where those without a position go."""

    title: ClassVar[str] = "ROIs"

    labels_path: str | None = path(None, "label file for labels=file (.roi, .zip, or TIFF)")


@dataclass(frozen=True, kw_only=True)
class RoiClassOptions(Options):
    """How ROIs become classes."""

    title: ClassVar[str] = "Labels"

    class_from: str = choice("group", "group name color counter", "what of a ROI tells its class")
    overlap: str = choice(
        "last", "last error", "pixels in ROIs of two classes: the later ROI, or an error"
    )


@dataclass(frozen=True, kw_only=True)
class LabelOptions(RoiSourceOptions, RoiClassOptions):
    """Where the labels are, and how ROIs become classes."""

    title: ClassVar[str] = "Labels"

    labels: str = choice(
        "overlay", "overlay manager selection file image", "where the labels are", basic=True
    )
    labels_image: str | None = text(None, "title of the open label image for labels=image")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Settings, LabelOptions):
    """Keys of TDS Train."""

    append: bool = flag(False, "train on the earlier images too", basic=True)
    images: str | None = text(
        None, "titles of other open images that train too, by their overlays", "", "cells-2.tif"
    )


@dataclass(frozen=True, kw_only=True)
class TrainFolderOptions(Settings, RoiPlaceOptions, RoiClassOptions, TrainJobOptions):
    """Keys of TDS Train from Folder."""

    input: str | None = path(
        None,
        "a folder of labelled images, one image, or a pattern such as /data/*/a*.tif",
        basic=True,
        needed=True,
        folder=True,
    )


@dataclass(frozen=True, kw_only=True)
class SliceOptions(Options):
    """Which planes of the image a command works on."""

    title: ClassVar[str] = "Part of the image"

    slices: str = text(
        "all",
        "slices to work on (frames where there is one slice)",
        "current|" + LIST_OF_NUMBERS,
        "1-20",
    )


@dataclass(frozen=True, kw_only=True)
class PlaneOptions(SliceOptions):
    """Which part of the image a command works on."""

    title: ClassVar[str] = "Part of the image"

    region: str = choice(
        "image", "image selection", "the whole image, or the active area selection only"
    )
    rectangle: str = text(
        "",
        "only these pixels: left, top, width, height",
        r"\d{1,6}\s*,\s*\d{1,6}\s*,\s*0*[1-9]\d{0,5}\s*,\s*0*[1-9]\d{0,5}",
        "0,0,512,512",
    )


@dataclass(frozen=True, kw_only=True)
class ApplyOptions(PlaneOptions):
    """Keys of TDS Apply; besides them it takes groups of settings, default: as trained."""

    model: str | None = path(
        None, "classifier file; default: the current classifier", ending=".tdseg"
    )
    output: str = choice(
        "labels",
        "labels probabilities both overlay uncertainty composite",
        "what to show; composite: probabilities in the classes' colours",
        basic=True,
    )
    legend: bool = flag(False, "lay the classes' names and colours over the result")


@dataclass(frozen=True, kw_only=True)
class ApplyFolderOptions(SliceOptions, ApplyJobOptions):
    """Keys of TDS Apply to Folder; besides them it takes what TDS Apply takes."""

    input: str | None = path(
        None,
        "a folder of images, one image, or a pattern such as /data/*/a*.tif",
        basic=True,
        needed=True,
        folder=True,
    )
    output_folder: str | None = path(
        None, "where the results go, made if missing", basic=True, needed=True, folder=True
    )
    model: str | None = path(
        None, "classifier file; default: the current classifier", ending=".tdseg", basic=True
    )


@dataclass(frozen=True, kw_only=True)
class ComponentOptions(Options):
    """Principal components instead of features."""

    components: int = integer(
        0, 0, 10000, "first principal components instead of features; 0 is all", basic=True
    )


@dataclass(frozen=True, kw_only=True)
class ComputeFeaturesOptions(FeatureSettings, PlaneOptions, ComponentOptions):
    """Keys of TDS Features."""


@dataclass(frozen=True, kw_only=True)
class RefineStackOptions(ResourceOptions, CrfOptions):
    """Keys of TDS Refine."""

    image: str | None = text(None, "title of the open image that was segmented", basic=True)
    output: str = choice(
        "labels", "labels probabilities both uncertainty", "what to show", basic=True
    )


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(SliceOptions, RefineOptions, FeatureSettings, UnlabelledOptions):
    """Keys of TDS Segment Without Labels."""

    features: str = "deep"
    objects: str = choice(
        "none", "none overlay manager", "where the outlines of objects go besides"
    )
    adopt: bool = flag(True, "make the clusters the current classifier")


@dataclass(frozen=True, kw_only=True)
class ExistingOption(Options):
    """What happens to a file that is there."""

    existing: str = choice("error", "skip overwrite error", "if a file to write exists")


@dataclass(frozen=True, kw_only=True)
class SaveClassifierOptions(ExistingOption):
    """Keys of TDS Save Classifier."""

    path: str | None = path(
        None, "where to, .tdseg", basic=True, needed=True, saves=True, ending=".tdseg"
    )


@dataclass(frozen=True, kw_only=True)
class LoadClassifierOptions(Options):
    """Keys of TDS Load Classifier."""

    path: str | None = path(None, "a .tdseg file", basic=True, needed=True, ending=".tdseg")


@dataclass(frozen=True, kw_only=True)
class SaveLabelsOptions(ExistingOption):
    """Keys of TDS Save Labels."""

    path: str | None = path(
        None, "where to, .zip", basic=True, needed=True, saves=True, ending=".zip"
    )


@dataclass(frozen=True, kw_only=True)
class LoadLabelsOptions(Options):
    """Keys of TDS Load Labels."""

    path: str | None = path(None, "a .roi or .zip file", basic=True, needed=True)
    replace: bool = flag(False, "replace the overlay instead of adding to it")


@dataclass(frozen=True, kw_only=True)
class RegionOptions(RoiSourceOptions):
    """Where the ROIs to measure are."""

    labels: str = choice(
        "overlay", "overlay manager selection file", "where the ROIs are", basic=True
    )


@dataclass(frozen=True, kw_only=True)
class MeasureRoisOptions(FeatureSettings, RegionOptions, ComponentOptions):
    """Keys of TDS Measure ROIs."""


@dataclass(frozen=True, kw_only=True)
class ClassImageOptions(Options):
    """Where the classes are that a command measures."""

    title: ClassVar[str] = "Classes"

    classes_from: str = choice(
        "image",
        "image classifier auto",
        "the active label image, or the active image as the current classifier segments it; auto: "
        "as it is where tdseg made it, or where there is no classifier",
        basic=True,
    )


@dataclass(frozen=True, kw_only=True)
class ObjectsOptions(ClassImageOptions):
    """Keys of TDS Objects."""

    title: ClassVar[str] = "Objects"

    classes_from: str = "auto"
    classes: str = text("all", "names or numbers of classes", "", "nucleus", basic=True)
    min_size: int = integer(1, 1, 10**12, "smallest object, pixels", basic=True)
    smoothing: float = number(
        0.0, 0.0, 100.0, "smooth each class before: standard deviation in pixels", basic=True
    )
    outlines: str = choice(
        "objects", "objects classes none", "a ROI for each object, or one for each class and plane"
    )
    where: str = choice("overlay", "overlay manager", "where the ROIs are added", basic=True)


@dataclass(frozen=True, kw_only=True)
class TrainFilesOptions(ExistingOption, TrainJobOptions):
    """What `tdseg train` takes instead of the labels of an open image."""

    classes: str = text("", "class names of label values 1, 2, ...", "", "background,nucleus")


APPLY_OVERRIDES: tuple[type[Options], ...] = (
    ChannelOptions,
    RefineOptions,
    OutputOptions,
    WeightFiles,
    ResourceOptions,
)
"""Groups of settings that TDS Apply takes besides: what the classifier leaves open."""
