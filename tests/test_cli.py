import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.cli import main
from tdseg.samples import case_folders
from tdseg.samples.case_folders import case_of_cells

FAST = ["--features", "classical", "--trees", "10", "--held-out", "false"]


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    pixels = np.concatenate([rng.integers(0, 90, (30, 20)), rng.integers(150, 255, (30, 20))], 1)
    labels = np.zeros((30, 40), np.uint8)
    labels[5:20, 3:8], labels[5:20, 30:35] = 1, 2
    tifffile.imwrite(tmp_path / "cells.tif", pixels.astype(np.uint8), imagej=True)
    tifffile.imwrite(tmp_path / "labels.tif", labels, imagej=True)
    return tmp_path


def train(files, *more):
    return main(
        [
            "train",
            str(files / "cells.tif"),
            "--labels=image",
            "--labels-path",
            str(files / "labels.tif"),
            "--model",
            str(files / "c.tdseg"),
            *FAST,
            *more,
        ]
    )


def test_train_and_apply(files, capsys):
    assert train(files, "--classes", "dark,bright") == 0
    model = tdseg.load(files / "c.tdseg")
    assert model.class_names == ("dark", "bright")
    assert model.settings.trees == 10
    out = files / "out"
    arguments = ["apply", str(files / "c.tdseg"), str(files / "cells.tif")]
    assert main([*arguments, "--output-folder", str(out)]) == 0
    found = tifffile.imread(out / "cells-labels.tif")
    assert (found[:, :18] == 1).mean() > 0.9
    assert (found[:, 22:] == 2).mean() > 0.9
    assert main([*arguments, "--output-folder", str(out)]) == 0
    assert "skipped" in capsys.readouterr().out


def test_a_failed_file_is_told_and_the_status_is_1(files, capsys):
    train(files)
    (files / "bad.tif").write_bytes(b"nothing")
    arguments = ["apply", str(files / "c.tdseg"), str(files / "bad.tif"), str(files / "cells.tif")]
    assert main([*arguments, "--output-folder", str(files / "out")]) == 1
    assert "bad.tif" in capsys.readouterr().err
    assert (files / "out" / "cells-labels.tif").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["apply", "none.tdseg", "x.tif", "--output-folder", "out"], ["none.tdseg"]),
        (["run", "none.ijm"], ["none.ijm"]),
        (["train", "none.tif", "--model", "m.tdseg"], ["none.tif"]),
    ],
)
def test_mistakes_are_one_sentence(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in words)


def test_values_are_checked_as_in_macros(files, capsys):
    assert train(files, "--features", "deeep") == 1
    assert "'hybrid', 'deep', 'classical'" in capsys.readouterr().err
    assert not (files / "c.tdseg").exists()


def test_a_classifier_is_not_overwritten(files, capsys):
    assert train(files) == 0
    content = (files / "c.tdseg").read_bytes()
    assert train(files) == 1
    assert "overwrite" in capsys.readouterr().err
    assert (files / "c.tdseg").read_bytes() == content


def test_status_names_backbone_and_versions(capsys):
    assert main(["status", "--backbone", "offline"]) == 0
    printed = capsys.readouterr().out
    assert "backbone: efficientnet_lite0" in printed
    assert f"tdseg: {tdseg.__version__}" in printed


def test_segmenting_without_labels_makes_a_classifier(files, capsys):
    arguments = ["segment", str(files / "cells.tif"), "--output-folder", str(files / "out")]
    arguments += ["--clusters", "2", "--features", "classical", "--model", str(files / "k.tdseg")]
    assert main(arguments) == 0
    labels = tifffile.imread(files / "out" / "cells-labels.tif")
    applied = tdseg.apply(tdseg.load(files / "k.tdseg"), tdseg.read_image(files / "cells.tif"))
    np.testing.assert_array_equal(applied.labels[0, 0], labels)


def test_stars_are_expanded_where_the_shell_does_not(files, capsys):
    train(files)
    arguments = ["apply", str(files / "c.tdseg"), str(files / "cel*.tif")]
    assert main([*arguments, "--output-folder", str(files / "out")]) == 0
    assert (files / "out" / "cells-labels.tif").exists()
    arguments[-1] = str(files / "none*.tif")
    assert main([*arguments, "--output-folder", str(files / "out")]) == 1
    assert "No file matches" in capsys.readouterr().err


def test_a_name_without_extension_is_not_overwritten_either(files, capsys):
    assert train(files) == 0
    content = (files / "c.tdseg").read_bytes()
    arguments = ["train", str(files / "cells.tif"), "--labels=image", "--labels-path"]
    arguments += [str(files / "labels.tif"), "--model", str(files / "c"), *FAST]
    assert main(arguments) == 1
    assert (files / "c.tdseg").read_bytes() == content


def test_inputs_are_never_overwritten(files, capsys):
    train(files)
    content = (files / "cells.tif").read_bytes()
    (files / "cells-labels.tif").write_bytes(content)
    arguments = ["apply", str(files / "c.tdseg"), str(files / "cells.tif")]
    arguments += [str(files / "cells-labels.tif"), "--output-folder", str(files)]
    assert main([*arguments, "--existing", "overwrite"]) == 1
    assert "would be overwritten" in capsys.readouterr().err
    assert (files / "cells-labels.tif").read_bytes() == content


