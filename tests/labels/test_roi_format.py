"""ImageJ's ROI format: every fact as ImageJ reads it, and nothing but a reason from any bytes."""

from __future__ import annotations

import random
import struct
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tdseg import TdsegError, imagej
from tdseg.labels.roi_bytes import read_roi_set
from tdseg.labels.roi_files import labels_from_roi_file
from tdseg.labels.roi_format import DamagedRoiError, decode_roi

sys.path.insert(0, str(Path(__file__).parents[1] / "imagej"))  # for imagej_labels

KINDS = (
    "rectangle oval polygon traced ellipse rotated composite line polyline angle point points "
    "counted text arrow"
).split()
VERSIONS = (217, 218, 221, 223, 226, 227, 228)


@pytest.fixture(scope="module")
def java() -> Any:
    imagej.start()
    from tdseg.imagej.group_colours import group_lut
    from tdseg.imagej.java import jc

    group_lut()
    return jc


def made(jc: Any, kind: str) -> Any:
    from tdseg.imagej.java import to_java

    x, y = (to_java(np.array(v, np.float32)) for v in ((3, 20, 9.5), (4, 6, 22.25)))
    if kind in ("polygon", "traced", "polyline", "angle"):
        of_kind = {"polygon": 2, "traced": 4, "polyline": 6, "angle": 8}[kind]
        return jc.PolygonRoi(x, y, 3, of_kind)
    if kind in ("points", "counted"):
        roi = jc.PointRoi(x, y, 3)
        if kind == "counted":
            for counter, stack in ((4, 5), (0, 2)):
                roi.setCounter(counter)
                roi.addPoint(7.0, 8.0, stack)
        return roi
    return {
        "rectangle": lambda: jc.Roi(3, 4, 10, 6),
        "oval": lambda: jc.OvalRoi(3.5, 4.0, 10.0, 6.0),
        "ellipse": lambda: jc.EllipseRoi(3.0, 4.0, 20.0, 16.0, 0.5),
        "rotated": lambda: jc.RotatedRectRoi(3.0, 4.0, 20.0, 16.0, 5.0),
        "composite": lambda: jc.ShapeRoi(jc.Roi(2, 2, 9, 9)).not_(jc.ShapeRoi(jc.Roi(4, 4, 2, 2))),
        "line": lambda: jc.Line(3.0, 4.0, 20.0, 16.0),
        "point": lambda: jc.PointRoi(3.0, 4.0),
        "text": lambda: jc.TextRoi(3, 4, "10 um"),
        "arrow": lambda: jc.Arrow(3.0, 4.0, 20.0, 16.0),
    }[kind]()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", [None, (4,), (2, 3, 1), (0, 2, 0)])
def test_every_fact_is_imagejs(java: Any, kind: str, position: Any) -> None:
    from imagej_labels import facts_of

    from tdseg.imagej.java import to_java
    from tdseg.imagej.rois import encoded

    roi = made(java, kind)
    roi.setName("größe-01")
    roi.setStrokeColor(java.Color(1, 2, 3))
    if position is not None:
        roi.setPosition(*position)
    for group in (0, 7):
        if group:
            roi.setGroup(group)
        for version in VERSIONS:
            data = bytearray(encoded(roi))
            data[4:6] = struct.pack(">h", version)
            by_imagej = java.RoiDecoder(to_java(np.frombuffer(data, np.uint8)), "file").getRoi()
            wanted = facts_of(by_imagej)
            if position == (4,) and wanted.point_positions and not any(wanted.point_positions):
                # ImageJ forgets, when it opens a file, where these points were when it saved them.
                wanted = replace(wanted, point_positions=facts_of(roi).point_positions)
                assert set(wanted.point_positions) == {4}
            assert decode_roi(bytes(data), "file").facts == wanted


def samples(java: Any) -> list[bytes]:
    from tdseg.imagej.rois import encoded

    found = []
    for kind in KINDS:
        roi = made(java, kind)
        if kind not in ("text", "arrow", "angle"):
            roi.setGroup(3)
        found.append(encoded(roi))
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        k = rng.randrange(len(out))
        if rng.random() < 0.3:
            out[k : k + 4] = rng.choice(
                (b"\xff" * 4, b"\x7f\xc0\0\0", b"\x4e\x6e\x6b\x28", b"\0" * 4, b"\x7f\xff\xff\xff")
            )
        else:
            out[k] = rng.randrange(256)
    return bytes(out[: rng.randrange(len(out))]) if rng.random() < 0.1 else bytes(out)


