"""Large images: the same pixels by blocks, in every format, also after a kill."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from batch_jobs import train

import tdseg
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.block_job import BlockJob
from tdseg.batch.existing import decide
from tdseg.batch.inputs import find_sources
from tdseg.batch.measures import agreement
from tdseg.batch.one_file import FileWork, JobSpec
from tdseg.batch.provenance import read_made
from tdseg.batch.targets import plan_targets
from tdseg.errors import Cancelled, TdsegError
from tdseg.images.image_files import read_image
from tdseg.images.pyramid import halve_labels, halve_values
from tdseg.options.groups import ApplyJobOptions

RNG = np.random.default_rng(4)
PIXELS = RNG.integers(0, 255, (2, 2, 1, 100, 131)).astype(np.uint8)


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images are read by parts, go by blocks, and have pyramids."""
    monkeypatch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
    monkeypatch.setattr("tdseg.images.zarr_reading.COPY_LIMIT", 0)
    monkeypatch.setattr("tdseg.images.intensity.LAZY_BYTES", 0)
    monkeypatch.setattr("tdseg.batch.one_file.fits_whole", lambda *given: False)
    monkeypatch.setattr("tdseg.images.pyramid.SMALLEST", 64)


def as_tiff(path: Path, pixels: np.ndarray = PIXELS) -> Path:
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as writer:
        writer.write(
            pixels,
            tile=(32, 32),
            compression="zlib",
            photometric="minisblack",
            metadata={
                "axes": "TZCYX",
                "PhysicalSizeX": 0.5,
                "PhysicalSizeY": 0.25,
                "PhysicalSizeZ": 2.0,
                "TimeIncrement": 3.0,
                "TimeIncrementUnit": "s",
            },
        )
    return path


def as_zarr(folder: Path, pixels: np.ndarray = PIXELS, version: str = "0.5") -> Path:
    kinds = {"t": ("time", "second"), "c": ("channel", None)}
    axes = []
    for axis in "tczyx":
        kind, unit = kinds.get(axis, ("space", "micrometer"))
        axes.append({"name": axis, "type": kind} | ({"unit": unit} if unit else {}))
    steps = [{"type": "scale", "scale": [3.0, 1.0, 2.0, 0.25, 0.5]}]
    described = {"axes": axes, "datasets": [{"path": "s0", "coordinateTransformations": steps}]}
    attributes: dict = {"multiscales": [described]}
    if version == "0.5":
        attributes = {"ome": {"version": version, **attributes}}
    else:
        described["version"] = version
    form = 3 if version == "0.5" else 2
    group = zarr.create_group(str(folder), zarr_format=form, attributes=attributes)
    full = pixels.transpose(0, 2, 1, 3, 4)
    group.create_array("s0", shape=full.shape, dtype=full.dtype, chunks=(1, 1, 1, 32, 48))[:] = full
    return folder


def expected(model: tdseg.Model, pixels: np.ndarray = PIXELS) -> tdseg.workflow.apply.Result:
    return tdseg.apply(model, tdseg.Image.from_array(pixels, "TZCYX"))


def run(model, image, folder, tile=64, **options):
    options = {"contact_sheet": False, **options}
    settings = model.settings.with_(tile=tile)
    return apply_to_files(model, [image], folder, settings=settings, **options)


def only(outcomes):
    (outcome,) = outcomes
    assert outcome.error == ""
    return outcome


