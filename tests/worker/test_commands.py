"""By the worker as in one process: pixels, tables, lines."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from plugin_host import CALIBRATION, OpenImage, PluginHost, segments

import tdseg
from conftest import rectangle
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

UNNAMED = {"labels": [], "overlay": [], "uncertainty": ["uncertainty"]}
TRAIN = "features=classical sigma_max=2 trees=7 seed=3"


def in_process(
    session: Session, host: PluginHost, command: str, options: str, active: OpenImage
) -> tuple[Any, str]:
    return run_command(
        BY_NAME[command], options, session, Silent(), active.in_process(), host.host()
    )


def test_a_workflow_gives_the_same_pixels_tables_and_lines(worker, labelled):
    session = Session()
    for command, options in (
        ("TDS Set Classes...", "classes=[dark,bright]"),
        ("TDS Train...", TRAIN),
        ("TDS Apply...", "output=both"),
        ("TDS Apply...", "output=uncertainty"),
        ("TDS Features...", "features=classical sigma_max=2"),
        ("TDS Measure ROIs...", "features=classical sigma_max=2"),
        ("TDS Labels to Image", ""),
    ):
        found = worker.run(command, options, labelled)
        assert "error" not in found
        reply, line = in_process(session, worker, command, options, labelled)
        assert found["line"] == line
        shown = found["reply"]
        assert [image["title"] for image in shown["images"]] == [i.title for i in reply.images]
        for image, expected in zip(shown["images"], reply.images, strict=True):
            pixels = worker.pixels(image)
            assert pixels.dtype == expected.array.dtype
            np.testing.assert_array_equal(pixels, expected.array)
            assert image["kind"] == expected.kind
            assert image["names"] == (list(expected.names) or UNNAMED[expected.kind])
            assert dict(image["info"])["tdseg.macro"] == line
        for table, other in zip(shown["tables"], reply.tables, strict=True):
            assert table["title"] == other.title
            rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
            assert [list(row.values()) for row in rows] == [
                ["" if v is None else v for v in row.values()] for row in other.rows
            ]
    assert segments(worker.pid) == []


def test_several_images_decide_on_brightness_as_in_one_process(worker, labelled):
    darker = OpenImage("darker.tif", labelled.planes // 2, "16-bit", labelled.rois)
    worker.images[darker.title] = darker
    session = Session()
    for image, options in ((labelled, TRAIN), (darker, f"{TRAIN} append=true")):
        found = worker.run("TDS Train...", options, image)
        _, line = in_process(session, worker, "TDS Train...", options, image)
        assert found["line"] == line
    assert f"augment={session.model.settings.augment}" in line
    assert session.model.summary["augment"]["chosen"] == session.model.settings.augment


@pytest.mark.parametrize(
    ("kind", "shape", "facts"),
    [
        ("8-bit", (2, 3, 2, 12, 14), {}),
        ("16-bit", (1, 2, 1, 12, 14), {"signed": True}),
        ("32-bit", (1, 1, 1, 12, 14), {"virtual": True}),
        ("RGB", (1, 2, 1, 12, 14, 3), {}),
        ("RGB", (1, 2, 1, 12, 14, 3), {"virtual": True}),
    ],
)
def test_images_of_every_type_come_as_they_are(worker, kind, shape, facts):
    dtype = {"16-bit": np.uint16, "32-bit": np.float32}.get(kind, np.uint8)
    values = np.random.default_rng(1).integers(0, 250, shape).astype(dtype)
    image = OpenImage("stack", values, kind, facts=facts)
    worker.images["stack"] = image
    options = "features=classical classical=gaussian sigma_max=1"
    found = worker.run("TDS Features...", options, image)
    expected, _ = in_process(Session(), worker, "TDS Features...", options, image)
    np.testing.assert_array_equal(
        worker.pixels(found["reply"]["images"][0]), expected.images[0].array
    )


def test_what_no_command_needs_is_not_asked_for(worker, labelled):
    worker.asked.clear()
    worker.run("TDS Set Classes...", "classes=[a,b]", labelled)
    assert worker.asked == []
    labelled.rois["selection"] = [rectangle(1, 1, 0)]
    found = worker.run("TDS Add Label...", "class=a", labelled)
    assert found["reply"]["edits"][0]["label_selection"] == [1, "a-01"]
    assert "planes" not in worker.asked


def test_mistakes_are_one_sentence(worker, labelled):
    assert "has no key 'tree'" in worker.run("TDS Train...", "tree=3", labelled)["error"]
    assert "open an image first" in worker.run("TDS Train...", "")["error"]
    assert "no command 'TDS Fly'" in worker.run("TDS Fly", "")["error"]
    closed = OpenImage("gone", labelled.planes, "16-bit")
    assert worker.run("TDS Apply...", "", closed)["error"] == "The image was closed."


def test_numbers_that_json_lacks_do_not_reach_a_message(worker):
    values = np.zeros((1, 1, 1, 12, 12), np.uint8)
    values[..., :6] = 1
    facts = {"calibration": {**CALIBRATION, "pixel_width": "NaN", "pixel_height": "Infinity"}}
    image = OpenImage("odd", values, facts=facts)
    worker.images["odd"] = image
    worker.lines.clear()
    found = worker.run("TDS Class Statistics", "", image)
    messages = [line.partition("] ")[2] for line in worker.lines]
    messages = [text for text in messages if text.startswith("{")]
    assert messages
    for text in messages:  # what went over the pipes, to the letter
        json.loads(text, parse_constant=pytest.fail)
    cells = [cell for row in found["reply"]["tables"][0]["rows"] for cell in row]
    assert {"number": "NaN"} in cells


def test_extensions_answer(worker, labelled):
    worker.run("TDS Set Classes...", "classes=[a,b,c]", labelled)
    assert worker.call("extension", name="TDS_classCount", arguments=[]) == {"value": "3"}
    assert worker.call("extension", name="TDS_className", arguments=[2.0]) == {"value": "b"}
    assert "no class 9" in worker.call("extension", name="TDS_className", arguments=[9])["error"]


def test_a_worker_tells_its_version(worker):
    assert worker.hello()["problem"] is None
    found = worker.hello(version="0.0.1")
    assert found["version"] == tdseg.__version__
    assert "update the plugin" in found["problem"]
