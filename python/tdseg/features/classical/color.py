"""How Trainable Weka Segmentation treats 24-bit colour: clamped slices, averaged channels."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled


@compiled
def _add_clamped(values, sums):  # type: ignore[no-untyped-def]
    for k in range(values.shape[0]):
        for y in range(values.shape[1]):
            row, to = values[k, y], sums[k, y]
            for x in range(row.size):
                v = row[x] + np.float32(0.5)
                v = v if v > np.float32(0) else np.float32(0)  # also where v is NaN
                v = v if v < np.float32(255) else np.float32(255)
                to[x] += np.int16(np.int32(v))


def add_clamped(values: np.ndarray, sums: np.ndarray) -> None:
    """Add int(v + 0.5), kept within 0 .. 255, to `sums`.

    Parameters
    ----------
    values : ndarray of float32, shape (F, h, w)
        Features of one colour channel.
    sums : ndarray of int16, shape (F, h, w)
    """
    _add_clamped(values, sums)


def channel_mean(sums: np.ndarray, out: np.ndarray) -> None:
    """Write sums / 3, in double and then float32: the number that TWS's classifier sees."""
    np.divide(sums, 3.0, out=out, casting="same_kind", dtype=np.float64)


def hue_saturation_brightness(pixels: np.ndarray) -> np.ndarray:
    """Return TWS's Hue, Saturation and Brightness slices of 8-bit colour.

    ``java.awt.Color.RGBtoHSB`` in float32, each times 255 and cut to whole numbers.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w, 3)

    Returns
    -------
    ndarray of float32, shape (3, h, w)
    """
    one = np.float32
    rgb = pixels.astype(np.float32)
    high, low = rgb.max(axis=2), rgb.min(axis=2)
    spread = high - low
    safe = np.where(spread > 0, spread, one(1))
    red, green, blue = ((high - rgb[..., c]) / safe for c in range(3))
    hue = np.where(
        rgb[..., 0] == high,
        blue - green,
        np.where(rgb[..., 1] == high, one(2) + red - blue, one(4) + green - red),
    )
    hue = (hue / one(6)).astype(np.float32)
    hue = np.where(hue < 0, hue + one(1), hue)
    hue = np.where(spread > 0, hue, one(0))
    saturation = np.where(high > 0, spread / np.where(high > 0, high, one(1)), one(0))
    planes = np.stack([hue, saturation, high / one(255)])
    return np.trunc((planes * one(255)).astype(np.float32))
