"""Take noise out of the CRF's guide where there is more of it than the colour kernel bears.

The colour kernel compares single pixels. Where noise moves grey values farther than the kernel's
range, pixels of two phases are alike as often as pixels of one, and the mean of "similar" pixels
is the same everywhere: the share of each class. The larger class then grows over the smaller one.
Phases that noise hides are found again in the denoised image (total variation: L. Rudin, S. Osher
and E. Fatemi, Physica D 60, 1992; A. Chambolle, J. Math. Imaging Vis. 20, 2004), whose edges stay
sharp.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float32]

BEARABLE = 0.5
"""Noise up to this part of the range leaves the kernel as it is."""

ITERATIONS = 30
"""Of Chambolle's projection. A pixel depends on as many pixels around it, and on no others."""

ROWS = 1 << 20
"""Pixels that are denoised at a time."""

_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN = 6.0  # what the mask does to the standard deviation of white noise
_MEDIAN = 0.6745  # median of the absolute value of a standard normal variable


def noise_of(channel: npt.NDArray[np.number]) -> float:
    """Estimate the standard deviation of white noise in a plane.

    J. Immerkaer, Fast noise variance estimation, CVIU 64, 1996: a mask that planes and straight
    edges pass with 0; here with the median of its absolute values, which edges and textures in less
    than half of the image do not move.

    Parameters
    ----------
    channel : (Y, X) number

    Returns
    -------
    float
        In the units of the pixels; 0 for planes of fewer than 3 x 3 pixels.
    """
    if min(channel.shape) < 3:
        return 0.0
    found = ndimage.convolve(channel.astype(np.float32), _DIFFERENCE)
    return float(np.median(np.abs(found, out=found))) / (_GAIN * _MEDIAN)


def is_noisy(guide: npt.NDArray[np.number], value_range: float) -> bool:
    """Return whether a guide has more noise than the colour kernel bears; see `without_noise`."""
    return _noise(guide)[1] > BEARABLE * value_range


def trust(guide: npt.NDArray[np.number], value_range: float) -> float:
    """Return how far a guide can be trusted: 1 up to the noise that the colour kernel bears.

    Beyond it what is left after denoising is itself a guess, and the classifier, which saw more
    than single pixels, often knows better. Falls with the noise to the power of 1.5; the exponent
    was chosen on twelve segmentations (``docs/refine.md``).
    """
    total = _noise(guide)[1]
    bearable = BEARABLE * value_range
    return 1.0 if total <= bearable else float((bearable / total) ** 1.5)


def without_noise(guide: npt.NDArray[np.number], value_range: float) -> npt.NDArray[np.number]:
    """Return the guide without the noise that the colour kernel does not bear.

    Parameters
    ----------
    guide : (Y, X, C) or (Y, X) number
        As the CRF takes it, from 0 to 255.
    value_range : float
        Standard deviation of the colour kernel (``crf_bilateral_range``).

    Returns
    -------
    (Y, X, C) or (Y, X) number
        The very guide where its noise is bearable, float32 otherwise. The strength grows from 0
        with the noise beyond that. Rows are worked on in bands; they do not change a value.
    """
    noise, total = _noise(guide)
    bearable = BEARABLE * value_range
    if total <= bearable:
        return guide
    planes = guide[..., None] if guide.ndim == 2 else guide
    excess = noise * np.sqrt(1 - (bearable / total) ** 2)
    out = np.empty(planes.shape, np.float32)
    for c in range(planes.shape[2]):
        _smooth(planes[..., c], float(excess[c]), out[..., c])
    np.clip(out, 0, 255, out=out)
    return out.reshape(guide.shape)


def _noise(guide: npt.NDArray[np.number]) -> tuple[npt.NDArray[np.float64], float]:
    """Return the noise of each channel, and what the colour kernel makes of all of them."""
    planes = guide[..., None] if guide.ndim == 2 else guide
    channels = planes.shape[2]
    noise = np.array([noise_of(planes[..., c]) for c in range(channels)])
    # A single channel counts three times in the kernel.
    return noise, float(np.sqrt((noise**2).sum() * (3 if channels == 1 else 1)))


def _smooth(channel: npt.NDArray[np.number], weight: float, out: Floats) -> None:
    from skimage.restoration import denoise_tv_chambolle  # slow to import, not always needed

    if weight <= 0:
        out[:] = channel
        return
    height, width = channel.shape
    step = max(1, ROWS // width)
    halo = ITERATIONS + 1
    for top in range(0, height, step):
        first, last = max(0, top - halo), min(height, top + step + halo)
        part = np.ascontiguousarray(channel[first:last], np.float32)
        # Without a tolerance every band does the same number of iterations.
        smooth = denoise_tv_chambolle(part, weight=weight, eps=0, max_num_iter=ITERATIONS)
        out[top : top + step] = smooth[top - first : top - first + step]
