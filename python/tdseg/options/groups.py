"""The groups of keys that change pixels or resources; each key is defined here, and only here.

A group is what one stage needs: the CRF takes `CrfOptions`, the network's features `DeepOptions`.
`tdseg.Settings` joins the groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tdseg.errors import TdsegError
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


@dataclass(frozen=True, kw_only=True)
class ChannelOptions(Options):
    """Which channels of the image."""

    title: ClassVar[str] = "Channels"

    channels: str = text("all", "channels to use, from 1", LIST_OF_NUMBERS, "1,3")


@dataclass(frozen=True, kw_only=True)
class FeatureOptions(ChannelOptions):
    """Which features."""

    title: ClassVar[str] = "Features"

    features: str = choice(
        "hybrid", "hybrid deep classical", "which features to compute", basic=True
    )
    normalize: str = choice(
        "none", "none image frame", "match the grey values of each image or frame"
    )
    seed: int = integer(0, 0, 2**31 - 1, "fixes every random choice")


@dataclass(frozen=True, kw_only=True)
class ClassicalOptions(Options):
    """The features of Trainable Weka Segmentation."""

    title: ClassVar[str] = "Classical features"

    classical: str = text(
        "default",
        "TWS's five default families, all twenty, or a list of families",
        r"[\w. -]+(\s*,\s*[\w. -]+)*",
        "gaussian,sobel,hessian",
        basic=True,
    )
    sigma_min: float = number(1.0, 0.01, 512.0, "smallest scale of the classical features, pixels")
    sigma_max: float = number(
        16.0, 0.01, 512.0, "largest scale of the classical features, pixels", basic=True
    )
    membrane_thickness: int = integer(1, 1, 99, "thickness of membranes, pixels")
    membrane_patch: int = integer(19, 3, 199, "patch of the membrane filter, pixels")
    rgb: str = choice(
        "channels", "channels tws", "colour by channel, or clamped and averaged as TWS does"
    )

    def check_together(self) -> None:
        """Check that the scales are in order and that a membrane fits its patch."""
        if self.sigma_max < self.sigma_min:
            raise TdsegError(
                f"Key 'sigma_max' ({self.sigma_max:g}) must not be below "
                f"'sigma_min' ({self.sigma_min:g})."
            )
        if self.membrane_thickness >= self.membrane_patch | 1:
            raise TdsegError(
                f"Key 'membrane_thickness' ({self.membrane_thickness}) must be below "
                f"'membrane_patch' ({self.membrane_patch | 1})."
            )
        super().check_together()


@dataclass(frozen=True, kw_only=True)
class DeepOptions(Options):
    """The features of a network, and how they reach pixel resolution."""

    title: ClassVar[str] = "Deep features"

    backbone: str = text(
        "auto",
        "the network behind deep features, or several joined by +",
        r"[\w./:-]+(\+[\w./:-]+)*",
        "dinov2_s_reg",
        basic=True,
    )
    levels: str = text(
        "auto",
        "which levels or blocks of the backbone, auto: those that the labels can judge; of several "
        "backbones joined by +",
        r"[\w.]+(\s*[,+]\s*[\w.]+)*",
        "4,8,16",
    )
    quality: str = choice(
        "balanced", "balanced fast best", "chooses shifts, flips and stride", basic=True
    )
    upsampling: str = choice(
        "shifts",
        "",
        "how tokens become pixels",
        registry="tdseg.upsampling.registry:UPSAMPLERS",
    )
    shifts: int | str = integer(
        "auto", 1, 16, "sub-patch shifts along each axis", "auto", several=True
    )
    flips: str | bool = choice(
        "auto",
        "auto true turn false",
        "average over mirrored copies: four, or two (the image and its half turn)",
        several=True,
    )
    stride: int | str = integer(
        "auto", 1, 64, "stride of the patch embedding, pixels", "auto", several=True
    )


@dataclass(frozen=True, kw_only=True)
class WeightFiles(Options):
    """Where the networks' weights are on this machine; which they are, the classifier knows."""

    title: ClassVar[str] = "Weights"

    weights: str = path("", "a local file with the backbone's weights; of several, with commas")
    upsampler_weights: str = path("", "a local file with the weights of a learned upsampler")


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions(Options):
    """What learns from the labels, and how."""

    title: ClassVar[str] = "Classifier"

    classifier: str = choice(
        "auto",
        "auto",
        "what learns from the labels; auto: what held-out labels speak for",
        basic=True,
        registry="tdseg.classifiers.registry:CLASSIFIERS",
    )
    shares: str = text(
        "",
        "classifier=mean: percent of the features that decide",
        r"(classical|deep|hybrid):\d{1,3}(\s*,\s*(classical|deep|hybrid):\d{1,3})*",
        "classical:40,hybrid:60",
    )
    augment: str = choice(
        "auto",
        "auto none grey",
        "train on changed brightness and contrast too; auto: with several images, if that helps on "
        "held-out ones",
    )
    trees: int = integer(200, 1, 10000, "trees of a random forest", basic=True)
    balance: bool = flag(True, "classes count the same, however many pixels they have")
    samples: int = integer(
        100000, 0, 10**9, "at most this many labelled pixels train, evenly by class; 0 is all"
    )
    held_out: bool = flag(True, "measure precision, recall and F1 on held-out ROIs after training")


