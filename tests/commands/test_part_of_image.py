"""A rectangle of the image: what is inside is as of the whole image, outside is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from roifile import ImagejRoi

import tdseg
from tdseg.commands.request import HostImage
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

INSIDE = np.s_[7:38, 11:52]  # rectangle=11,7,41,31


def roi(x, y, width, height, group=0):
    found = ImagejRoi.frompoints(
        np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    )
    found.group = group
    return found.tobytes()


@pytest.fixture(scope="module")
def run():
    """Run commands on a textured image; returns the array of their image."""
    y, x = np.mgrid[:60, :70]
    noise = np.random.default_rng(0).normal(0, 12, y.shape)
    grey = 90 + 60 * np.sin(x / 2) * (y > 30) + noise
    image = tdseg.Image.from_array(grey.clip(0, 255).astype(np.uint8), name="cells")
    rois = {
        "overlay": [roi(5, 5, 20, 10, 1), roi(40, 45, 20, 10, 2)],
        "selection": [roi(30, 0, 40, 60)],
    }
    host = HostImage("cells", "1", image.shape, 0, lambda: image, lambda source: rois[source])
    session = Session()

    def call(name, options):
        reply, line = run_command(BY_NAME[name], options, session, Silent(), host)
        return (reply.images[0].array[0, 0] if reply.images else None), line

    call("TDS Train...", "features=classical sigma_max=4 trees=20 held_out=false")
    return call


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("TDS Apply...", "output=labels"),
        ("TDS Apply...", "output=labels tile=16"),
        ("TDS Apply...", "output=probabilities"),
        ("TDS Features...", "features=classical classical=gaussian,sobel sigma_max=2"),
    ],
)
def test_inside_as_of_the_whole_image_outside_nothing(run, name, options):
    whole, _ = run(name, options)
    part, line = run(name, f"{options} rectangle=11,7,41,31")
    np.testing.assert_array_equal(part[:, *INSIDE], whole[:, *INSIDE])
    part[:, *INSIDE] = 0
    assert not part.any()
    assert "rectangle=11,7,41,31" in line


def test_a_rectangle_beyond_the_edge_ends_there_and_shares_with_a_selection(run):
    whole, _ = run("TDS Apply...", "output=labels")
    corner, _ = run("TDS Apply...", "output=labels rectangle=50,40,99,99")
    np.testing.assert_array_equal(corner[:, 40:, 50:], whole[:, 40:, 50:])
    assert np.count_nonzero(corner) == 20 * 20
    shared, _ = run("TDS Apply...", "output=labels rectangle=0,0,50,10 region=selection")
    assert np.count_nonzero(shared) == 20 * 10


@pytest.mark.parametrize(
    ("rectangle", "words"),
    [
        ("70,0,5,5", r"\(70,0,5,5\) lies outside image 'cells', which is 70 x 60 pixels"),
        ("1,1,0,5", "Key 'rectangle'"),
        ("1,1,5", "Key 'rectangle'"),
    ],
)
def test_no_rectangle(run, rectangle, words):
    with pytest.raises(tdseg.TdsegError, match=words):
        run("TDS Apply...", f"rectangle={rectangle}")
