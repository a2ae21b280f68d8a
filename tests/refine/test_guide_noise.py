import numpy as np
import pytest
from scipy import ndimage

import tdseg
from tdseg.options.groups import CrfOptions
from tdseg.refine import guide_noise
from tdseg.refine.crf import refine_plane
from tdseg.refine.guide_noise import noise_of, trust, without_noise


def _blobs(size: int = 128, seed: int = 0) -> np.ndarray:
    """A fifth of the plane, in blobs of some ten pixels."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(size, size)), 5)
    return smooth > np.quantile(smooth, 0.8)


@pytest.mark.parametrize("sigma", [2.0, 12.0])
def test_noise_is_measured_beside_edges(sigma):
    plane = np.where(_blobs(), 180.0, 60.0)
    noisy = plane + np.random.default_rng(1).normal(0, sigma, plane.shape)
    assert noise_of(noisy) == pytest.approx(sigma, rel=0.15)
    assert noise_of(plane) == 0


def test_a_guide_with_little_noise_is_left_alone():
    rng = np.random.default_rng(0)
    plane = np.where(_blobs(), 180, 60) + rng.normal(0, 3, (128, 128))
    assert without_noise(plane, 13.0) is plane
    # In colour the noise of the channels adds up; a grey channel counts three times.
    colour = np.repeat(plane[..., None], 3, axis=2)
    assert without_noise(colour, 13.0) is colour
    assert without_noise(colour, 6.0) is not colour


def test_trust_falls_with_the_noise():
    plane, rng = np.zeros((80, 80), np.float32), np.random.default_rng(2)
    noisy = [plane + rng.normal(0, sigma, plane.shape) for sigma in (2, 8, 16, 32)]
    found = [trust(each, 13.0) for each in noisy]
    assert found[0] == 1
    # A grey channel counts three times: noise of 8 is one of 13.9, and 6.5 is bearable.
    assert found[1] == pytest.approx((6.5 / (8 * 3**0.5)) ** 1.5, rel=0.15)
    assert found[1] > found[2] > found[3] > 0


def test_phases_come_out_of_the_noise_and_edges_stay():
    truth = _blobs()
    plane = np.where(truth, 150.0, 100.0)
    noisy = (plane + np.random.default_rng(2).normal(0, 20, plane.shape)).clip(0, 255)
    smooth = without_noise(noisy, 13.0)
    assert smooth.shape == noisy.shape
    assert ((smooth > 125) == truth).mean() > 0.93 > ((noisy > 125) == truth).mean()


def test_bands_change_no_value(monkeypatch):
    noisy = np.random.default_rng(3).normal(120, 25, (150, 40, 2)).clip(0, 255)
    whole = without_noise(noisy, 13.0)
    monkeypatch.setattr(guide_noise, "ROWS", 40 * 32)
    np.testing.assert_array_equal(without_noise(noisy, 13.0), whole)


def test_the_crf_no_longer_trades_a_noisy_phase_for_the_larger_one():
    truth = _blobs()
    rng = np.random.default_rng(4)
    noisy = (np.where(truth, 100, 150) + rng.normal(0, 20, truth.shape)).clip(0, 255)
    image = tdseg.Image.from_array(noisy.astype(np.uint8), name="speckled")
    # A classifier that is right nine times in ten, with neighbours of one opinion.
    doubt = ndimage.gaussian_filter(rng.normal(size=truth.shape), 2)
    second = np.where(truth ^ (doubt > np.quantile(doubt, 0.92)), 0.9, 0.1)
    given = np.stack([1 - second, second]).astype(np.float32)

    def kept(**changes):
        options = tdseg.Settings(crf_min_fraction=0.0, **changes)
        return (tdseg.refine_crf(given, image, options)[1] > 0.5)[truth].mean()

    assert kept(crf_denoise=False) < kept() - 0.1
    assert kept() > 0.75
    # Off, the result is the plain field's.
    plain = refine_plane(given, noisy.astype(np.uint8), CrfOptions(crf_min_fraction=0.0))
    off = tdseg.refine_crf(given, image, tdseg.Settings(crf_min_fraction=0.0, crf_denoise=False))
    np.testing.assert_array_equal(off, plain)