@pytest.mark.parametrize("format", ["tiff", "zarr", "zarr0.4"])
@pytest.mark.parametrize("tile", [64, 100])
def test_all_results_equal_those_in_memory(tmp_path: Path, model, format: str, tile: int) -> None:
    source = as_tiff(tmp_path / "a.ome.tif") if tile == 64 else as_zarr(tmp_path / "a.ome.zarr")
    whole = expected(model)
    stem = "a.ome" if tile == 64 else "a"
    ending = ".tif" if format == "tiff" else ".ome.zarr"
    outcome = only(run(model, source, tmp_path / "out", tile, format=format, output="both"))
    assert [path.name for path in outcome.written] == [
        f"{stem}-labels{ending}",
        f"{stem}-probabilities{ending}",
    ]
    labels, found = (read_image(path) for path in outcome.written)
    np.testing.assert_array_equal(labels.array[:, :, 0], whole.labels)
    np.testing.assert_array_equal(found.array, whole.probabilities)
    for one in (labels, found):
        size = one.calibration
        assert (size.pixel_width, size.pixel_height, size.pixel_depth) == (0.5, 0.25, 2.0)
        assert size.unit == "\u00b5m"
        assert size.frame_interval == 3.0
        assert "tdseg.classes: 1=dark, 2=bright" in one.metadata["info"]
    pixels = [int((whole.labels == value).sum()) for value in (1, 2)]
    assert outcome.facts["pixels"] == pixels
    made = read_made(outcome.written[0])
    assert made["row"]["pixels"] == pixels
    assert made["source"]["name"] == source.name
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name[0] == "."] == []


def test_uncertainty_and_files_of_one_plane(tmp_path: Path, model) -> None:
    pixels = PIXELS[:1, :1]
    image = as_tiff(tmp_path / "a.tif", pixels)
    whole = expected(model, pixels)
    path = only(run(model, image, tmp_path / "out", output="uncertainty")).written[0]
    found = read_image(path)
    np.testing.assert_array_equal(found.array[:, :, 0], whole.uncertainty)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_bigtiff
        assert tif.pages[0].is_tiled
        assert [level.shape for level in tif.series[0].levels] == [(100, 131), (50, 66), (25, 33)]


def levels_of(folder: Path) -> list[np.ndarray]:
    group = zarr.open_group(str(folder), mode="r")
    return [np.asarray(group[str(k)]) for k in range(3)]


def test_levels_are_made_of_the_one_before(tmp_path: Path, model) -> None:
    image = as_zarr(tmp_path / "a.zarr", PIXELS[:1, :1])
    outcome = only(run(model, image, tmp_path / "out", output="both"))
    for path, halve in zip(outcome.written, (halve_labels, halve_values), strict=True):
        levels = levels_of(path)
        assert [level.shape[-2:] for level in levels] == [(100, 131), (50, 66), (25, 33)]
        for above, below in pairwise(levels):
            np.testing.assert_array_equal(below, halve(above))


