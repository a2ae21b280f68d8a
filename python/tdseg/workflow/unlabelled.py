"""Segment images without labels: the one function behind every route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TdsegError
from ..features.extractors import build_extraction
from ..image import Image
from ..intensity import Intensity, backbone_ranges, selected_channels
from ..memory import memory_budget
from ..model import Model
from ..progress import Part, Progress, Silent
from ..settings import Settings, parse_numbers
from ..tiling import blocks
from ..unsupervised.attention import Saliency
from ..unsupervised.clustering import (
    INITIAL_CLUSTERS,
    SAMPLE_PIXELS,
    Clusters,
    classes_of_clusters,
    initial_clusters,
    semantic_classes,
)
from ..unsupervised.classifier import ClusterClassifier
from ..unsupervised.embedding import Embedding, Family
from ..unsupervised.foreground import (
    MIN_SIZE,
    FoundObject,
    cluster_densities,
    find_objects,
    foreground_classes,
)
from ..unsupervised.sampling import Sample, SourcePlane, draw_sample, spread_planes
from .apply import apply
from .planes import plane_grid

if TYPE_CHECKING:
    from ..features.token_cache import TokenCache

METHODS = ("clusters", "attention", "foreground")
MAX_CLUSTERS = 255


@dataclass(frozen=True)
class UnlabelledResult:
    """What was found in one image.

    Parameters
    ----------
    labels
        (T, Z, Y, X). Method clusters: uint8, classes from 1, the largest first. Attention and
        foreground: uint16, objects from 1 in every plane, 0 is background.
    class_values, class_names
        Label value and name of each class; empty where labels are objects.
    probabilities
        (T, Z, C, Y, X) float32 of the classes, where asked for.
    attention
        (T, Z, M, Y, X) float32 under method attention, else None.
    attention_names
        Names of the M maps: ``mean``, ``head 1``, ...; or ``ncut``.
    objects
        A row an object; empty under method clusters.
    info
        Settings and provenance, text by key; ``tdseg.unlabelled`` says what ran.
    model
        Classifier that finds the same classes in other images; None under method attention, and
        where nothing stands out.
    """

    labels: np.ndarray
    class_values: tuple[int, ...] = ()
    class_names: tuple[str, ...] = ()
    probabilities: np.ndarray | None = None
    attention: np.ndarray | None = None
    attention_names: tuple[str, ...] = ()
    objects: tuple[FoundObject, ...] = ()
    info: Mapping[str, str] = field(default_factory=dict)
    model: Model | None = None


def segment_without_labels(
    images: Sequence[Image],
    *,
    method: str = "clusters",
    clusters: int | str = "auto",
    options: Settings | None = None,
    min_size: int = MIN_SIZE,
    cutoff_scale: float = 1.0,
    initial: int = INITIAL_CLUSTERS,
    probabilities: bool = False,
    planes: Sequence[int] | None = None,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> list[UnlabelledResult]:
    """Segment one or many images without labels; the same class has the same value in all.

    Parameters
    ----------
    images
        Images of one kind.
    method
        "clusters": classes of pixels with similar features. "attention": maps of what the network
        attends to, and objects of above-average attention. "foreground": objects made of the
        clusters that attention prefers. A backbone without attention (and classical features)
        uses a normalised cut in its place, and the result says so.
    clusters
        Number of classes, or "auto": as many as the semantic distance between foreground and
        background separates (HR-Dv2). Only for "clusters".
    options
        Features, seed, `refine`, resources; default: deep features.
    min_size
        Smallest object in pixels.
    cutoff_scale
        Factor of the semantic distance: above 1 gives fewer classes.
    initial
        How many clusters k-means finds before they are merged.
    probabilities
        Whether to keep the class probabilities.
    planes
        Plane numbers of every image; default all.
    cache, progress
        Token cache of a session; who hears how far the work is.

    Returns
    -------
    list of UnlabelledResult
        One an image.

    Raises
    ------
    TdsegError
        If an option is not valid, images differ in their channels, pixels are NaN, or there are
        fewer different pixels than classes.
    """
    images = list(images)
    progress = progress or Silent()
    _check_options(images, method, clusters, min_size, cutoff_scale, initial)
    job = _Job(images, options or Settings(features="deep"), planes, cache, progress)
    if method == "attention":
        return [job.attend(k, min_size, part) for k, part in enumerate(_parts(progress, images))]
    sample = job.sample(method == "foreground" or clusters == "auto")
    progress.update(0.5, "clustering")
    wanted = clusters if method == "clusters" else "auto"
    grouped = _group(sample, job.families, wanted, cutoff_scale, initial, job.settings.seed)
    ran = grouped.ran if method == "clusters" else grouped.ran.replace("clusters", "foreground", 1)
    progress.note(f"Segmented without labels: {ran}.")
    results = []
    for k, part in enumerate(_parts(Part(progress, 0.5, 1), images)):
        if method == "clusters":
            results.append(job.classes(k, grouped, ran, probabilities, part))
        else:
            results.append(job.foreground(k, grouped, ran, probabilities, min_size, part))
    progress.update(1.0)
    return results
