"""The classical features of one image plane, computed where they are wanted."""

from __future__ import annotations

import numpy as np

from tdseg.errors import TdsegError
from tdseg.features.classical.color import add_clamped, channel_mean, hue_saturation_brightness
from tdseg.features.classical.families import Filter, filters_of
from tdseg.features.classical.filters import Planes
from tdseg.features.classical.names import COLOUR_PLANES, ORIGINAL, feature_names, ordered_names
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.sampling import patches
from tdseg.features.classical.statistics import ChannelPlane, DiffusedPlanes
from tdseg.runtime import threads
from tdseg.runtime.cancelling import check
from tdseg.runtime.lazy_pixels import LazyChannel, LazyPixels, Pixels, channel_of
from tdseg.runtime.tiling import runs

PIECE = 1024  # side of the largest piece that is filtered at once (pixels)
WORKING_PLANES = 24  # float32 planes that the hungriest filter holds beside the result


class ClassicalPlane:
    """Features of one image plane, evaluated lazily.

    Every value belongs to the plane: `block` and `at` give the same numbers for a pixel, whatever
    else is asked for and on however many threads. Statistics of the whole plane that some families
    need (extreme values, the normalisation of Gabor responses, Lipschitz and anisotropic planes)
    are taken once, when they are first needed, or all by `prepare`.

    Parameters
    ----------
    pixels : ndarray of real numbers, shape (Y, X, C)
        Values are taken as they are, without scaling, in float32.
    options : ClassicalOptions
    channels : tuple of str
        A label for every channel, see `feature_names`.
    rgb : bool
        Whether the three channels are a colour image.

    Attributes
    ----------
    names : tuple of str
        Names of the features, in the order of the first axis of `block`.
    shape : tuple of int
        Height and width.

    Raises
    ------
    TdsegError
        If the plane is empty, not real, not finite, or does not fit `channels`.
    """

    def __init__(
        self,
        pixels: Pixels,
        options: ClassicalOptions,
        channels: tuple[str, ...] = ("",),
        rgb: bool = False,
    ) -> None:
        array: Pixels = pixels
        if not isinstance(array, LazyPixels):
            array = np.asarray(array)
            array = array[:, :, np.newaxis] if array.ndim == 2 else array
        _check(array, channels)
        self.options = options
        self.shape: tuple[int, int] = (array.shape[0], array.shape[1])
        self.names = feature_names(options, channels, rgb)
        self.averaged = rgb and options.rgb == "tws"
        if self.averaged and (array.dtype != np.uint8 or array.shape[2] != 3):
            raise TdsegError(
                f"rgb=tws needs three 8-bit channels, but the image has {array.shape[2]} of type"
                f" {array.dtype}; use rgb=channels."
            )
        self._pixels = array
        planes = [channel_of(array, c) for c in range(array.shape[2])]
        if self.averaged:
            together = DiffusedPlanes(planes, options)
            self.channel_planes = [
                ChannelPlane(p, options, together, c) for c, p in enumerate(planes)
            ]
        else:
            self.channel_planes = [
                ChannelPlane(p, options, DiffusedPlanes([p], options), 0) for p in planes
            ]
        self.channel_names = ordered_names(options, options.families)
        self._large = max(abs(c.minimum) for c in self.channel_planes) > 1e6 or (
            max(abs(c.maximum) for c in self.channel_planes) > 1e6
        )

    def prepare(self) -> None:
        """Take all statistics of the whole plane that the chosen families need."""
        for channel in self.channel_planes:
            if "gabor" in self.options.families:
                _ = channel.gabor
            if "lipschitz" in self.options.families:
                _ = channel.lipschitz
            if "anisotropic_diffusion" in self.options.families:
                _ = channel.diffused

    def block(self, rows: slice, cols: slice) -> np.ndarray:
        """Return all features of a rectangle.

        Parameters
        ----------
        rows, cols : slice
            Part of the plane, without steps.

        Returns
        -------
        ndarray of float32, shape (F, h, w)
            Equal to those pixels of the whole plane's features.
        """
        y0, y1 = self.span(rows, 0)
        x0, x1 = self.span(cols, 1)
        out = np.empty((len(self.names), y1 - y0, x1 - x0), np.float32)
        self.fill(rows, cols, out)
        return out

    def fill(self, rows: slice, cols: slice, out: np.ndarray) -> None:
        """Write what `block` returns into `out`, (F, h, w) float32."""
        y0, y1 = self.span(rows, 0)
        x0, x1 = self.span(cols, 1)
        for top, bottom in runs(y0, y1, PIECE):
            for left, right in runs(x0, x1, PIECE):
                part = out[:, top - y0 : bottom - y0, left - x0 : right - x0]
                direct = part.flags.c_contiguous
                target = part if direct else np.empty(part.shape, np.float32)
                self._fill(target, (top, bottom), (left, right))
                if not direct:
                    part[...] = target

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Return all features of single pixels.

        Only patches around the pixels are filtered where that is less work than the whole plane,
        filter by filter.

        Parameters
        ----------
        rows, cols : ndarray of int, shape (n,)

        Returns
        -------
        ndarray of float32, shape (n, F)
        """
        y, x = np.asarray(rows, np.int64).ravel(), np.asarray(cols, np.int64).ravel()
        if len(y) != len(x) or (len(y) and not self._inside(y, x)):
            raise TdsegError(
                f"A pixel lies outside the image plane of {self.shape[1]} x {self.shape[0]} pixels."
            )
        out = np.empty((len(self.names), len(y)), np.float32)
        if len(y) == 0:
            return np.ascontiguousarray(out.T)
        if self.averaged:
            values = self._pixels[y, x]
            out[0] = values.astype(np.int64).sum(axis=1) / 3.0
            out[1:4] = hue_saturation_brightness(values[np.newaxis])[:, 0]
        for each in filters_of(self.options.families):
            self._sample(each, y, x, out)
        if not self.averaged:
            per_channel = len(self.names) // len(self.channel_planes)
            for c in range(len(self.channel_planes)):
                out[c * per_channel] = self._pixels[y, x, c]
        return np.ascontiguousarray(self.defined(out).T)

    def bytes_per_pixel(self) -> int:
        """Return roughly how many bytes `block` needs for every pixel of its result."""
        return 4 * (len(self.names) + WORKING_PLANES + (len(self.names) if self.averaged else 0))

    def _inside(self, y: np.ndarray, x: np.ndarray) -> bool:
        height, width = self.shape
        return bool(y.min() >= 0 and x.min() >= 0 and y.max() < height and x.max() < width)

    def span(self, part: slice, axis: int) -> tuple[int, int]:
        """Return start and stop of a slice of rows (axis 0) or columns (1), checked."""
        start, stop, step = part.indices(self.shape[axis])
        if step != 1 or stop <= start:
            what = ("rows", "columns")[axis]
            raise TdsegError(
                f"The block's {what} {part} select nothing of the plane's {self.shape[axis]}."
            )
        return start, stop

    def _names_of(self, each: Filter) -> list[str]:
        """Return the wanted names of a filter, for one channel."""
        chosen = tuple(family for family in each.families if family in self.options.families)
        return ordered_names(self.options, chosen)

    def _sample(self, each: Filter, y: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
        """Write a filter's features of single pixels into the rows of `out`."""
        names = self._names_of(each)
        if not names:
            return
        first = 1 + len(COLOUR_PLANES) if self.averaged else 1
        everything = self.channel_names
        order = {name: first + i for i, name in enumerate(everything)}
        targets = np.array([order[name] for name in names])
        per_channel = first + len(everything)

        def one(patch: tuple[tuple[int, int], tuple[int, int], np.ndarray]) -> None:
            (top, bottom), (left, right), members = patch
            local = (y[members] - top, x[members] - left)
            shape = (len(names), bottom - top, right - left)
            if self.averaged:
                sums = self._summed(each, names, shape, (top, bottom), (left, right))
                out[np.ix_(targets, members)] = sums[:, local[0], local[1]] / 3.0
                return
            values = np.empty(shape, np.float32)
            for c, channel in enumerate(self.channel_planes):
                check()
                tile = channel.tile((top, bottom), (left, right), each.reach(self.options))
                each.compute(tile, channel, Planes(names, values))
                rows = targets + c * per_channel
                out[np.ix_(rows, members)] = values[:, local[0], local[1]]

        found = patches(y, x, self.shape, each.reach(self.options), PIECE // 2)
        if len(found) > threads.thread_count():
            self.prepare()  # here, or workers wait for the plane's lock and its owner for them
            threads.map_threads(one, found)
        else:
            for patch in found:
                one(patch)

    def _summed(
        self,
        each: Filter,
        names: list[str],
        shape: tuple[int, int, int],
        rows: tuple[int, int],
        columns: tuple[int, int],
    ) -> np.ndarray:
        """Return the clamped features of the three colours, added up."""
        sums = np.zeros(shape, np.int16)
        values = np.empty(shape, np.float32)
        for channel in self.channel_planes:
            check()
            tile = channel.tile(rows, columns, each.reach(self.options))
            each.compute(tile, channel, Planes(names, values))
            add_clamped(values, sums)
        return sums

    def _fill(self, out: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        """Write all features of a piece into `out`, which is contiguous."""
        area = (slice(*rows), slice(*columns))
        height, width = out.shape[1:]
        if self.averaged:
            values = self._pixels[area]
            channel_mean(values.sum(axis=2, dtype=np.int64), out[0])
            out[1 : 1 + len(COLOUR_PLANES)] = hue_saturation_brightness(values)
            order = {name: i for i, name in enumerate(self.names)}
            for each in filters_of(self.options.families):
                names = self._names_of(each)
                sums = self._summed(each, names, (len(names), height, width), rows, columns)
                for name, total in zip(names, sums, strict=True):
                    channel_mean(total, out[order[name]])
            return
        names = [ORIGINAL, *self.channel_names]
        for c, channel in enumerate(self.channel_planes):
            part = out[c * len(names) : (c + 1) * len(names)]
            part[0] = self._pixels[area][:, :, c]
            planes = Planes(names, part)
            for each in filters_of(self.options.families):
                check()
                tile = channel.tile(rows, columns, each.reach(self.options))
                each.compute(tile, channel, planes)
        self.defined(out)

    def defined(self, values: np.ndarray) -> np.ndarray:
        """Replace what overflowed, in place; only very large pixel values can overflow."""
        if self._large:
            np.nan_to_num(values, copy=False, nan=0.0)
        return values


def _check(array: Pixels, channels: tuple[str, ...]) -> None:
    if array.ndim != 3 or 0 in array.shape:
        raise TdsegError(
            f"An image plane must have rows, columns and channels, but its shape is {array.shape}."
        )
    if array.dtype.kind not in "biuf":
        raise TdsegError(
            f"The image's pixels are of type {array.dtype}; convert them to real numbers."
        )
    if len(channels) != array.shape[2] or len(set(channels)) != len(channels):
        raise TdsegError(
            f"The image plane has {array.shape[2]} channels, so it needs as many different"
            f" channel labels, not {list(channels)}."
        )
    if array.dtype.kind != "f":
        return
    for c, channel in enumerate(channels):
        bad = _unusable(channel_of(array, c))
        if bad:
            where = f" in channel {channel}" if channel else ""
            raise TdsegError(
                f"The image has {bad} pixels{where} that are NaN, infinite or too large for single"
                " precision; replace them before computing features."
            )


def _unusable(channel: np.ndarray | LazyChannel) -> int:
    """Count pixels that single precision cannot hold."""
    if isinstance(channel, LazyChannel):
        return int(channel.fact("not finite"))
    with np.errstate(over="ignore"):
        values = channel.astype(np.float32, copy=False)
    return int(channel.size) - int(np.isfinite(values).sum())