@dataclass(frozen=True, kw_only=True)
class CrfOptions(Options):
    """The dense CRF; the defaults are those of HR-Dv2, the paper's own program."""

    title: ClassVar[str] = "CRF"

    crf_iterations: int = integer(10, 0, 1000, "mean-field updates of the CRF")
    crf_spatial_sigma: float = number(3.0, 0.1, 1e4, "reach of the CRF's smoothing, pixels")
    crf_spatial_compat: float = number(10.0, 0.0, 1e6, "strength of the CRF's smoothing; 0 is off")
    crf_bilateral_sigma: float = number(80.0, 0.1, 1e4, "reach of its colour kernel, pixels")
    crf_bilateral_range: float = number(
        13.0, 0.1, 1e4, "grey levels (of 255) that count as an edge"
    )
    crf_bilateral_compat: float = number(10.0, 0.0, 1e6, "strength of its colour kernel; 0 is off")
    crf_denoise: bool = flag(
        True,
        "take noise that exceeds the range out of the image before edges are looked for, and hold "
        "the strengths back there",
    )
    crf_min_fraction: float = number(
        0.5,
        0.0,
        1.0,
        "a class that keeps less of its pixels is given back its confident regions; 0: never",
    )


@dataclass(frozen=True, kw_only=True)
class RefineOptions(CrfOptions):
    """Whether, and how, the result is refined."""

    title: ClassVar[str] = "Refinement"

    refine: str = choice(
        "none",
        "none crf auto",
        "refine the result with a dense CRF; auto: where, and as far as, the image bears it out",
        basic=True,
    )


@dataclass(frozen=True, kw_only=True)
class OutputOptions(Options):
    """How label values are written."""

    title: ClassVar[str] = "Output"

    first_label: int = integer(1, 0, 1, "1 keeps label values as drawn, 0 starts at 0 as TWS does")


@dataclass(frozen=True, kw_only=True)
class ResourceOptions(Options):
    """Where it runs, and how much memory it may take."""

    title: ClassVar[str] = "Resources"

    device: str = choice("auto", "auto cpu cuda mps", "where the network runs", basic=True)
    precision: str = choice("auto", "auto float32 bfloat16 float16", "number format of the network")
    memory_limit: float | str = number("auto", 0.05, 1e6, "memory above the baseline, GiB", "auto")
    tile: int = integer(
        0, 0, 10**6, "edge of the blocks that are held at a time, pixels; 0 is automatic"
    )


@dataclass(frozen=True, kw_only=True)
class UnlabelledOptions(Options):
    """Segmentation without labels."""

    title: ClassVar[str] = "Without labels"

    method: str = choice(
        "clusters",
        "clusters attention foreground",
        "classes of similar pixels, attention maps, or objects",
        basic=True,
    )
    clusters: int | str = integer("auto", 2, 255, "number of classes", "auto", basic=True)
    min_size: int = integer(200, 0, 10**12, "smallest object, pixels", basic=True)
    cutoff_scale: float = number(1.0, 0.01, 1000.0, "above 1 gives fewer classes")


@dataclass(frozen=True, kw_only=True)
class FolderOptions(Options):
    """Which files of a folder a job takes, and who reads them."""

    title: ClassVar[str] = "Folders"

    filter: str = text(
        "",
        "of a folder's files, those whose name or path matches one of these patterns; empty: "
        "every image",
        "",
        "*.tif,day1/*.png",
        basic=True,
    )
    recursive: bool = flag(False, "look into the folders of a folder too", basic=True)
    reader: str = choice(
        "tdseg", "tdseg imagej", "who reads the images: tdseg itself, or ImageJ whatever it opens"
    )


@dataclass(frozen=True, kw_only=True)
class TrainJobOptions(FolderOptions):
    """Where the labels of many images are."""

    title: ClassVar[str] = "Label files"

    labels: str = choice(
        "overlay",
        "overlay file image",
        "ROIs in each TIFF, a file of ROIs per image, or a label image per image",
        basic=True,
    )
    pattern: str = text(
        "",
        "label files for labels=file or image: a folder, or a pattern in which * stands for the "
        "image's name, or for the * of the filter; empty: *.zip, *.roi or *-labels.tif beside it",
        "",
        "../labels/*.zip",
        basic=True,
    )


@dataclass(frozen=True, kw_only=True)
class ApplyJobOptions(FolderOptions):
    """What a job over many images writes, and what it measures."""

    title: ClassVar[str] = "Results of a job"

    output: str = choice(
        "labels", "labels probabilities both uncertainty", "what to write", basic=True
    )
    format: str = choice(
        "auto",
        "auto tiff zarr zarr0.4",
        "TIFF, OME-Zarr 0.5 or 0.4 (a folder); auto: OME-Zarr of what is OME-Zarr, else TIFF; of "
        "images too large for memory_limit a tiled OME-TIFF",
    )
    suffix: str = text(
        "",
        "end of the results' names before .tif, instead of -labels; of a single other output, "
        "instead of -probabilities or -uncertainty",
        r"[^/\\:*?\"<>|]+",
        "-run2",
    )
    existing: str = choice(
        "skip",
        "skip overwrite error update",
        "results that exist: kept (those made otherwise are named), made anew, refused; update "
        "makes anew what another classifier or other settings made",
        basic=True,
    )
    truth: str = text(
        "",
        "label images of the truth to compare with: a folder, or a pattern in which * stands for "
        "the image's name",
        "",
        "*-truth.tif",
    )
    particles: bool = flag(False, "count and measure connected regions of each class")
    contact_sheet: bool = flag(True, "PNG pages with images and results side by side", basic=True)
    part: str = text(
        "",
        "do only every n-th image, beginning with the k-th: k/n; each part may be a process on "
        "another machine, and the last one to end joins the reports",
        r"\d{1,6}/\d{1,6}",
        "2/8",
    )
    scheduler: str = text(
        "",
        "let workers of Dask do the images: address of a scheduler, or local for workers on this "
        "machine",
        r"local|\w+://\S+",
        "tcp://10.0.0.1:8786",
    )
