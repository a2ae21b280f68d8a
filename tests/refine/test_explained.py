import numpy as np
import pytest

from tdseg.refine.explained import BLOCK, REACH, LocalMoments

RNG = np.random.default_rng(0)


def _brute(image, labels, chosen):
    """The same from every pixel's own weight in every window."""
    planes = np.atleast_3d(image).astype(float)
    height, width = labels.shape
    block = np.stack(np.mgrid[:height, :width], axis=-1) // BLOCK
    total = between = 0.0
    for centre in np.ndindex(-(-height // BLOCK), -(-width // BLOCK)):
        # scipy cuts the Gaussian at four standard deviations, and normalises it.
        offsets = np.arange(-int(4 * REACH / BLOCK + 0.5), int(4 * REACH / BLOCK + 0.5) + 1)
        norm = np.exp(-0.5 * (offsets * BLOCK / REACH) ** 2).sum()
        away = (block - centre) * BLOCK / REACH
        weight = (np.exp(-0.5 * away**2) / norm).prod(axis=-1)
        inside = np.isin(labels, chosen)
        w, x, c = weight[inside], planes[inside], labels[inside]
        mean = np.average(x, axis=0, weights=w)
        total += (w[:, None] * (x - mean) ** 2).sum()
        for k in chosen:
            own = c == k
            if own.any():
                part = np.average(x[own], axis=0, weights=w[own])
                between += (w[own].sum() * (part - mean) ** 2).sum()
    return between / total


@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize("chosen", [(0, 1, 2), (0, 2)])
def test_shares_are_those_of_all_pixels_weighted_one_by_one(channels, chosen):
    labels = RNG.integers(0, 3, (29, 37))
    image = RNG.normal(100, 20, (29, 37, *channels)) + 15 * labels.reshape(
        29, 37, *[1] * len(channels)
    )
    found = LocalMoments(image, labels, 3).variance(chosen)
    assert found.share == pytest.approx(_brute(image, labels, chosen), rel=1e-9)


def test_labels_explain_all_nothing_and_not_what_lies_in_the_shading():
    labels = RNG.integers(0, 2, (256, 256))
    alone = LocalMoments(50 * labels, labels, 2).variance((0, 1))
    assert alone.share == pytest.approx(1)
    noise = RNG.normal(0, 9, labels.shape)
    assert LocalMoments(noise, labels, 2).variance((0, 1)).share < 0.01
    assert LocalMoments(np.full(labels.shape, 7.3), labels, 2).variance((0, 1)).share == 0
    # Left and right of a slow ramp differ by much, but not where they meet.
    ramp = np.linspace(0, 255, 1024) * np.ones((64, 1))
    halves = (ramp > 127).astype(int)
    assert LocalMoments(ramp, halves, 2).variance((0, 1)).share < 0.5


def test_classes_meet_where_both_have_pixels_around():
    labels = np.zeros((400, 400), int)
    labels[:, 200:] = 1
    labels[380:, 380:] = 2
    moments = LocalMoments(RNG.normal(size=labels.shape), labels, 4)
    both, rare, absent = (moments.variance(p) for p in ((0, 1), (0, 2), (0, 3)))
    assert both.windows == 50 * 50
    assert 0.1 < both.met / both.windows < 0.4
    assert rare.met < 0.1 * rare.windows
    assert absent.met == 0
    two = both + rare
    assert (two.windows, two.met) == (5000, both.met + rare.met)
    assert two.share == pytest.approx((both.between + rare.between) / (both.total + rare.total))
