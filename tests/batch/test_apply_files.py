import os

import numpy as np
import pytest
import tifffile
from batch_jobs import report, results

import tdseg
from tdseg.batch.apply_files import apply_to_files
from tdseg.errors import Cancelled, TdsegError


def test_results_equal_those_of_the_python_api(model, folder):
    outcomes = apply_to_files(model, sorted(folder.glob("*.tif")), folder / "out", output="both")
    assert [o.error for o in outcomes] == ["", "", ""]
    image = tdseg.read_image(folder / "b µ.tif")
    expected = tdseg.apply(model, image)
    labels = tifffile.imread(folder / "out" / "b µ-labels.tif")
    np.testing.assert_array_equal(labels, expected.labels[0, 0])
    found = tifffile.imread(folder / "out" / "b µ-probabilities.tif")
    np.testing.assert_array_equal(found, expected.probabilities[0, 0])


def test_uncertainty_is_written_as_one_channel(model, folder):
    (outcome,) = apply_to_files(model, [folder / "a.tif"], folder / "out", output="uncertainty")
    assert outcome.written == (folder / "out" / "a-uncertainty.tif",)
    image = tdseg.read_image(folder / "a.tif")
    found = tdseg.read_image(outcome.written[0])
    assert found.array.dtype == np.float32
    expected = tdseg.apply(model, image).uncertainty
    assert expected.max() > 0
    np.testing.assert_array_equal(found.array[:, :, 0], expected)


def test_one_bad_file_does_not_stop_the_rest(model, folder):
    (folder / "b µ.tif").write_bytes(b"not an image")
    outcomes = apply_to_files(model, sorted(folder.glob("*.tif")), folder / "out")
    assert [bool(o.error) for o in outcomes] == [False, True, False]
    assert "b µ.tif" in outcomes[1].error
    assert results(folder / "out") == ["a-labels.tif", "c-labels.tif"]
    rows = report(folder / "out")
    assert [row["status"] for row in rows] == ["written", "failed", "written"]
    assert "b µ.tif" in rows[1]["note"]


def test_existing_results_are_kept_unless_told(model, folder):
    out = folder / "out"
    out.mkdir()
    (out / "a-labels.tif").write_bytes(b"mine")
    files = [folder / "a.tif", folder / "c.tif"]
    skipped, written = apply_to_files(model, files, out)
    assert (skipped.skipped, written.skipped) == (True, False)
    refused, again = apply_to_files(model, files, out, existing="error")
    assert "existing=" in refused.error
    assert "existing=" in again.error
    assert (out / "a-labels.tif").read_bytes() == b"mine"
    replaced, _ = apply_to_files(model, files, out, existing="overwrite")
    assert replaced.written == (out / "a-labels.tif",)
    assert tifffile.imread(out / "a-labels.tif").shape == (20, 30)


def test_inputs_of_one_name_write_into_different_files(model, folder):
    (folder / "sub").mkdir()
    tifffile.imwrite(folder / "sub" / "a.tif", np.zeros((5, 5), np.uint8))
    tifffile.imwrite(folder / "sub" / "a.tiff", np.full((6, 6), 255, np.uint8))
    sources = [folder / "a.tif", folder / "sub" / "a.tif", folder / "sub" / "a.tiff"]
    outcomes = apply_to_files(model, sources, folder / "out")
    assert [o.error for o in outcomes] == [""] * 3
    for outcome in outcomes:
        (path,) = outcome.written
        expected = tdseg.apply(model, tdseg.read_image(outcome.source)).labels[0, 0]
        np.testing.assert_array_equal(tifffile.imread(path), expected)
    named = [o.written[0].relative_to(folder / "out").as_posix() for o in outcomes]
    assert named == ["a-labels.tif", "sub/a.tif-labels.tif", "sub/a.tiff-labels.tif"]


def test_two_results_of_one_name_are_refused_before_anything_is_written(model, folder):
    names = [folder / name for name in ("x.png.tif", "x.png", "x.tif")]
    for path in names:
        tifffile.imwrite(path, np.zeros((5, 5), np.uint8))
    with pytest.raises(TdsegError, match=r"would both write"):
        apply_to_files(
            model, [folder / "x.png.tif", folder / "x.png", folder / "x.tif"], folder / "out"
        )
    assert not (folder / "out").exists()
    with pytest.raises(TdsegError, match="suffix"):
        apply_to_files(
            model, [folder / "a.tif"], folder / "out", output="both", suffix="-probabilities"
        )


def test_cancelling_leaves_no_half_written_file(model, folder):
    class Stop:
        def __init__(self):
            self.calls = 0

        def update(self, fraction, message=""):
            self.calls += 1
            if fraction > 0.5:
                raise Cancelled()

        def note(self, message):
            pass

    with pytest.raises(Cancelled):
        apply_to_files(model, sorted(folder.glob("*.tif")), folder / "out", progress=Stop())
    assert results(folder / "out") == ["a-labels.tif"]
    assert [row["file"] for row in report(folder / "out")] == ["a.tif"]
    assert tifffile.imread(folder / "out" / "a-labels.tif").shape == (20, 30)


def test_of_two_results_only_the_missing_one_is_written(model, folder):
    out = folder / "out"
    out.mkdir()
    (out / "a-labels.tif").write_bytes(b"mine")
    (outcome,) = apply_to_files(model, [folder / "a.tif"], out, output="both", existing="skip")
    assert outcome.written == (out / "a-probabilities.tif",)
    assert (out / "a-labels.tif").read_bytes() == b"mine"
    (outcome,) = apply_to_files(model, [folder / "a.tif"], out, output="both", existing="skip")
    assert outcome.skipped
    (out / "c-probabilities.tif").write_bytes(b"mine")
    (outcome,) = apply_to_files(model, [folder / "c.tif"], out, output="both", existing="error")
    assert "c-probabilities.tif' exists" in outcome.error
    assert not (out / "c-labels.tif").exists()


@pytest.mark.parametrize("stem", ["x" * 238, os.fsdecode(b"gr\xf6\xdfe")])
def test_names_are_bytes_and_may_be_long(model, folder, stem):
    source = folder / f"{stem}.tif"
    try:
        source.write_bytes((folder / "a.tif").read_bytes())
    except (OSError, ValueError):
        pytest.skip("not a name on this file system")
    (outcome,) = apply_to_files(model, [source], folder / "out")
    assert outcome.error == ""
    expected = tdseg.apply(model, tdseg.read_image(source)).labels[0, 0]
    np.testing.assert_array_equal(tifffile.imread(outcome.written[0]), expected)
    (outcome,) = apply_to_files(model, [source], folder / "out", output="probabilities")
    if len(stem) > 200:  # 257 bytes with "-probabilities.tif"
        assert "too long a name" in outcome.error
    else:
        assert outcome.error == ""
