"""Users of the command line read of options, users of macros of keys and menu entries."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tdseg.cli import main
from tdseg.commands.table import BY_NAME
from tdseg.commands.terminal_words import with_options

KEYS = BY_NAME["TDS Train..."].keys


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("use class_from=group, or", "use --class-from group, or"),
        ("for example channels=1,2.", "for example --channels 1,2."),
        ("give the file with weights=[path] or", "give the file with --weights path or"),
        ("choose them with levels=, for", "choose them with --levels, for"),
        ("wins (overlap=last).", "wins (--overlap last)."),
        ("as in weights=random:0.", "as in --weights random:0."),
        ("name it with image=[title]", "name it with image=[title]"),  # no key of this command
        ("Key 'trees': '0' is not valid", "Key 'trees': '0' is not valid"),
        ("'trees=5' is a file", "'trees=5' is a file"),
        ("/data/trees=5/a.tif", "/data/trees=5/a.tif"),
    ],
)
def test_keys_become_options(written: str, read: str) -> None:
    assert with_options(written, KEYS) == read


def failing(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "TDS " not in said
    assert not re.search(r"\b[a-z_]+=(\[|[a-z])", said), said
    return said


def test_the_advice_of_the_command_line_works_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, drawn, model = (str(tmp_path / n) for n in ("image.tif", "drawn.tif", "m.tdseg"))
    ramp = np.tile(np.arange(0, 240, 6, dtype=np.uint8), (30, 1))
    labels = np.zeros_like(ramp)
    labels[2:20, 2:8], labels[2:20, 30:36] = 1, 2
    tifffile.imwrite(image, ramp)
    tifffile.imwrite(drawn, labels)
    fast = ["--features", "classical", "--trees", "5", "--held-out", "false"]
    train = ["train", image, "--model", model, *fast]
    assert "use --labels image for a label image" in failing(capsys, *train)
    train += ["--labels", "image"]
    assert "name it with --pattern, where * stands for" in failing(capsys, *train)
    tifffile.imwrite(tmp_path / "image-drawn.tif", labels)
    assert main([*train, "--pattern", "*-drawn.tif"]) == 0
    Path(model).unlink()
    assert "give one --labels-path an image" in failing(
        capsys, *train, "--labels-path", drawn, drawn
    )
    train += ["--labels-path", drawn]
    assert "0 for all" in failing(capsys, *train, "--samples", "1")
    assert main([*train, "--samples", "0"]) == 0
    assert "choose another name, or --existing overwrite" in failing(capsys, *train)
    assert main([*train, "--existing", "overwrite"]) == 0
    empty = str(tmp_path / "empty.tif")
    tifffile.imwrite(empty, np.zeros_like(labels))
    assert "draw labels of 1 and more" in failing(
        capsys, *train[:-1], empty, "--existing", "overwrite"
    )
    tifffile.imwrite(
        str(tmp_path / "two.tif"), np.stack([ramp, ramp]), imagej=True, metadata={"axes": "CYX"}
    )
    apply = ["apply", model, str(tmp_path / "two.tif"), "--output-folder", str(tmp_path / "out")]
    assert "for example --channels 1." in failing(capsys, *apply)
    assert main([*apply, "--channels", "1"]) == 0
    # Notes, too.
    capsys.readouterr()
    assert main([*train, "--existing", "overwrite", "--samples", "10"]) == 0
    assert "(--samples 10)" in capsys.readouterr().err
