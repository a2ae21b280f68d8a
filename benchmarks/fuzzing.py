"""Inputs that are wrong in thousands of ways: a correct result or one sentence, nothing else.

    python benchmarks/fuzzing.py options|rois|classifiers [--cases 3000] [--seed 0]

``options``: option strings of all commands, made of their keys, of valid and impossible values,
and cut, swapped and filled with odd characters. What is accepted is written by the Recorder and
must read back the same. ``rois``: ROI files and RoiSets of every kind, with bytes changed, cut,
repeated, and numbers set to extremes; what is accepted is drawn on a small image and labels some
pixel. ``classifiers``: ``.tdseg`` files changed as bytes, and in their members with their checksums
made right again: header values of other types and sizes, arrays of other shapes, names that lead
out of the folder, bombs; what is accepted is applied, and gives known label values.

Counted as wrong: an error that is no sentence, more than `MOST_SECONDS` or `MOST_MEMORY` for a
case, and anything that Python's audit hooks tell of while a case runs: programs started,
connections, pickles, and files written outside the working folder. A wrong case is kept in
``--keep``.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import signal
import string
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from roifile import ROI_TYPE, ImagejRoi

import tdseg
from tdseg.commands.parsing import format_options, parse_options
from tdseg.commands.table import COMMANDS
from tdseg.errors import TdsegError
from tdseg.labels.roi_files import labels_from_roi_file

MOST_SECONDS = 20
MOST_MEMORY = 2 << 30  # bytes above the start

_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen")
_FORBIDDEN += ("pickle.find_class", "socket.connect", "socket.getaddrinfo", "ctypes.dlopen")
_told: list[str] = []
_watching: list[str] = []  # the working folder, while a case runs


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what no input may bring about."""
    if not _watching:
        return
    if event.startswith(_FORBIDDEN):
        _told.append(f"{event} {arguments!r:.100}")
    elif event == "open" and isinstance(arguments[0], str):
        mode, flags = arguments[1], arguments[2]
        writes = any(letter in str(mode or "") for letter in "wax+") or flags & 0o3
        if writes and not _allowed(arguments[0]):
            _told.append(f"write {arguments[0]}")
    elif event in ("os.rename", "os.remove", "os.mkdir", "os.link", "os.symlink"):
        paths = [str(a) for a in arguments if isinstance(a, (str, Path))]
        if not all(map(_allowed, paths)):
            _told.append(f"{event} {paths}")


def _allowed(path: str) -> bool:
    """Tell whether a case may write here: its folder, and what compiled code is kept in."""
    return path.startswith((*_watching, "/dev/null")) or "__pycache__" in path


def too_long(*_: object) -> None:
    raise TimeoutError(f"more than {MOST_SECONDS} s")


def tried(case: Callable[[], None], folder: Path) -> str:
    """Run a case; return "right", "refused", or what was wrong."""
    _told.clear()
    signal.alarm(MOST_SECONDS)
    _watching.append(str(folder))
    try:
        case()
        found = "right"
    except TdsegError as error:
        found = "refused"
        if "\n" in str(error) or not str(error).strip():
            found = f"no sentence: {error!r}"
    except BaseException as error:
        found = f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        _watching.clear()
    return f"forbidden: {_told[0]}" if _told else found


# --- options ---------------------------------------------------------------------------------

ODD = [
    *string.printable,
    "[",
    "]",
    "=",
    "\\",
    "\0",
    "\x1b",
    "\u202e",
    "µ",
    "\ud800",
    "🦠",
    "\u2028",
]


def option_value(key: Any, rng: random.Random) -> str:
    """Return a value as a user may write it, valid or not."""
    valid = [str(key.default), key.example, *key.all_choices, *key.words]
    numbers = [
        str(key.minimum),
        str(key.maximum),
        "-1",
        "0",
        "1e999",
        "nan",
        "inf",
        "1_0",
        "٣",
        "0x1",
    ]
    texts = ["", "true", "false", "/x y/z", "../..", "a" * 5000, "%s%n", "$(id)", "`id`", "'; drop"]
    noise = "".join(rng.choices(ODD, k=rng.randint(0, 30)))
    return rng.choice([rng.choice(valid), rng.choice(numbers), rng.choice(texts), noise])