def test_targets_are_checked_before_the_work(files, capsys, monkeypatch):
    def refuse(*_):
        raise AssertionError("work began")

    monkeypatch.setattr("tdseg.images.image_files.read_image", refuse)
    monkeypatch.setattr("tdseg.batch.train_files.read_image", refuse)
    monkeypatch.setattr("tdseg.batch.segment_files.read_image", refuse)
    image, missing = str(files / "cells.tif"), str(files / "nofolder" / "x")
    (files / "file").write_text("")
    lines = [
        ["train", image, "--model", missing, *FAST],
        ["segment", image, "--output-folder", str(files / "out"), "--model", missing],
        ["segment", image, "--output-folder", str(files / "file" / "out")],
        ["refine", image, image, "--output", missing],
    ]
    for line in lines:
        assert main(line) == 1, line
        message = capsys.readouterr().err
        assert "does not exist" in message or "is a file" in message, message
    line = ["segment", image, "--output-folder", missing, "--method", "attention"]
    assert main([*line, "--model", str(files / "c.tdseg")]) == 1
    assert "gives no classifier" in capsys.readouterr().err
    assert not (files / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_sigterm_leaves_no_unfinished_file(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tdseg import __main__, cli\nfrom tdseg.runtime.files import write_file\n"
        "def write(part):\n"
        "    part.write_text('half')\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "cli.main = lambda: write_file(Path(sys.argv[1]), write)\n"
        "__main__.entry()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a.txt")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_every_command_that_writes_takes_the_same_three_choices(files, capsys):
    assert train(files) == 0
    image, out = str(files / "cells.tif"), str(files / "out")
    stack = str(files / "out" / "cells-probabilities.tif")
    to_out = ["--output-folder", out]
    segment = ["segment", image, *to_out, "--clusters", "2", "--features", "classical"]
    lines = {
        "c.tdseg": [
            "train",
            image,
            "--model",
            str(files / "c.tdseg"),
            *FAST,
            "--labels=image",
            "--labels-path",
            str(files / "labels.tif"),
        ],
        "out/cells-probabilities.tif": [
            "apply",
            str(files / "c.tdseg"),
            image,
            *to_out,
            "--output=probabilities",
        ],
        "out/cells-labels.tif": segment,
        "k.tdseg": [*segment, "--model", str(files / "k.tdseg")],
        "r.tif": ["refine", stack, image, "--output", str(files / "r.tif")],
    }
    for name, line in lines.items():
        path = files / name
        if name == "k.tdseg":
            (files / "out/cells-labels.tif").unlink()
        if not path.exists():
            assert main(line) == 0, name
        path.write_bytes(b"mine")
        capsys.readouterr()
        assert main([*line, "--existing=error"]) == 1, name
        assert "exists" in capsys.readouterr().err
        assert main([*line, "--existing=skip"]) == 0, name
        assert "exist" in capsys.readouterr().out
        assert path.read_bytes() == b"mine", name
        assert main([*line, "--existing=overwrite"]) == 0, name
        assert path.stat().st_size > 1000, name
        capsys.readouterr()
        assert main([*line, "--existing=maybe"]) == 1
        assert "'skip', 'overwrite', 'error'" in capsys.readouterr().err


def test_of_labels_and_classifier_the_missing_one_is_written(files, capsys):
    line = ["segment", str(files / "cells.tif"), "--output-folder", str(files / "out")]
    line += ["--clusters", "2", "--features", "classical", "--existing=skip"]
    assert main(line) == 0
    labels = (files / "out" / "cells-labels.tif").read_bytes()
    line += ["--model", str(files / "k.tdseg")]
    assert main(line) == 0
    assert (files / "out" / "cells-labels.tif").read_bytes() == labels
    assert tdseg.load(files / "k.tdseg").class_values
    model = (files / "k.tdseg").read_bytes()
    (files / "out" / "cells-labels.tif").unlink()
    assert main(line) == 0
    assert (files / "out" / "cells-labels.tif").read_bytes() == labels
    assert (files / "k.tdseg").read_bytes() == model


def test_notes_of_both_files_are_told_when_refining(files, capsys):
    assert train(files) == 0
    out = ["--output-folder", str(files / "out"), "--output=probabilities"]
    assert main(["apply", str(files / "c.tdseg"), str(files / "cells.tif"), *out]) == 0
    pixels = tifffile.imread(files / "cells.tif")
    with tifffile.TiffWriter(files / "two.tif") as writer:
        for page in (pixels, pixels[:9]):
            writer.write(page, metadata=None, photometric="minisblack")
    capsys.readouterr()
    stack = str(files / "out" / "cells-probabilities.tif")
    line = ["refine", stack, str(files / "two.tif"), "--output", str(files / "r.tif")]
    assert main(line) == 0
    printed = capsys.readouterr()
    assert "2 images of different sizes" in printed.out + printed.err


def test_samples_are_written_and_the_macro_that_uses_them_is_named(tmp_path, capsys, monkeypatch):
    few = partial(case_of_cells, labelled=1, unseen=1, size=64)
    monkeypatch.setitem(case_folders.CASES, "cells", few)
    assert main(["samples", "cells", "--output-folder", str(tmp_path / "new" / "cells")]) == 0
    printed = capsys.readouterr().out
    assert "2 images are in" in printed
    macro = next(line.strip() for line in printed.splitlines() if line.endswith(".ijm"))
    assert Path(macro).is_file()
    assert (tmp_path / "new" / "cells" / "labelled" / "cell-01.tif").is_file()
