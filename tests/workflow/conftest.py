import numpy as np
import pytest

import tdseg
from tdseg.samples.mosaic import texture_mosaic


@pytest.fixture(scope="session")
def example():
    """A small mosaic of two textures with a few labelled pixels, and its truth."""
    sample = texture_mosaic(256)
    image = np.ascontiguousarray(sample.image[40:120, 60:150])
    truth = sample.truth[40:120, 60:150]
    labels = np.zeros_like(truth)
    labels[5:9, 3:9] = truth[5:9, 3:9]
    labels[60:64, 70:80] = truth[60:64, 70:80]
    labels[30:34, 60:70] = truth[30:34, 60:70]
    assert len(np.unique(labels)) == 3
    return (
        tdseg.Image.from_array(image, pixel_size=0.5, unit="um", name="mosaic"),
        tdseg.SparseLabels.from_label_image(labels),
        truth,
    )