def test_mutated_bytes_give_labels_or_a_sentence(java: Any, tmp_path: Path) -> None:
    rng = random.Random(0)
    originals = samples(java)
    outcomes = {"labels": 0, "refused": 0}
    for k in range(300):
        path = tmp_path / "a.roi"
        path.write_bytes(mutated(rng.choice(originals), rng))
        if k % 3 == 0:
            with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for n, data in enumerate(originals[:3]):
                    archive.writestr(f"{n}.roi", data)
            path = tmp_path / "a.zip"
            path.write_bytes(mutated(path.read_bytes(), rng))
        try:
            labels_from_roi_file(path, (1, 5, 24, 30))
            outcomes["labels"] += 1
        except TdsegError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 20


@pytest.mark.parametrize("at", [16, 40], ids=["name", "properties"])
@pytest.mark.parametrize("place", [(64, 0x40000000), (64, 0x7FFFFFFF), (0x7FFFFFF0, 20), (-2, 9)])
def test_texts_outside_of_a_roi_are_none(java: Any, at: int, place: tuple[int, int]) -> None:
    """ImageJ allocates gigabytes for them where 32 bits overflow."""
    from tdseg.imagej.rois import decoded

    for original in samples(java):
        data = bytearray(original)
        (second,) = struct.unpack_from(">i", data, 60)
        struct.pack_into(">ii", data, second + at, *place)
        assert decode_roi(bytes(data), "file").facts.name == "file"
        assert str(decoded(bytes(data), "file").getName()) == "file"


@pytest.mark.parametrize("data", [b"", b"Iout", b"Iout" + b"\0" * 59, b"PK\3\4" + b"\0" * 80])
def test_what_is_no_roi(data: bytes) -> None:
    with pytest.raises(DamagedRoiError):
        decode_roi(data)


def rectangle(name: str, group: int = 1) -> bytes:
    from roifile import ROI_TYPE, ImagejRoi

    return ImagejRoi(
        roitype=ROI_TYPE.RECT, top=1, left=1, bottom=5, right=5, group=group, version=228, name=name
    ).tobytes()


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return path


def test_bad_members_are_named_and_the_rest_is_used(tmp_path: Path) -> None:
    good = {"a.roi": rectangle("a"), "b.roi": rectangle("b", 2)}
    beside = {"__MACOSX/._a.roi": b"\0\5\x16\7", "folder/": b"", "preview.png": b"x"}
    notes: list[str] = []
    path = archive(tmp_path / "ok.zip", {**good, **beside})
    assert len(read_roi_set(path, notes.append).rois) == 2
    assert notes == []
    path = archive(tmp_path / "bad.zip", {**good, "empty.roi": b"", "text.roi": b"hello"})
    assert len(read_roi_set(path, notes.append).rois) == 2
    assert "'empty.roi' is empty, 'text.roi' is not an ImageJ ROI" in notes[0]
    path = archive(tmp_path / "none.zip", {"text.roi": b"hello"})
    with pytest.raises(TdsegError, match=r"'text\.roi' is not an ImageJ ROI"):
        read_roi_set(path, notes.append)


@pytest.mark.parametrize(
    ("field", "number", "reason"), [(3, 1, "is encrypted"), (4, 9, "is packed by Deflate64")]
)
def test_members_that_cannot_be_unpacked(
    field: int, number: int, reason: str, tmp_path: Path
) -> None:
    path = archive(tmp_path / "a.zip", {"a.roi": rectangle("a")})
    data = bytearray(path.read_bytes())
    for start, shift in ((data.find(b"PK\3\4"), 0), (data.find(b"PK\1\2"), 2)):
        at = start + 2 * field + shift
        data[at : at + 2] = struct.pack("<H", number)
    path.write_bytes(data)
    with pytest.raises(TdsegError, match=f"'a.roi' {reason}"):
        read_roi_set(path, lambda line: None)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.roi": b"Iout" + bytes(70 * 2**20)})
    with pytest.raises(TdsegError, match=r"'a\.roi' unpacks to more than 64 MiB"):
        read_roi_set(path, lambda line: None)


def test_a_name_with_a_line_break_leaves_the_message_on_one_line(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a\nb.roi": b"Iout"})
    with pytest.raises(TdsegError, match=r"'a b\.roi' is") as caught:
        read_roi_set(path, lambda line: None)
    assert str(caught.value).isprintable()
