"""Small networks that look at the image alone, run tile by tile.

Learned upsamplers encode the image with a few convolutions and group norms. A group norm's mean and
variance are of the whole image; they are measured first, one norm after the other, each with a walk
over tiles, so that no activation of a whole image is ever held. Then any part can be computed by
itself, with a margin as wide as its convolutions reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from tdseg.runtime.threads import map_threads, torch_threads
from tdseg.runtime.tiling import runs
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.transforms import reflected

TILE = 128
"""Edge of the tiles: an activation of 128 channels takes 8 MB."""

GROUPS = 8
"""Of the group norms."""

# What published upsamplers subtract from the colours and divide them by.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

Region = tuple[slice, slice]
Source = Callable[[slice, slice], torch.Tensor]
"""Values (1, C, h, w) of a region of the plane."""


@dataclass(frozen=True)
class Plane:
    """The image, continued by reflection.

    Attributes
    ----------
    picture
        The image.
    top, left
        Where the plane starts, in pixels of the image; not above 0.
    shape
        Height and width of the plane.
    device
        Where networks run.
    """

    picture: Picture
    top: int
    left: int
    shape: tuple[int, int]
    device: torch.device

    def colours(self, rows: slice, cols: slice) -> torch.Tensor:
        """Return the normalised colours (1, 3, h, w) of a region of the plane."""
        height, width = self.picture.shape
        crop = self.picture.crop(
            reflected(self.top + rows.start, self.top + rows.stop, height),
            reflected(self.left + cols.start, self.left + cols.stop, width),
        )
        values = torch.from_numpy(crop)[None].to(self.device)
        mean, std = (torch.tensor(v, device=self.device)[:, None, None] for v in (_MEAN, _STD))
        return (values - mean) / std

    def tiles(self) -> Iterator[Region]:
        """Yield the tiles of the plane, at fixed places."""
        for rows in runs(0, self.shape[0], TILE):
            for cols in runs(0, self.shape[1], TILE):
                yield slice(*rows), slice(*cols)


@dataclass(frozen=True)
class Conv:
    """A convolution with odd kernel, (O, I, k, k); the plane is continued by reflection."""

    weight: torch.Tensor
    bias: torch.Tensor | None = None
    zeros: bool = False
    """Whether the plane is continued by zeros instead."""


@dataclass(frozen=True)
class Norm:
    """A group norm followed by SiLU; `weight` and `bias` are (C,)."""

    weight: torch.Tensor
    bias: torch.Tensor


@dataclass(frozen=True)
class Keep:
    """Keeps the values for the next `Add`."""


@dataclass(frozen=True)
class Add:
    """Adds the values that were kept."""


Step = Conv | Norm | Keep | Add


def moved(steps: Sequence[Step], device: torch.device) -> tuple[Step, ...]:
    """Return steps whose tensors lie on a device."""

    def one(step: Step) -> Step:
        if isinstance(step, Conv):
            bias = None if step.bias is None else step.bias.to(device)
            return Conv(step.weight.to(device), bias, step.zeros)
        if isinstance(step, Norm):
            return Norm(step.weight.to(device), step.bias.to(device))
        return step

    return tuple(one(step) for step in steps)


class Branch:
    """A chain of steps over a plane.

    Parameters
    ----------
    source
        What goes in.
    steps
        What is done; between a `Keep` and its `Add` all convolutions are 1 x 1.
    plane
        Gives size, tiles and device.
    """

    def __init__(self, source: Source, steps: Sequence[Step], plane: Plane) -> None:
        self._source, self._steps, self._plane = source, moved(steps, plane.device), plane
        self._affine: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        for number, step in enumerate(self._steps):
            if isinstance(step, Norm):
                self._affine[number] = self._measured(number, step)

    def __call__(self, rows: slice, cols: slice) -> torch.Tensor:
        """Return the values (1, C, h, w) of a region of the plane."""
        # On one thread: PyTorch's sums differ with their number. Tiles share the threads instead.
        with torch_threads(1), torch.inference_mode():
            return self._values(rows, cols, len(self._steps))

    def _values(self, rows: slice, cols: slice, count: int) -> torch.Tensor:
        """Run the first `count` steps for a region."""
        steps = self._steps[:count]
        reach = sum(s.weight.shape[2] // 2 for s in steps if isinstance(s, Conv))
        spans = [
            (max(part.start - reach, 0), min(part.stop + reach, length))
            for part, length in zip((rows, cols), self._plane.shape, strict=True)
        ]
        x = self._source(slice(*spans[0]), slice(*spans[1]))
        kept: list[torch.Tensor] = []
        for number, step in enumerate(steps):
            if isinstance(step, Conv):
                x, spans = self._convolved(x, step, spans)
            elif isinstance(step, Norm):
                scale, shift = self._affine[number]
                x = functional.silu(x * scale + shift)
            elif isinstance(step, Keep):
                kept.append(x)
            else:
                x = x + kept.pop()
        (top, _), (left, _) = spans
        return x[..., rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]

    def _convolved(
        self, x: torch.Tensor, step: Conv, spans: list[tuple[int, int]]
    ) -> tuple[torch.Tensor, list[tuple[int, int]]]:
        """Convolve; the region loses the margin where it does not end at the plane's border."""
        radius = step.weight.shape[2] // 2
        padding: list[int] = []
        left = []
        for (start, stop), length in zip(spans, self._plane.shape, strict=True):
            ends = start == 0, stop == length
            padding = [radius * ends[0], radius * ends[1], *padding]
            left.append((start + radius * (not ends[0]), stop - radius * (not ends[1])))
        x = continued_by(x, padding, step)
        return functional.conv2d(x, step.weight, step.bias), left

    def _measured(self, number: int, step: Norm) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scale and shift (C, 1, 1) of a norm: its statistics over the plane, folded."""

        def moments(region: Region) -> tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
            with torch_threads(1), torch.inference_mode():
                groups = self._values(*region, number).reshape(GROUPS, -1)
                spread, centre = torch.var_mean(groups, dim=1, correction=0)
            return groups.shape[1], spread.cpu().double().numpy(), centre.cpu().double().numpy()

        count, mean, squares = 0, np.zeros(GROUPS), np.zeros(GROUPS)
        for own, spread, centre in map_threads(moments, self._plane.tiles()):
            # Means and squared deviations of two sets, joined (Chan, Golub and LeVeque, 1979).
            step_to = centre - mean
            squares += spread * own + step_to**2 * (count * own / (count + own))
            mean += step_to * (own / (count + own))
            count += own
        channels = len(step.weight)
        factor = np.repeat(1 / np.sqrt(squares / count + 1e-5), channels // GROUPS)
        centres = np.repeat(mean, channels // GROUPS)
        weight, bias = (v.cpu().double().numpy() for v in (step.weight, step.bias))
        folded = weight * factor, bias - centres * weight * factor
        scale, shift = (
            torch.from_numpy(v.astype(np.float32)).to(self._plane.device)[:, None, None]
            for v in folded
        )
        return scale, shift


def run_whole(x: torch.Tensor, steps: Sequence[Step]) -> torch.Tensor:
    """Run steps on values (1, C, h, w) that are held as a whole, such as tokens."""
    kept: list[torch.Tensor] = []
    for step in moved(steps, x.device):
        if isinstance(step, Conv):
            radius = step.weight.shape[2] // 2
            x = functional.conv2d(continued_by(x, [radius] * 4, step), step.weight, step.bias)
        elif isinstance(step, Norm):
            x = functional.silu(functional.group_norm(x, GROUPS, step.weight, step.bias))
        elif isinstance(step, Keep):
            kept.append(x)
        else:
            x = x + kept.pop()
    return x


def continued_by(x: torch.Tensor, padding: list[int], step: Conv) -> torch.Tensor:
    """Continue values (1, C, h, w) as a convolution wants it."""
    if not any(padding):
        return x
    if step.zeros:
        return functional.pad(x, padding)
    # A single row or column has nothing to reflect.
    left, right, top, bottom = padding
    for sides in ([left, right, 0, 0], [0, 0, top, bottom]):
        narrow = x.shape[3 if sides[0] or sides[1] else 2] <= max(sides)
        if any(sides):
            x = functional.pad(x, sides, "replicate" if narrow else "reflect")
    return x


def rotated(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn pairs of channels by angles (rotary position embedding).

    Parameters
    ----------
    x
        (1, n D, h, w): channel d of the first half of D makes a pair with channel d + D / 2.
    angles
        (D, h, w), equal in both halves where it is to be a rotation.

    Returns
    -------
    torch.Tensor
        As `x`.
    """
    size, (height, width) = len(angles), x.shape[2:]
    parts = x.reshape(-1, size, height, width)
    first, second = parts[:, : size // 2], parts[:, size // 2 :]
    turned = torch.cat([-second, first], dim=1)
    return (parts * angles.cos() + turned * angles.sin()).reshape(x.shape)


def pixels_first(x: torch.Tensor) -> npt.NDArray[np.float32]:
    """Return values (1, C, h, w) as (h, w, C) in the memory of the host."""
    return np.ascontiguousarray(x[0].permute(1, 2, 0).cpu().numpy(), np.float32)
