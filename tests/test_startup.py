"""What is loaded when, told by ``sys.modules`` of processes of their own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile

import tdseg

HEAVY = ("torch", "timm", "torchvision", "sklearn", "scipy", "numba", "jpype", "scyjava", "skimage")

WATCH = """
import atexit, json, os, sys
from tdseg.cli import main
try:
    status = main({arguments!r})
except SystemExit as end:
    status = end.code
print(json.dumps([status, sorted(sys.modules)]))
sys.stdout.flush()
os._exit(0)
"""


def python(code, **keywords):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **keywords)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(*arguments):
    """Run the command line; return its exit status and the packages that it loaded."""
    output = python(WATCH.format(arguments=[str(a) for a in arguments]))
    status, modules = json.loads(output.splitlines()[-1])
    return status, {name.split(".")[0] for name in modules} | set(modules)


def test_importing_tdseg_loads_nothing_heavy():
    modules = python("import sys, tdseg; dir(tdseg); print(*sys.modules)").split()
    assert "tdseg" in modules
    assert not {*HEAVY, "numpy"} & set(modules)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["train", "--help"], 0),
        (["--version"], 0),
        (["aply"], 2),
        (["apply", "m.tdseg", "i.tif", "--output-folder", "o", "--devize", "cpu"], 2),
        (["status", "--device", "gpu9"], 1),
        (["run", "no-such.ijm"], 1),
    ],
)
def test_help_and_usage_errors_load_nothing_heavy(arguments, status):
    found, modules = loaded_by(*arguments)
    assert found == status
    assert not {*HEAVY, "numpy"} & modules


def test_a_macro_that_trains_nothing_loads_only_java(tmp_path):
    macro = tmp_path / "m.ijm"
    macro.write_text('run("TDS Set Classes...", "classes=[a,b]"); print(6 * 7);')
    status, modules = loaded_by("run", macro)
    assert status == 0
    assert "jpype" in modules
    assert not set(HEAVY) - {"jpype", "scyjava"} & modules


def train_small(path, classifier="random_forest"):
    """Train a classical classifier and save it."""
    pixels = np.random.default_rng(0).integers(0, 255, (24, 30)).astype(np.uint8)
    marks = np.zeros(pixels.shape, np.uint8)
    marks[2:8, 2:8], marks[12:20, 12:20] = 1, 2
    options = tdseg.Settings(features="classical", classifier=classifier, trees=5, held_out=False)
    labels = tdseg.SparseLabels.from_label_image(marks)
    model = tdseg.train([(tdseg.Image.from_array(pixels, axes="YX"), labels)], options)
    model.save(path)


@pytest.mark.parametrize("kind", ["random_forest", "logistic_regression"])
def test_applying_a_classical_model_loads_no_network_and_no_java(tmp_path, kind):
    train_small(tmp_path / "m.tdseg", classifier=kind)
    pixels = np.zeros((24, 30), np.uint8)
    tifffile.imwrite(tmp_path / "i.tif", pixels)
    status, modules = loaded_by(
        "apply", tmp_path / "m.tdseg", tmp_path / "i.tif", "--output-folder", tmp_path / "out"
    )
    assert status == 0
    assert (tmp_path / "out" / "i-labels.tif").exists()
    assert not {"torch", "timm", "torchvision", "sklearn", "jpype", "scyjava"} & modules


def test_the_public_names_are_there_and_are_what_they_say():
    for name in tdseg.__all__:
        assert getattr(tdseg, name) is not None
    assert set(dir(tdseg)) == set(tdseg.__all__)
    from tdseg.classifiers.model import load
    from tdseg.workflow.apply import Result, apply
    from tdseg.workflow.train import train

    assert (tdseg.train, tdseg.apply, tdseg.load, tdseg.Result) == (train, apply, load, Result)
    assert callable(tdseg.imagej.start)
    with pytest.raises(AttributeError, match="trian"):
        _ = tdseg.trian


def test_the_version_is_the_installed_one_and_printed():
    done = subprocess.run(
        [sys.executable, "-m", "tdseg", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"tdseg {tdseg.__version__}\n"


INTERRUPTED = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["tdseg", "status"]
from tdseg.__main__ import entry
entry()
"""


