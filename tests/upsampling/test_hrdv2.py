"""HR-Dv2's upsampling against its steps written out in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from tdseg.backbones.base import Level
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.registry import make_upsampler
from tdseg.upsampling.transforms import FLIPS, IDENTITY, moore

WHOLE = slice(None)


class StridedPatches:
    """A patch embedding of 14 pixels with stride 4 and a nonlinearity, random but fixed."""

    name, multiple, window, has_global_context = "strided", 14, 518, True
    device, dtype = torch.device("cpu"), torch.float32
    levels = (Level("last", 5, 4, 6.5),)

    def __init__(self) -> None:
        self.kernel = torch.randn(5, 3, 14, 14, generator=torch.Generator().manual_seed(0)) / 14
        self.runs = 0

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        self.runs += 1
        return [torch.tanh(functional.conv2d(images, self.kernel, stride=4))]


def reference(backbone, image: torch.Tensor, shifts, flips: bool) -> torch.Tensor:
    """Transform, run, resize (nearest-exact), undo, add, divide."""
    turns = [(), (3,), (), (2,)] if flips else [()]
    total = torch.zeros(1, 5, *image.shape[2:])
    for shift in shifts:
        for axes in turns:
            copy = torch.roll(image, shift, (2, 3)).flip(axes)
            found = functional.interpolate(
                backbone.tokens(copy)[0], image.shape[2:], mode="nearest-exact"
            )
            # As published: the shift is undone before the flip.
            found = torch.roll(found, (-shift[0], -shift[1]), (2, 3)).flip(axes)
            total += found
    return total[0] / (len(shifts) * len(turns))


@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("distances", [(), (1, 2)])
@pytest.mark.parametrize("shape", [(42, 56), (45, 70)])
def test_it_reproduces_the_reference(random_picture, flips, distances, shape) -> None:
    picture = random_picture(*shape)
    backbone = StridedPatches()
    shifts = moore(distances)
    options = UpsamplingOptions("hrdv2", shifts, FLIPS if flips else (IDENTITY,), storage="float32")
    upsampler = make_upsampler(backbone, options)
    field = upsampler.features(picture, "abcde")
    assert backbone.runs == len(shifts) * (3 if flips else 1)
    found = field.block(WHOLE, WHOLE)
    top, left = (shape[0] % 14) // 2, (shape[1] % 14) // 2
    rows, cols = slice(top, top + shape[0] // 14 * 14), slice(left, left + shape[1] // 14 * 14)
    image = torch.from_numpy(picture.pixels[rows, cols].transpose(2, 0, 1).copy())[None]
    expected = reference(backbone, image, shifts, flips).numpy()
    assert np.allclose(found[:, rows, cols], expected, atol=1e-6)
    # Outside the crop: the nearest pixel inside.
    assert np.array_equal(found[:, 0, 0], found[:, top, left])
    assert np.array_equal(found[:, -1, -1], found[:, rows.stop - 1, cols.stop - 1])


def test_the_estimate_counts_the_passes_and_grows_with_the_image() -> None:
    backbone = StridedPatches()
    nine, one = (
        make_upsampler(backbone, UpsamplingOptions("hrdv2", moore(distances)))
        for distances in ([1], [])
    )
    small, large = nine.seconds((140, 140)), nine.seconds((280, 140))
    runs = backbone.runs
    assert 0 < 2 * small <= large * (1 + 1e-9)
    assert nine.seconds((153, 145)) == small  # the network sees whole patches only
    assert backbone.runs == runs  # timed once
    one.seconds((140, 140))
    one._rates = nine._rates
    assert nine.seconds((280, 140)) == pytest.approx(9 * one.seconds((280, 140)))


def test_images_smaller_than_a_patch(random_picture) -> None:
    picture = random_picture(1, 30)
    options = UpsamplingOptions("hrdv2", shifts=1)
    upsampler = make_upsampler(StridedPatches(), options)
    field = upsampler.features(picture, "abcde")
    assert np.isfinite(field.block(WHOLE, WHOLE)).all()
