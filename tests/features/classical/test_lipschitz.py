from __future__ import annotations

import numpy as np

from tdseg.features.classical.lipschitz import SLOPES, lipschitz


def test_a_spike_gets_a_pyramid() -> None:
    image = np.zeros((41, 43), np.uint8)
    image[20, 21] = 200
    y, x = np.abs(np.mgrid[:41, :43] - np.array([20, 21])[:, np.newaxis, np.newaxis])
    for slope, out in zip(SLOPES, lipschitz(image), strict=True):
        long, short = np.maximum(y, x), np.minimum(y, x)
        diagonal = int(slope * np.sqrt(2))
        envelope = np.maximum(0, 200 - diagonal * short - slope * (long - short))
        np.testing.assert_array_equal(out, 255 + image.astype(int) - envelope)


def test_the_envelope_is_above_and_no_steeper_than_asked(spots: np.ndarray) -> None:
    for slope, out in zip(SLOPES, lipschitz(spots), strict=True):
        envelope = 255 + spots.astype(int) - out
        assert (envelope >= spots).all()
        for axis in (0, 1):
            assert np.abs(np.diff(envelope, axis=axis)).max() <= slope


def test_flat_images_are_255() -> None:
    assert (lipschitz(np.full((5, 6), 0, np.uint8)) == 255).all()
