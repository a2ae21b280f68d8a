"""Run the code of all pages in this process: ``python page_runner.py FOLDER < blocks.json``.

Each language of a page has a folder of its own with the files that pages speak of. Its blocks run
one after the other, Python in one namespace, so that a block may use what an earlier one made.
Printed is a JSON list with what each block printed, and the trace of one that failed.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from roifile import ImagejRoi

import tdseg
from tdseg.cli import main

HEIGHT, WIDTH = 72, 80


def pixels(seed: int = 5) -> np.ndarray:
    """Return a dark left half and a bright right half, with noise."""
    image = np.random.default_rng(seed).integers(0, 60, (HEIGHT, WIDTH)).astype(np.uint8)
    image[:, WIDTH // 2 :] += 120
    return image


def strokes() -> np.ndarray:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:20, 5:15], labels[10:20, 50:60] = 1, 2
    return labels


def write_files(folder: Path) -> None:
    """Write what pages call ``cells.tif``, ``/data/cells``, ``/data/labelled``, and so on."""
    rois = []
    for group, x in enumerate((5, 50), start=1):
        roi = ImagejRoi.frompoints(np.array([[x, 10], [x + 10, 10], [x + 10, 20], [x, 20]]))
        roi.group = group
        rois.append(roi.tobytes())
    for name in ("cells.tif", "other.tif", "labelled/a.tif", "labelled/b.tif"):
        for path in (folder / name, folder / "data" / name):
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, pixels(), imagej=True, metadata={"Overlays": rois})
    for name in ("folder/c.tif", "folder/cells.tif", "data/cells/c.tif", "data/cells/day 1/c.tif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / name, pixels(6), imagej=True)
    (folder / "my_macro.ijm").write_text('print("from the macro");\n', encoding="utf-8")
    tifffile.imwrite(folder / "image.tif", pixels())
    write_zarr(folder / "data" / "slide.ome.zarr")
    settings = tdseg.Settings(features="classical", classical="gaussian")
    stack = tdseg.compute_features(pixels(), settings)
    named = {"axes": "ZYX", "Labels": stack.names}
    tifffile.imwrite(folder / "features0001.tif", stack.array, imagej=True, metadata=named)
    likely = np.stack([pixels() / 255, 1 - pixels() / 255]).astype(np.float32)
    tifffile.imwrite(
        folder / "probabilities.tif", likely, imagej=True, metadata={"axes": "CYX", "mode": "color"}
    )


def write_zarr(folder: Path) -> None:
    """Write an OME-Zarr of one plane."""
    import zarr

    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "yx"]
    steps = [{"type": "scale", "scale": [0.5, 0.5]}]
    described = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    attributes = {"ome": {"version": "0.5", "multiscales": [described]}}
    group = zarr.create_group(str(folder), zarr_format=3, attributes=attributes)
    plane = pixels(6)
    group.create_array("0", shape=plane.shape, dtype=plane.dtype)[:] = plane


def namespace() -> dict[str, Any]:
    """Return names that a page may use without having made them."""
    likely = np.stack([pixels() / 255, 1 - pixels() / 255]).astype(np.float32)
    return {
        "tdseg": tdseg,
        "strokes": strokes(),
        "image": tdseg.Image.from_array(pixels()),
        "probabilities": likely,
        "guide": pixels()[..., np.newaxis].astype(np.float32),
        "a": tdseg.Image.from_array(pixels()),
        "b": tdseg.Image.from_array(pixels(6)),
        "c": tdseg.Image.from_array(pixels(7)),
    }


@functools.cache
def trained() -> tdseg.Model:
    """Return the classifier of pages that speak of one that they did not train."""
    labels = tdseg.SparseLabels.from_label_image(strokes(), ["dark", "bright"])
    settings = tdseg.Settings(features="classical", trees=10, held_out=False)
    return tdseg.train([(pixels(), labels)], settings)


def in_folder(text: str, folder: Path) -> str:
    """Return code whose absolute paths, and those that ImageJ opens, lie in the folder."""
    text = re.sub(r"(?<=[\[\"' =])/(?=data/|folder/)", f"{folder.as_posix()}/", f" {text}")[1:]
    text = text.replace(f"{folder.as_posix()}/folder/features", f"{folder.as_posix()}/features")
    return re.sub(r'\bopen\("(?!/)', f'open("{folder.as_posix()}/', text)


CHEAP = {"trees": "10", "quality": "fast", "classifier": "random_forest", "held_out": "false"}


def cheaper(text: str) -> str:
    """Return code that trains ten trees on a few passes: what is tested is that it runs."""
    own = r"(?!.*(?:trees|quality)=)"
    text = re.sub(rf"tdseg\.Settings\({own}", 'tdseg.Settings(trees=10, quality="fast", ', text)
    return re.sub(r'(?<=run\("TDS Train)([^"]*", ")([^"]*)"', with_cheap_keys, text)


def with_cheap_keys(line: re.Match[str]) -> str:
    given = [f"{key}={value}" for key, value in CHEAP.items() if f"{key}=" not in line[2]]
    return f'{line[1]}{" ".join([line[2], *given])}"'


def run(block: dict[str, Any], names: dict[str, Any], folder: Path) -> None:
    if block["language"] == "python":
        code = compile(cheaper(in_folder(block["text"], folder)), block["place"], "exec")
        exec(code, names)
    elif block["language"] == "ijm":
        text = cheaper(in_folder(block["text"], folder))
        tdseg.imagej.start().run_macro("run('Close All');" + text)
    else:
        for words in block["commands"]:
            if words[0] == "train":
                options = {f"--{key.replace('_', '-')}": value for key, value in CHEAP.items()}
                words += [w for pair in options.items() if pair[0] not in words for w in pair]
            assert main([in_folder(f" {word}", folder)[1:] for word in words]) == 0, words


def run_all(blocks: list[dict[str, Any]], parent: Path) -> list[dict[str, str]]:
    write_files(parent / "files")
    told: list[dict[str, str]] = []
    names: dict[str, dict[str, Any]] = {}
    for block in blocks:
        folder = parent / f"{block['page'].replace('/', '-')}-{block['language']}"
        if not folder.is_dir():
            shutil.copytree(parent / "files", folder)
            made = [b["text"] for b in blocks if b["page"] == block["page"]]
            if not any("--model cells.tdseg" in text or "model.save" in text for text in made):
                trained().save(folder / "cells.tdseg")
        os.chdir(folder)
        printed, trace = io.StringIO(), ""
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                run(block, names.setdefault(block["page"], namespace()), folder)
            except BaseException:
                trace = traceback.format_exc()
        sys.stderr.write(f"{block['place']} {time.process_time():.1f}\n")
        told.append({"place": block["place"], "printed": printed.getvalue(), "trace": trace})
    return told


if __name__ == "__main__":
    print(json.dumps(run_all(json.load(sys.stdin), Path(sys.argv[1]))))
