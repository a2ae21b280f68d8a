"""Grey values: what the backbone sees as black and white, and matching images to each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.pixel_values import change_values
from tdseg.runtime.feature_map import PlaneInput
from tdseg.runtime.lazy_pixels import LazyPixels

# Robust ends of the grey scale: what lies beyond is noise, dust or saturation.
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
# Statistics of large images come from a regular sample of about this many pixels a channel.
SAMPLE_PIXELS = 2_000_000
# Of very many images fewer each, so that memory stays bounded.
POOLED_PIXELS = 64_000_000
# Planes above this are read by parts, where their file allows it.
LAZY_BYTES = 64 * 1024**2
_ROWS_AT_ONCE = 512


def selected_channels(image: Image, channels: Sequence[int]) -> tuple[tuple[str, ...], bool]:
    """Return names of the chosen channels, and whether they are the colours of an RGB image."""
    names = image.channels
    if list(channels) == list(range(len(names))):
        return names, image.is_colour
    if len(channels) == 1:
        return ("",), False
    return tuple(names[c] for c in channels), False


def sample_grey_values(
    image: Image,
    channels: Sequence[int],
    pixels: int = SAMPLE_PIXELS,
    planes: Sequence[int] | None = None,
) -> list[npt.NDArray[np.number]]:
    """Take grey values on a regular grid.

    Parameters
    ----------
    image, channels
        Where from.
    pixels
        About how many a channel.
    planes
        Plane numbers; None for all.

    Returns
    -------
    list of ndarray
        One flat array a channel, without NaN and infinities.
    """
    height, width = image.size
    chosen = range(image.n_planes) if planes is None else planes
    step = max(1, int(np.sqrt(len(chosen) * height * width / pixels)))
    taken: list[list[npt.NDArray[np.number]]] = [[] for _ in channels]
    # Large stacks are thinned along planes too: at most 64 are read.
    stride = max(1, len(chosen) // 64)
    if stride > 1:
        step = max(1, int(np.sqrt(64 * height * width / pixels)))
    for index in chosen[::stride]:
        for rows in every(image, index, step):
            for k, c in enumerate(channels):
                taken[k].append(rows[:, :, c].ravel())
    values = [np.concatenate(t) for t in taken]
    for k, v in enumerate(values):
        if v.dtype.kind == "f":
            values[k] = v[np.isfinite(v)]
    return values


def is_lazy(image: Image) -> bool:
    """Tell whether the planes of an image are read by parts: they are large, and can be."""
    bytes_of_plane = math.prod(image.shape[2:]) * image.dtype.itemsize
    return image.by_region is not None and bytes_of_plane > LAZY_BYTES


def every(image: Image, index: int, step: int) -> Iterator[npt.NDArray[np.number]]:
    """Yield every so many rows and columns of a plane, (h, w, C), from top to bottom."""
    if not is_lazy(image):
        yield image.plane(index)[::step, ::step]
        return
    height, width = image.size
    source = image.by_region
    assert source is not None
    tall = step * max(1, -(-_ROWS_AT_ONCE // step))
    for top in range(0, height, tall):
        rows = slice(top, min(top + tall, height))
        yield image.region(index, rows, slice(0, width))[::step, ::step]


def robust_ranges(
    images: Sequence[Image], channels: Sequence[int], planes: Sequence[int] | None = None
) -> npt.NDArray[np.float64]:
    """Return the 0.5 and 99.5 percentiles of each channel over all images, (C, 2).

    The colours of an RGB image share one range, which keeps hues; images count by their pixels.
    `planes` restricts it to planes of these numbers.
    """
    pooled: list[list[npt.NDArray[np.number]]] = [[] for _ in channels]
    shared = False
    pixels = min(SAMPLE_PIXELS, max(1, POOLED_PIXELS // len(images)))
    for image in images:
        shared = shared or selected_channels(image, channels)[1]
        for k, values in enumerate(sample_grey_values(image, channels, pixels, planes)):
            pooled[k].append(values)
    merged = [np.concatenate(p) for p in pooled]
    if shared:
        merged = [np.concatenate(merged)] * len(channels)
    ranges = np.zeros((len(channels), 2))
    for k, values in enumerate(merged):
        if values.size:
            ranges[k] = np.percentile(values, [LOW_PERCENTILE, HIGH_PERCENTILE])
        if not ranges[k, 1] > ranges[k, 0]:
            ranges[k, 1] = ranges[k, 0] + 1
    return ranges


def backbone_ranges(images: Sequence[Image], channels: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return what the backbone sees as 0 and 1, (C, 2): 0 to 255 for 8-bit, else percentiles."""
    if all(image.is_colour or image.dtype == np.uint8 for image in images):
        return np.tile([0.0, 255.0], (len(channels), 1))
    return robust_ranges(images, channels)


