"""A plane under other brightness and contrast, as another image might show the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tdseg.runtime.feature_map import PlaneInput

ROWS = 256
"""Rows changed at a time: bounds the memory beside the plane itself."""


@dataclass(frozen=True)
class GreyChange:
    """One change of grey values.

    Attributes
    ----------
    name
        For what is said.
    gamma
        Exponent of the grey values, black 0 and white 1: below 1 brightens, above 1 darkens.
    contrast
        Factor of the distance from the plane's mean.
    """

    name: str
    gamma: float = 1.0
    contrast: float = 1.0


CHANGES = (
    GreyChange("gamma 0.6", gamma=0.6),
    GreyChange("gamma 1.6", gamma=1.6),
    GreyChange("contrast 0.5", contrast=0.5),
)
"""What ``augment=grey`` trains on besides the image as it is."""


def change_grey(plane: PlaneInput, change: GreyChange) -> PlaneInput:
    """Return a plane under other brightness or contrast.

    Black and white are those of the backbone: 0 and 255 of 8-bit images and of normalised ones, of
    others the range of all training images. A gamma leaves values beyond them as they are. All
    channels are changed alike; the colours of an RGB image have one mean, so that hues fade and do
    not turn.

    Parameters
    ----------
    plane
        (Y, X, C) pixels, with `ranges`.
    change
        What to do.

    Returns
    -------
    PlaneInput
        Pixels of the same type; whole numbers are rounded and stay within their type.
    """
    assert plane.ranges is not None
    pixels, low, high = plane.array, plane.ranges[:, 0], plane.ranges[:, 1]
    middle = pixels.mean(axis=None if plane.rgb else (0, 1), dtype=np.float64)
    out = np.empty_like(pixels)
    for top in range(0, len(pixels), ROWS):
        values = pixels[top : top + ROWS].astype(np.float64)
        if change.contrast != 1:
            values = middle + change.contrast * (values - middle)
        if change.gamma != 1:
            share = (values - low) / (high - low)
            curved = low + np.clip(share, 0, 1) ** change.gamma * (high - low)
            values = np.where((share > 0) & (share < 1), curved, values)
        out[top : top + ROWS] = _as_type(values, pixels.dtype)
    return replace(plane, pixels=out)


def _as_type(values: npt.NDArray[np.float64], dtype: np.dtype[np.number]) -> npt.NDArray[np.number]:
    if dtype.kind == "f":
        return values.astype(dtype)
    bounds = np.iinfo(dtype.name)
    return np.clip(np.rint(values), bounds.min, bounds.max).astype(dtype)