def option_case(rng: random.Random, folder: Path) -> tuple[Callable[[], None], bytes]:
    command = rng.choice(COMMANDS)
    parts = []
    for key in rng.choices(command.keys, k=rng.randint(0, 6)) if command.keys else ():
        value = option_value(key, rng)
        parts.append(rng.choice([f"{key.name}=[{value}]", f"{key.name}={value}", key.name]))
    text = " ".join(parts)
    for _ in range(rng.randint(0, 3)):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(["", *ODD]) + text[at + rng.randint(0, 2) :]

    def case() -> None:
        values = parse_options(text, command.keys, command.name)
        line = format_options(values, command.keys)
        again = parse_options(line, command.keys, command.name)
        assert repr(again) == repr(values), f"{line!r} reads back as {again}"

    return case, text.encode("utf-8", "surrogatepass")


# --- ROIs ------------------------------------------------------------------------------------


def rois() -> list[bytes]:
    """Return a file of every kind that roifile writes."""
    points = np.array([[5, 5], [30, 6], [28, 25], [8, 30]])
    found = []
    for kind in (kind for kind in ROI_TYPE if 0 <= kind <= 255):
        roi = ImagejRoi.frompoints(points + 0.5, name="one", position=1)
        roi.roitype, roi.group = kind, 1
        found.append(roi.tobytes())
    whole = ImagejRoi.frompoints(points, name="two", c=1, z=1, t=1)
    whole.group, whole.stroke_width = 2, 3
    return [*found, whole.tobytes()]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Change bytes, cut, repeat, or set a number to an extreme."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(max(len(data), 1))
        kind = rng.random()
        if kind < 0.5 and data:
            data[at] = rng.randrange(256)
        elif kind < 0.75:
            extreme = rng.choice([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
            size = rng.choice([2, 4])
            order = rng.choice(["big", "little"])
            data[at : at + size] = (extreme & (256**size - 1)).to_bytes(size, order)
        elif kind < 0.85:
            del data[at:]
        else:
            data[at:at] = data[at : at + rng.randint(1, 64)] * rng.randint(1, 4)
    return bytes(data)


def roi_case(rng: random.Random, folder: Path) -> tuple[Callable[[], None], bytes]:
    whole = rois()
    if rng.random() < 0.6:
        content, name = mutated(rng.choice(whole), rng), "one.roi"
    else:
        packed = io.BytesIO()
        with zipfile.ZipFile(
            packed, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
        ) as z:
            for k in range(rng.randint(0, 5)):
                member = rng.choice(
                    [f"{k}.roi", "../../x.roi", "/etc/x.roi", "a/b.roi", "x.txt", "µ\n.roi"]
                )
                data = rng.choice(whole)
                z.writestr(member, mutated(data, rng) if rng.random() < 0.7 else data)
        content, name = packed.getvalue(), "set.zip"
        if rng.random() < 0.4:
            content = mutated(content, rng)
    path = folder / name

    def case() -> None:
        path.write_bytes(content)
        labels = labels_from_roi_file(path, (2, 2, 48, 64)).to_label_image()
        assert labels.shape == (2, 2, 48, 64)
        assert labels.any(), "accepted, but nothing is labelled"

    return case, content


# --- classifiers -----------------------------------------------------------------------------

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1,
    2**31,
    2**63,
    1e308,
    "",
    "x",
    "../../x",
    "a" * 9999,
    [],
    {},
]
VALUES += [[[]], [None], ["../x"], {"x": 1}, "\0", "\ud800", "__import__('os').system('id')"]


def classifiers(folder: Path) -> list[bytes]:
    """Return small classifiers of each kind."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (24, 32)).astype(np.uint8)
    labels = np.zeros((24, 32), np.uint8)
    labels[4:20, 2:8], labels[4:20, 20:28] = 1, 2
    found = []
    for kind in ("random_forest", "logistic_regression", "mean"):
        settings = tdseg.Settings(
            features="classical", classifier=kind, trees=5, sigma_max=2, held_out=False
        )
        path = tdseg.train([(pixels, labels)], settings).save(folder / f"{kind}.tdseg")
        found.append(path.read_bytes())
    return found


def changed_header(value: Any, rng: random.Random) -> Any:
    """Change one value somewhere inside."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        copy = dict(value)
        what = rng.random()
        if what < 0.1:
            del copy[key]
        elif what < 0.2:
            copy[rng.choice(["x", "../x", "__class__", "settings"])] = rng.choice(VALUES)
        else:
            copy[key] = changed_header(value[key], rng)
        return copy
    if isinstance(value, list) and value and rng.random() < 0.7:
        copy_ = list(value)
        at = rng.randrange(len(copy_))
        copy_[at] = changed_header(copy_[at], rng)
        return copy_ * rng.choice([1, 1, 1, 2])
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.5:
        return rng.choice([value + 1, -value, value * 1e9, float("nan"), float("inf")])
    return rng.choice(VALUES)


def changed_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Change values, shape or type."""
    what = rng.random()
    if what < 0.4 and array.size:
        copy = array.copy()
        extreme = [0, 1, -1, 2**15, 2**31 - 1, -(2**31), 2**62]
        if array.dtype.kind == "f":
            extreme += [np.nan, np.inf, 1e300]
        with np.errstate(all="ignore"):
            flat = copy.reshape(-1)
            where = [rng.randrange(array.size) for _ in range(rng.choice([1, 3, 50]))]
            flat[where] = np.asarray(rng.choice(extreme)).astype(array.dtype)
        return copy
    if what < 0.55:
        return array[: rng.randint(0, len(array))] if array.ndim else array.reshape(1)
    if what < 0.7:
        return np.concatenate([array, array]) if array.ndim else array
    if what < 0.85:
        with np.errstate(all="ignore"):
            return array.astype(rng.choice(["f4", "f8", "i1", "i8", "u2", "c8", "S3", "?"]))
    return array.reshape(rng.choice([(1, -1), (-1, 1)])) if array.size else array


def rewritten(content: bytes, rng: random.Random) -> bytes:
    """Change members of a classifier; the archive is whole again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    arrays = dict(np.load(io.BytesIO(members["arrays.npz"])))
    header = json.loads(members["header.json"])
    if rng.random() < 0.6:
        header = changed_header(header, rng)
    if rng.random() < 0.5 and arrays:
        name = rng.choice(list(arrays))
        if rng.random() < 0.1:
            arrays["../" + name] = arrays.pop(name)
        else:
            arrays[name] = changed_array(arrays[name], rng)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    members = {
        "header.json": json.dumps(header).encode("utf-8", "replace"),
        "arrays.npz": packed.getvalue(),
    }
    if rng.random() < 0.1:
        members[rng.choice(["../../evil.py", "/tmp/evil.py", "x.pkl", "a/../../b"])] = b"x"
    if rng.random() < 0.03:
        members[rng.choice(list(members))] = bytes(1 << 27)  # deflated to 130 kB
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def classifier_case(rng: random.Random, folder: Path) -> tuple[Callable[[], None], bytes]:
    if not _classifiers:
        _classifiers.extend(classifiers(folder))
    whole = rng.choice(_classifiers)
    content = mutated(whole, rng) if rng.random() < 0.4 else rewritten(whole, rng)
    path = folder / "case.tdseg"

    def case() -> None:
        path.write_bytes(content)
        model = tdseg.load(path)
        found = tdseg.apply(model, _image)
        values = {int(value) for value in found.class_values}
        assert set(np.unique(found.labels).tolist()) <= values, "a label of no class"
        assert np.isfinite(found.probabilities).all(), "probabilities are not finite"
        path.with_name("again.tdseg").unlink(missing_ok=True)
        model.save(path.with_name("again.tdseg"))

    return case, content


_classifiers: list[bytes] = []
_image = np.random.default_rng(1).integers(0, 255, (24, 32)).astype(np.uint8)
CASES = {"options": option_case, "rois": roi_case, "classifiers": classifier_case}


def main() -> None:
    """Try the cases of one kind; print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=tuple(CASES))
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("wrong-cases"))
    options = parser.parse_args()
    sys.addaudithook(hear)
    signal.signal(signal.SIGALRM, too_long)
    make, counts = CASES[options.what], Counter[str]()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(random.Random(-1), folder)[0]  # trains
        if options.what == "classifiers":  # compiles and imports before anything is watched
            import timm  # noqa: F401

            for k, content in enumerate(_classifiers):
                (folder / f"{k}.tdseg").write_bytes(content)
                tdseg.apply(tdseg.load(folder / f"{k}.tdseg"), _image)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(options.cases):
            case, content = make(random.Random(f"{options.seed} {number}"), folder)
            began = time.perf_counter()
            found = tried(case, folder)
            slowest = max(slowest, time.perf_counter() - began)
            counts[found if found in ("right", "refused") else "wrong"] += 1
            if found not in ("right", "refused"):
                options.keep.mkdir(exist_ok=True)
                (options.keep / f"{options.what}-{number}").write_bytes(content)
                print(f"{options.what} {number}: {found:.300}")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(
        f"{options.cases} cases: {counts['refused']} refused with a sentence, {counts['right']} "
        f"right, {counts['wrong']} wrong; slowest {slowest:.1f} s, memory grew by "
        f"{grown / 2**20:.0f} MiB"
    )
    sys.exit(1 if counts["wrong"] or grown > MOST_MEMORY else 0)


if __name__ == "__main__":
    main()