class Intensity:
    """How the planes of one image reach the feature extractors.

    Parameters
    ----------
    image
        The image that the planes come from.
    channels
        Indices of the channels to use.
    normalize
        "none": grey values as they are; the backbone's range is `ranges`. "image": the image's own
        robust range becomes 0 to 255, for classical and deep features alike, so that images of
        different brightness and contrast look the same. "frame": the same for every frame by
        itself (all slices of it together), for series that bleach.
    ranges
        The training set's range, (C, 2); used under "none".
    """

    def __init__(
        self,
        image: Image,
        channels: Sequence[int],
        normalize: str,
        ranges: npt.NDArray[np.float64] | None,
    ) -> None:
        self._image = image
        self._channels = list(channels)
        self._names, self._rgb = selected_channels(image, channels)
        # Own ranges by frame; under "image" the only one stands for all.
        self._own: dict[int, npt.NDArray[np.float64]] = {}
        self._normalize = normalize
        if normalize != "none":
            self._ranges = np.tile([0.0, 255.0], (len(self._channels), 1))
        elif ranges is None:
            self._ranges = backbone_ranges([image], channels)
        else:
            self._ranges = np.asarray(ranges, np.float64)

    def plane(
        self, index: int, facts: dict[str, npt.NDArray[np.float64]] | None = None
    ) -> PlaneInput:
        """Return plane number `index`, ready for features.

        Large planes of files that can be read by parts are read when their pixels are asked for;
        their extreme values are looked for here, in one pass, unless `facts` has them.

        Parameters
        ----------
        index
            ``t * Z + z``.
        facts
            What an earlier look found of this plane (`LazyPixels.facts`); it is added to.

        Returns
        -------
        PlaneInput
            Pixels, channels and ranges.

        Raises
        ------
        TdsegError
            If pixels are NaN or infinite.
        """
        if is_lazy(self._image):
            return self._lazy_plane(index, facts)
        pixels = self._image.plane(index)
        if self._channels != list(range(pixels.shape[2])):
            pixels = pixels[:, :, self._channels]
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            count = int((~np.isfinite(pixels)).sum())
            raise self._not_finite(index, count, change_values(pixels))
        return PlaneInput(self._scaled(pixels, index), self._names, self._rgb, self._ranges)

    def _lazy_plane(
        self, index: int, facts: dict[str, npt.NDArray[np.float64]] | None
    ) -> PlaneInput:
        image, source = self._image, self._image.by_region
        assert source is not None
        every = self._channels == list(range(len(image.channels)))

        def read(rows: slice, cols: slice) -> npt.NDArray[np.number]:
            pixels = image.region(index, rows, cols)
            return self._scaled(pixels if every else pixels[:, :, self._channels], index)

        dtype = image.dtype if self._normalize == "none" else np.dtype(np.float32)
        shape = (*image.size, len(self._channels))
        pixels = LazyPixels(shape, dtype, read, source.chunk, facts)
        bad = int(pixels.statistics()["not finite"].sum())
        if bad:
            raise self._not_finite(index, bad, "changeValues(NaN, NaN, 0);")
        return PlaneInput(pixels, self._names, self._rgb, self._ranges)

    def _not_finite(self, index: int, count: int, remedy: str) -> TdsegError:
        return TdsegError(
            f"Image '{self._image.name}' has {count} NaN or infinite pixels (plane {index + 1}); "
            f"replace them first (in a macro: {remedy})."
        )

    def _scaled(self, pixels: npt.NDArray[np.number], index: int) -> npt.NDArray[np.number]:
        """Bring the image's own range to 0 to 255, if so chosen."""
        if self._normalize == "none":
            return pixels
        own = self._own_range(index)
        low, high = own[:, 0], own[:, 1]
        scaled = (pixels.astype(np.float64) - low) * (255.0 / (high - low))
        return scaled.astype(np.float32)

    def _own_range(self, index: int) -> npt.NDArray[np.float64]:
        slices = self._image.shape[1]
        frame = index // slices if self._normalize == "frame" else 0
        if frame not in self._own:
            whole = self._normalize == "image"
            planes = None if whole else range(frame * slices, (frame + 1) * slices)
            self._own[frame] = robust_ranges([self._image], self._channels, planes)
        return self._own[frame]