@pytest.mark.parametrize("module", ["tdseg.cli", "tdseg.options.settings", "numpy", "torch"])
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process")
def test_ctrl_c_while_importing_ends_with_130_and_one_line(module):
    command = [sys.executable, "-c", INTERRUPTED.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tdseg: Stopped.\n")


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no UTF-8")
@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", [rb"gr\xf6\xdfe", b"\xe9t\xe9"]),
        ("cp1252", [b"gr\xf6\xdfe", b"\xe9t\xe9"]),
        ("utf-8", ["größe".encode(), b"\xe9t\xe9"]),
    ],
)
def test_names_are_printed_whatever_the_encoding(tmp_path, encoding, printed):
    folder = os.fsencode(tmp_path)
    names = ["größe".encode(), b"\xe9t\xe9"]  # the second is Latin-1, as on an old disk
    inputs = []
    for k, name in enumerate(names):
        os.mkdir(os.path.join(folder, name))
        tifffile.imwrite(tmp_path / "i.tif", np.zeros((9, 9), np.uint8))
        inputs.append(os.path.join(folder, name, b"i%d.tif" % k))
        os.rename(tmp_path / "i.tif", inputs[-1])
    code = "import sys; from tdseg.__main__ import entry; sys.argv[0] = 'tdseg'; entry()"
    model = tmp_path / "m.tdseg"
    train_small(model)
    command = [sys.executable, "-c", code, "apply", str(model), *inputs]
    done = subprocess.run(
        [*command, "--output-folder", os.path.join(folder, names[0])],
        capture_output=True,
        timeout=300,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    for k, name in enumerate(printed):
        assert name + b"/i%d.tif" % k in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no UTF-8")
@pytest.mark.parametrize("more", [{}, {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}])
def test_any_name_can_be_trained_on_saved_and_applied_in_the_c_locale(tmp_path, more):
    folder = os.path.join(os.fsencode(tmp_path), "größe".encode())
    os.mkdir(folder)
    image, model = os.path.join(folder, b"z\xe9lle.tif"), os.path.join(folder, b"\xe9.tdseg")
    labels = os.path.join(folder, b"\xe9t\xe9.tif")
    pixels = np.random.default_rng(0).integers(0, 99, (20, 20), np.uint8)
    pixels[10:] += 100
    for path, array in ((image, pixels), (labels, np.uint8(1) + (pixels > 99))):
        tifffile.imwrite(tmp_path / "i.tif", array)
        os.rename(tmp_path / "i.tif", path)
    code = "import sys; from tdseg.__main__ import entry; sys.argv[0] = 'tdseg'; entry()"
    fast = ["--features=classical", "--classical=gaussian", "--trees=3", "--held-out=false"]
    lines = [
        ["train", image, "--labels=image", "--labels-path", labels, "--model", model, *fast],
        ["apply", model, image, "--output-folder", folder, "--output=both"],
        ["refine", image[:-4] + b"-probabilities.tif", image, "--output", folder + b"/r.tif"],
        [
            "segment",
            image,
            "--output-folder",
            folder + b"/s",
            *fast[:2],
            "--model",
            model,
            "--existing=overwrite",
        ],
    ]
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-c", code, *line],
            capture_output=True,
            timeout=300,
            env={**os.environ, "LC_ALL": "C", **more},
        )
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
    found = tifffile.imread(os.fsdecode(image[:-4] + b"-labels.tif"))
    assert (found == 1 + (pixels > 99)).mean() > 0.95
    assert tdseg.load(os.fsdecode(model)).summary["images"] == ["z\ufffdlle.tif"]
