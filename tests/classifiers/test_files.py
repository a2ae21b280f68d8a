"""Files of earlier versions keep their labels; files that were tampered with are refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.classifiers.storage import read_archive, write_archive
from tdseg.errors import TdsegError

DATA = Path(__file__).resolve().parents[1] / "data" / "classifiers"


@pytest.mark.parametrize("name", ["classical_forest", "hybrid_logistic"])
def test_files_of_version_0_1_give_the_labels_that_they_gave(name):
    """The labels beside them were made by the version that saved them."""
    model = tdseg.load(DATA / f"{name}.tdseg")
    image = tdseg.Image.from_array(tifffile.imread(DATA / "image.tif"), name="mosaic")
    labels = tdseg.apply(model, image).labels[0, 0]
    np.testing.assert_array_equal(labels, tifffile.imread(DATA / f"{name}_labels.tif"))
    assert model.class_names == ("bark", "straw")


CHANGES = {
    "same value twice": (lambda h: h["classes"][1].update(value=2), "come twice"),
    "value 0": (lambda h: h["classes"][0].update(value=0), "1 to 65535"),
    "value 70000": (lambda h: h["classes"][0].update(value=70000), "1 to 65535"),
    "value true": (lambda h: h["classes"][0].update(value=True), "1 to 65535"),
    "one class more": (
        lambda h: h["classes"].append({"value": 9, "name": "x"}),
        "3 classes, its classifier has",
    ),
    "a feature less": (lambda h: h["features"].pop(), "its classifier has"),
    "name is a number": (lambda h: h["classes"][0].update(name=3), "no text"),
    "name of lines": (lambda h: h["classes"][0].update(name="a\nb"), "no text"),
    "lone surrogate": (lambda h: h["features"].__setitem__(0, "\udc80"), "no text"),
    "trees": (lambda h: h["classifier"].update(trees=40000), "does not fit its header"),
    "kind": (lambda h: h["classifier"].update(kind="svm"), "update tdseg"),
    "kind is a list": (lambda h: h["classifier"].update(kind=[1]), "no classifier"),
    "a key of the future": (lambda h: h.update(halo=3), "later version.*'halo'.*update tdseg"),
    "a setting of the future": (
        lambda h: h["settings"].update(warp=3),
        "later version.*'warp'.*update tdseg",
    ),
    "weights of the future": (
        lambda h: h.update(
            backbone={"name": "a", "sha256": "b", "licence": "c", "source": "d", "revision": "e"}
        ),
        "later version.*'revision'.*update tdseg",
    ),
    "setting out of bounds": (lambda h: h["settings"].update(trees=-1), "'trees'"),
    "report": (lambda h: h["report"].update(precision=["a", "b"]), "damaged 'report'"),
    "no settings": (lambda h: h.pop("settings"), "no valid 'settings'"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_headers_that_cannot_be_are_refused_by_file_and_reason(name, tmp_path):
    header, arrays = read_archive(DATA / "classical_forest.tdseg")
    change, words = CHANGES[name]
    change(header)
    path = tmp_path / "changed.tdseg"
    text = json.dumps(header)
    content = io.BytesIO()
    np.savez(content, **arrays)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", text)
        archive.writestr("arrays.npz", content.getvalue())
    with pytest.raises(TdsegError, match=words) as caught:
        tdseg.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_trees_than_votes_can_count_are_refused(tmp_path):
    """38,736 x 55,440 votes are more than 32 bits hold."""
    header, arrays = read_archive(DATA / "classical_forest.tdseg")
    trees = 38_736
    header["classifier"]["trees"] = trees
    arrays["sizes"] = np.ones(trees, np.int32)
    arrays["feature"] = np.full(trees, -1, np.int16)
    arrays["threshold"] = np.zeros(0, np.float32)
    arrays["votes"] = np.tile(np.array([[55440], [0]], np.uint16), trees)
    write_archive(tmp_path / "many.tdseg", header, arrays)
    with pytest.raises(TdsegError, match="at most 10000"):
        tdseg.load(tmp_path / "many.tdseg")


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change some bytes, cut, double or swap a piece; or change a value of header or arrays."""
    kind = rng.integers(5)
    if kind < 2:
        out = bytearray(content)
        for _ in range(rng.integers(1, 5)):
            out[rng.integers(len(out))] = rng.integers(256)
        return bytes(out)
    if kind == 2:
        a, b = sorted(rng.integers(len(content), size=2))
        return content[:a] + content[b:] if rng.integers(2) else content[:b] + content[a:]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        header = archive.read("header.json").decode()
        with np.load(io.BytesIO(archive.read("arrays.npz"))) as stored:
            arrays = dict(stored)
    if kind == 3:
        header = mutated_json(header, rng)
    else:
        name = sorted(arrays)[rng.integers(len(arrays))]
        arrays[name] = mutated_array(arrays[name], rng)
    packed, out_file = io.BytesIO(), io.BytesIO()
    np.savez(packed, **arrays)
    with zipfile.ZipFile(out_file, "w") as archive:
        archive.writestr("header.json", header)
        archive.writestr("arrays.npz", packed.getvalue())
    return out_file.getvalue()


STRANGE = [None, True, -1, 0, 2, 65536, 2**62, 1e300, 0.5, "", "x", "\ud800", [], {}, [1], {"a": 1}]


def mutated_json(text: str, rng: np.random.Generator) -> str:
    header = json.loads(text)
    node = header
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = keys[rng.integers(len(keys))]
        if isinstance(node[key], dict | list) and node[key] and rng.integers(4):
            node = node[key]
            continue
        if rng.integers(4) == 0:
            del node[key]
        else:
            node[key] = STRANGE[rng.integers(len(STRANGE))]
        return json.dumps(header)


def mutated_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = array.copy()
    kind = rng.integers(5)
    if kind == 0 and out.size:
        flat = out.reshape(-1)
        flat[rng.integers(len(flat))] = [0, 1, 100, 3][rng.integers(4)]
    elif kind == 1:
        out = out[1:] if out.ndim else out
    elif kind == 2:
        types = [np.int8, np.int64, np.float16, np.float64, bool, np.complex64, "U3", np.uint64]
        with np.errstate(all="ignore"):
            out = out.astype(types[rng.integers(len(types))])
    elif kind == 3:
        out = out.T if out.ndim > 1 else out[None]
    elif out.dtype.kind == "f" and out.size:
        out.reshape(-1)[rng.integers(out.size)] = [np.nan, np.inf, -1e38][rng.integers(3)]
    return out


def fuzz(count: int, folder: Path, seed: int = 0) -> tuple[int, int]:
    """Load mutated files; return how many were refused and how many gave a model."""
    rng = np.random.default_rng(seed)
    originals = [path.read_bytes() for path in sorted(DATA.glob("*.tdseg"))]
    path = folder / "mutated.tdseg"
    refused = 0
    for number in range(count):
        path.write_bytes(mutated(originals[number % len(originals)], rng))
        try:
            model = tdseg.load(path)
        except TdsegError as error:
            refused += 1
            said = str(error)
        else:
            said = ""
            pixels = np.zeros((3, model.classifier.n_features), np.float32)
            with np.errstate(all="ignore"):
                model.classifier.predict_proba(pixels)
        assert "\n" not in said
        assert len(said) < 1500
    return refused, count - refused


def test_mutated_files_are_refused_in_one_sentence_or_give_a_model(tmp_path):
    refused, loaded = fuzz(600, tmp_path)
    assert refused > 200
    assert loaded > 20
