"""Numbers for tables: class statistics of label images, mean features of regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.features.components import SAMPLE_PIXELS, PrincipalComponents
from tdseg.features.extractors import build_extraction
from tdseg.images.image import Image
from tdseg.images.intensity import Intensity, selected_channels
from tdseg.options.settings import Settings, parse_numbers
from tdseg.runtime.progress import Progress, Silent

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache

CHUNK = 50_000


@dataclass(frozen=True)
class Region:
    """The pixels of one ROI on one plane.

    Attributes
    ----------
    name
        The ROI's name.
    class_name
        Its class, or "".
    plane
        Plane number ``t * Z + z``.
    rows, cols
        (n,) positions of its pixels.
    """

    name: str
    class_name: str
    plane: int
    rows: np.ndarray
    cols: np.ndarray


def class_statistics(labels: Image, class_names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Count the pixels of each class in each plane of a label image.

    Parameters
    ----------
    labels
        One channel, whole numbers; 0 is unlabelled, unless it has a name.
    class_names
        Name of each label value.

    Returns
    -------
    list of dict
        One row per plane and class: frame, slice, class, label value, pixels, calibrated area and
        its unit, fraction of the plane's labelled pixels. Then the totals, where there are several
        planes. Every class of the image is listed in every plane.
    """
    depth = labels.shape[1]
    counts = [
        np.bincount(labels.plane(p)[:, :, 0].ravel().astype(np.int64), minlength=1)
        for p in range(labels.n_planes)
    ]
    unlabelled = set() if 0 in class_names else {0}
    values = sorted({int(v) for c in counts for v in np.flatnonzero(c)} - unlabelled)
    rows = []
    for p, count in enumerate(counts):
        found = {v: int(count[v]) if v < len(count) else 0 for v in values}
        where = {"Frame": p // depth + 1, "Slice": p % depth + 1}
        rows += _rows(found, where, labels, class_names)
    if len(counts) > 1:
        totals = {v: sum(int(c[v]) for c in counts if v < len(c)) for v in values}
        rows += _rows(totals, {"Frame": "all", "Slice": "all"}, labels, class_names)
    return rows


def _rows(
    counts: Mapping[int, int],
    where: Mapping[str, Any],
    labels: Image,
    class_names: Mapping[int, str],
) -> list[dict[str, Any]]:
    total = sum(counts.values())
    unit = labels.calibration.unit or "pixel"
    return [
        {
            **where,
            "Class": class_names.get(value, f"class {value}"),
            "Label": value,
            "Pixels": count,
            "Area": count * labels.calibration.pixel_area,
            "Unit": f"{unit}^2",
            "Fraction": count / total if total else 0.0,
        }
        for value, count in counts.items()
    ]


def measure_regions(
    image: Image,
    regions: Sequence[Region],
    settings: Settings,
    *,
    components: int = 0,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> tuple[list[dict[str, Any]], Settings]:
    """Average features over regions: objects become rows that can be classified or clustered.

    Parameters
    ----------
    image
        The image that the regions lie on.
    regions
        At least one, none empty.
    settings
        Which features.
    components
        Give the first principal components (fitted to the regions' pixels) instead; 0: all.
    cache, progress
        Token cache of a session; who hears how far the work is.

    Returns
    -------
    list of dict
        A row a region: name, class, frame, slice, pixels, calibrated area, then a column a
        feature (mean over the region).
    Settings
        What was computed, nothing left on ``auto``.

    Raises
    ------
    TdsegError
        If there are no regions, or `components` exceeds the features.
    """
    progress = progress or Silent()
    if not regions:
        raise TdsegError(
            f"Image '{image.name}' has no ROIs to measure; draw some and choose where they "
            "are with labels=."
        )
    channels = parse_numbers(settings.channels, len(image.channels), "channels", "channels")
    extraction = build_extraction(settings, cache, progress)
    names = list(extraction.extractor.names(*selected_channels(image, channels)))
    if components > len(names):
        raise TdsegError(f"Key 'components': {components} is more than the {len(names)} features.")
    intensity = Intensity(image, channels, settings.normalize, None)
    means = np.zeros((len(regions), len(names)))
    samples = []
    rng = np.random.default_rng(settings.seed)
    each = max(1, SAMPLE_PIXELS // len(regions))
    done = 0
    for plane in sorted({region.plane for region in regions}):
        features = extraction.extractor.extract(intensity.plane(plane))
        for index, region in enumerate(regions):
            if region.plane != plane:
                continue
            progress.update(done / len(regions), "measuring ROIs")
            done += 1
            for start in range(0, len(region.rows), CHUNK):
                part = slice(start, start + CHUNK)
                values = features.at(region.rows[part], region.cols[part])
                means[index] += values.sum(axis=0, dtype=np.float64)
            means[index] /= len(region.rows)
            if components:
                count = min(each, len(region.rows))
                pick = np.sort(rng.choice(len(region.rows), count, replace=False))
                samples.append(features.at(region.rows[pick], region.cols[pick]))
    if components:
        # Averaging and projecting commute, so the regions' means are projected.
        means = PrincipalComponents.fit(np.concatenate(samples), components).transform(means)
        names = [f"component-{k + 1}" for k in range(components)]
    depth = image.shape[1]
    area = image.calibration.pixel_area
    rows = [
        {
            "ROI": region.name,
            "Class": region.class_name,
            "Frame": region.plane // depth + 1,
            "Slice": region.plane % depth + 1,
            "Pixels": len(region.rows),
            "Area": len(region.rows) * area,
            **{n: float(v) for n, v in zip(names, mean, strict=True)},
        }
        for region, mean in zip(regions, means, strict=True)
    ]
    return rows, extraction.settings