def test_halves_by_hand() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (31, 17)).astype(np.uint8)
    found = halve_labels(labels)
    assert found.shape == (16, 9)
    for i, j in np.ndindex(15, 8):
        corner = labels[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].ravel()
        counts = np.bincount(corner, minlength=4)
        assert counts[found[i, j]] == counts.max()
    np.testing.assert_array_equal(found[15, :8], halve_labels(labels[[30, 30]])[0, :8])
    values = rng.random((8, 6)).astype(np.float32)
    mean = values.reshape(4, 2, 3, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(halve_values(values), mean, rtol=1e-6)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_what_viewers_ask_of_an_ome_zarr(tmp_path: Path, model, version: str) -> None:
    """The rules of the published specification, version by version."""
    image = as_zarr(tmp_path / "a.zarr", version=version)
    outcome = only(run(model, image, tmp_path / "out", output="both"))
    for path, label in zip(outcome.written, (True, False), strict=True):
        if version == "0.5":
            node = json.loads((path / "zarr.json").read_text())
            assert (node["zarr_format"], node["node_type"]) == (3, "group")
            ome = node["attributes"]["ome"]
            assert ome["version"] == "0.5"
            array = json.loads((path / "0" / "zarr.json").read_text())
            names = array["dimension_names"]
            grid = array["chunk_grid"]["configuration"]["chunk_shape"]
            assert grid[-2:] == [64, 64]  # a block is a shard
            assert array["codecs"][0]["name"] == "sharding_indexed"
        else:
            assert json.loads((path / ".zgroup").read_text())["zarr_format"] == 2
            ome = json.loads((path / ".zattrs").read_text())
            assert ome["multiscales"][0]["version"] == "0.4"
            array = json.loads((path / "0" / ".zarray").read_text())
            assert array["dimension_separator"] == "/"
            names = [axis["name"] for axis in ome["multiscales"][0]["axes"]]
        (scales,) = ome["multiscales"]
        axes = scales["axes"]
        assert [axis["name"] for axis in axes] == names
        assert names == (list("tzyx") if label else list("tczyx"))
        kinds = [axis["type"] for axis in axes]
        assert kinds == (["time"] + ["channel"] * (not label) + ["space"] * 3)
        for level, dataset in enumerate(scales["datasets"]):
            steps = dataset["coordinateTransformations"]
            assert steps[0]["type"] == "scale"
            assert len(steps[0]["scale"]) == len(axes)
            assert steps[0]["scale"][-1] == 0.5 * 2**level
            if level:
                # the middle of the first pixel lies in the middle of the pixels it is made of
                assert steps[1] == {
                    "type": "translation",
                    "translation": [0.0] * (len(axes) - 2)
                    + [s * (2**level - 1) / 2 for s in (0.25, 0.5)],
                }
        if label:
            about = ome["image-label"]
            assert about["properties"][0] == {"label-value": 1, "name": "dark"}
            assert about["colors"][0] == {"label-value": 1, "rgba": [0, 0, 255, 255]}
            assert about.get("version") == ("0.4" if version == "0.4" else None)
        else:
            assert [c["label"] for c in ome["omero"]["channels"]] == ["dark", "bright"]
            assert all(len(c["color"]) == 6 for c in ome["omero"]["channels"])


def test_the_xml_of_a_tiff(tmp_path: Path, model) -> None:
    image = as_tiff(tmp_path / "a.tif")
    path = only(run(model, image, tmp_path / "out", output="probabilities")).written[0]
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        found = tifffile.xml2dict(tif.ome_metadata)["OME"]
        assert tif.series[0].axes == "TZCYX"
    pixels = found["Image"]["Pixels"]
    assert [pixels[f"Size{a}"] for a in "XYCZT"] == [131, 100, 2, 2, 2]
    assert [channel["Name"] for channel in pixels["Channel"]] == ["dark", "bright"]
    assert pixels["PhysicalSizeYUnit"] == "\u00b5m"


class StopsAfter:
    """Cancels at the given block."""

    def __init__(self, block: int) -> None:
        self.block, self.notes = block, []

    def update(self, fraction: float, message: str = "") -> None:
        if f"block {self.block} of" in message:
            raise Cancelled("stopped")

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.mark.parametrize("format", ["tiff", "zarr"])
def test_a_job_that_was_stopped_goes_on(tmp_path: Path, model, format: str) -> None:
    image, out = as_tiff(tmp_path / "a.tif", PIXELS[:1, :1]), tmp_path / "out"
    whole = expected(model, PIXELS[:1, :1])
    with pytest.raises(Cancelled):
        run(model, image, out, format=format, progress=StopsAfter(5))
    (state,) = (p for p in out.iterdir() if p.name.startswith(".tdseg-blocks") and p.is_dir())
    times = {p.name: p.stat().st_mtime_ns for p in (state / "done").iterdir()}
    assert sorted(times) == [f"{n}.json" for n in range(4)]
    heard = StopsAfter(99)
    # another block size goes on with the blocks of the first run
    outcome = only(run(model, image, out, tile=32, format=format, progress=heard))
    assert any("4 of 6 blocks are done" in note for note in heard.notes)
    np.testing.assert_array_equal(read_image(outcome.written[0]).array[:, :, 0], whole.labels)
    assert not state.exists()


@pytest.mark.parametrize("format", ["tiff", "zarr"])
def test_blocks_in_any_order_by_any_process_and_twice(tmp_path: Path, model, format: str) -> None:
    image = as_tiff(tmp_path / "a.tif", PIXELS[:, :1])
    options = ApplyJobOptions(format=format, output="both")
    spec = JobSpec(model, model.settings.with_(tile=48), "all", options)
    (planned,) = plan_targets(find_sources([image]), tmp_path / "out", "both", format=format)
    read = FileWork(spec).read(planned)
    decision = decide(planned, "skip", spec.recipe)

    def partner() -> BlockJob:
        """A process that takes part has nothing but this and the disk."""
        job = BlockJob(spec, planned, decision, read_image(image), read.facts)
        job.begin()
        return job

    first, second = partner(), partner()
    assert first.todo() == list(range(18))
    for number in reversed(range(0, 18, 2)):
        first.run(number)
    for number in range(0, 18, 3):
        second.run(number)
    third = partner()
    assert third.todo() == [n for n in range(18) if n % 2 and n % 3]
    for number in third.todo():
        third.run(number)
    assert second.todo() == []
    facts = second.facts()
    assert third.facts() == facts
    written = second.finish(facts)
    assert third.finish(facts) == []
    whole = expected(model, PIXELS[:, :1])
    labels, found = (read_image(path).array for path in written)
    np.testing.assert_array_equal(labels[:, :, 0], whole.labels)
    np.testing.assert_array_equal(found, whole.probabilities)


def test_other_settings_begin_anew(tmp_path: Path, model, other_model) -> None:
    image, out = as_tiff(tmp_path / "a.tif", PIXELS[:1, :1]), tmp_path / "out"
    with pytest.raises(Cancelled):
        run(model, image, out, progress=StopsAfter(5))
    heard = StopsAfter(99)
    outcome = only(run(other_model, image, out, progress=heard))
    assert not any("earlier run" in note for note in heard.notes)
    whole = expected(other_model, PIXELS[:1, :1])
    np.testing.assert_array_equal(read_image(outcome.written[0]).array[:, :, 0], whole.labels)


KILLED = """
import sys
sys.path[:0] = {path!r}
import tdseg.images.tiff_reading, tdseg.images.intensity, tdseg.batch.one_file
tdseg.images.tiff_reading.COPY_LIMIT = tdseg.images.intensity.LAZY_BYTES = 0
tdseg.batch.one_file.fits_whole = lambda *given: False
from pathlib import Path
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.block_job import BlockJob
from tdseg.batch.existing import decide
from tdseg.batch.inputs import find_sources
from tdseg.batch.measures import agreement
from tdseg.batch.one_file import FileWork, JobSpec
import tdseg
model = tdseg.load({model!r})
print("ready", flush=True)
apply_to_files(model, [Path({image!r})], Path({out!r}), format="zarr", contact_sheet=False,
               settings=model.settings.with_(tile=16))
"""


def test_a_killed_job_goes_on_and_leaves_nothing(tmp_path: Path, model) -> None:
    image, out = as_tiff(tmp_path / "a.tif", PIXELS[:1, :1]), tmp_path / "out"
    file = model.save(tmp_path / "m.tdseg")
    program = KILLED.format(path=sys.path, model=str(file), image=str(image), out=str(out))
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:
        if len(list(out.glob(".tdseg-blocks-*/done/*.json"))) > 3:
            break
        time.sleep(0.002)
    child.kill()
    child.wait()
    assert not list(out.glob("*.zarr"))
    outcome = only(run(model, image, out, tile=16, format="zarr"))
    whole = expected(model, PIXELS[:1, :1])
    np.testing.assert_array_equal(read_image(outcome.written[0]).array[:, :, 0], whole.labels)
    assert not list(out.glob(".tdseg*"))


def test_existing_results_of_either_kind(tmp_path: Path, model, other_model) -> None:
    image, out = as_zarr(tmp_path / "a.zarr", PIXELS[:1, :1]), tmp_path / "out"
    first = only(run(model, image, out, contact_sheet=True))
    assert (out / "contact-sheet-001.png").exists()
    assert only(run(model, image, out)).status == "skipped"
    assert only(run(model, image, out)).facts["pixels"] == first.facts["pixels"]
    kept = only(run(other_model, image, out))
    assert kept.status == "kept"
    assert "another classifier" in kept.note
    (refused,) = run(model, image, out, existing="error")
    assert "exists" in refused.error
    renewed = only(run(other_model, image, out, existing="update"))
    assert renewed.status == "written"
    whole = expected(other_model, PIXELS[:1, :1])
    np.testing.assert_array_equal(read_image(renewed.written[0]).array[:, :, 0], whole.labels)
    shutil.rmtree(renewed.written[0])
    renewed.written[0].mkdir()
    (renewed.written[0] / "mine.txt").write_text("precious")
    (refused,) = run(model, image, out, existing="overwrite")
    assert "is not replaced" in refused.error
    assert (renewed.written[0] / "mine.txt").exists()


def test_truth_and_particles(tmp_path: Path, model) -> None:
    pixels = PIXELS[:1, :1]
    image = as_tiff(tmp_path / "a.tif", pixels)
    truth = expected(model, pixels).labels[0, 0].copy()
    truth[:50] = 3 - truth[:50]
    tifffile.imwrite(tmp_path / "a-truth.tif", truth)
    options = {"truth": "*-truth.tif", "particles": True}
    outcome = only(run(model, image, tmp_path / "out", **options))
    labels = expected(model, pixels).labels
    whole = agreement(labels, tdseg.Image.from_array(truth), (1, 2))
    assert outcome.agreement == whole
    assert 0 < whole.mean_iou < 1
    assert "Particles are not counted" in outcome.note
    again = only(run(model, image, tmp_path / "out", **options))
    assert again.agreement == outcome.agreement
    missing = only(run(model, image, tmp_path / "b", output="probabilities", truth="*-truth.tif"))
    assert "Without labels" in missing.note


def test_refinement_takes_whole_planes_or_is_refused(tmp_path: Path) -> None:
    pixels = PIXELS[:1, :1]
    crf = train(refine="crf", crf_iterations=2)
    image = as_zarr(tmp_path / "a.zarr", pixels)
    outcome = only(run(crf, image, tmp_path / "out"))
    whole = expected(crf, pixels)
    np.testing.assert_array_equal(read_image(outcome.written[0]).array[:, :, 0], whole.labels)
    little = crf.settings.with_(memory_limit=0.05)
    wide = as_tiff(tmp_path / "wide.tif", np.zeros((1, 1, 1, 1000, 2000), np.uint8))
    (refused,) = apply_to_files(crf, [wide], tmp_path / "no", settings=little, contact_sheet=False)
    assert "too large for refine=crf" in refused.error
    assert "memory_limit" in refused.error


def test_filters_of_whole_planes_are_done_or_refused(tmp_path: Path) -> None:
    pixels = PIXELS[:1, :1]
    model = train(classical="gaussian,lipschitz,anisotropic_diffusion", sigma_max=2.0)
    image = as_zarr(tmp_path / "a.zarr", pixels)
    outcome = only(run(model, image, tmp_path / "out"))
    np.testing.assert_array_equal(
        read_image(outcome.written[0]).array[:, :, 0], expected(model, pixels).labels
    )
    little = model.settings.with_(memory_limit=0.05)
    wide = as_tiff(tmp_path / "wide.tif", np.zeros((1, 1, 1, 1000, 2000), np.uint8))
    (refused,) = apply_to_files(model, [wide], tmp_path / "no", settings=little)
    assert "classical=anisotropic_diffusion and classical=lipschitz" in refused.error


def test_without_zarr_one_sentence_says_how_to_install_it(
    tmp_path: Path, model, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = as_zarr(tmp_path / "a.zarr", PIXELS[:1, :1])
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(TdsegError, match=r"pip install 'tdseg\[zarr\]'"):
        read_image(image)
    (refused,) = run(model, image, tmp_path / "out")
    assert "pip install 'tdseg[zarr]'" in refused.error


def test_folders_of_images_are_walked_and_images_are_not(tmp_path: Path, model) -> None:
    day = tmp_path / "in" / "day 1"
    day.mkdir(parents=True)
    as_zarr(day / "a.ome.zarr", PIXELS[:1, :1])
    as_tiff(day / "b.tif", PIXELS[:1, :1])
    settings = model.settings.with_(tile=64)
    outcomes = apply_to_files(
        model, [tmp_path / "in"], tmp_path / "out", recursive=True, settings=settings
    )
    assert [o.place for o in outcomes] == ["day 1/a.ome.zarr", "day 1/b.tif"]
    assert (tmp_path / "out" / "day 1" / "a-labels.ome.zarr" / "zarr.json").exists()
    again = apply_to_files(model, [tmp_path / "in"], tmp_path / "in", recursive=True)
    assert [o.place for o in again] == ["day 1/a.ome.zarr", "day 1/b.tif"]
    once_more = apply_to_files(model, [tmp_path / "in"], tmp_path / "in", recursive=True)
    assert [o.status for o in once_more] == ["skipped", "skipped"]
