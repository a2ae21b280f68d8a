"""TDS Apply to Folder without Java: what it records, tells and asks of its host."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.commands.request import Host, HostImage
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.errors import TdsegError
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

COMMAND = BY_NAME["TDS Apply to Folder..."]


@pytest.fixture(scope="module")
def session():
    rng = np.random.default_rng(0)
    pixels = np.concatenate([rng.integers(0, 90, (20, 12)), rng.integers(150, 255, (20, 12))], 1)
    labels = np.zeros((20, 24), np.uint8)
    labels[5:15, 2:6], labels[5:15, 18:22] = 1, 2
    few = {"trees": 5, "held_out": False, "sigma_max": 2, "classifier": "random_forest"}
    settings = tdseg.Settings(features="classical", **few)
    found = Session()
    found.adopt(tdseg.train([(pixels.astype(np.uint8), labels)], settings))
    return found


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "my images"
    folder.mkdir()
    for k in range(2):
        pixels = np.random.default_rng(k).integers(0, 255, (16, 20), np.uint8)
        tifffile.imwrite(folder / f"{k}.tif", pixels, imagej=True)
    return folder


def run(session, options, host=None):
    progress = Silent()
    reply, line = run_command(COMMAND, options, session, progress, None, host or Host())
    return reply, line, progress.notes


def test_the_recorded_line_repeats_the_job(session, images, tmp_path):
    out = tmp_path / "out"
    given = f"input=[{images}] output_folder=[{out}] refine=crf crf_iterations=2"
    reply, line, notes = run(session, given)
    labels = tifffile.imread(out / "1-labels.tif")
    settings = session.model.settings.with_(refine="crf", crf_iterations=2)
    expected = tdseg.apply(session.model, tdseg.read_image(images / "1.tif"), settings=settings)
    np.testing.assert_array_equal(labels, expected.labels[0, 0])
    assert "2 images: 2 segmented" in notes[-1]
    assert [row["status"] for row in reply.tables[0].rows] == ["written", "written"]
    inside = line.removeprefix('run("TDS Apply to Folder...", "').removesuffix('");')
    reply, again, notes = run(session, inside)
    assert again == line
    assert [row["status"] for row in reply.tables[0].rows] == ["skipped", "skipped"]
    _, _, notes = run(session, inside.replace("refine=crf", "refine=none"))
    assert "made with refine=crf, not refine=none" in notes[-1]
    assert "existing=update" in notes[-1]


def test_imagej_reads_where_it_is_asked(session, images, tmp_path):
    opened = []

    def open_file(path):
        opened.append(path.name)
        if path.name == "0.tif":
            return None
        image = tdseg.read_image(path)
        return HostImage(path.name, "1", image.shape, 0, lambda: image, lambda source: ())

    given = f"input=[{images}] output_folder=[{tmp_path}/out] reader=imagej"
    reply, _, notes = run(session, given, Host(open_file=open_file))
    assert opened == ["0.tif", "1.tif"]
    assert [row["status"] for row in reply.tables[0].rows] == ["failed", "written"]
    assert any("cannot be opened by ImageJ" in note for note in notes)


def test_mistakes_are_sentences(session, images, tmp_path):
    (images / "0.tif").write_bytes(b"nothing")
    (images / "1.tif").write_bytes(b"nothing")
    for options, words in (
        ("output_folder=[/tmp/x]", "needs the key 'input'"),
        (f"input=[{images}]", "needs the key 'output_folder'"),
        (f"input=[{images}/none] output_folder=[{tmp_path}/out]", "There is no image file"),
        (f"input=[{images}] output_folder=[{tmp_path}/out]", "None of 2 images"),
    ):
        with pytest.raises(TdsegError, match=words):
            run(session, options)
    with pytest.raises(TdsegError, match="no classifier yet"):
        run(Session(), f"input=[{images}] output_folder=[{tmp_path}/out]")
