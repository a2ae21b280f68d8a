"""The images that are open in Fiji, as commands take them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.commands.request import Host, HostImage
from tdseg.images.host_stack import (
    DTYPES,
    HostStack,
    calibration_from_imagej,
    check_unchanged,
    image_of,
)
from tdseg.images.image import Image
from tdseg.worker.questions import Questions
from tdseg.worker.segments import Segments, described, name_of

_SIZES = ("pixel_width pixel_height pixel_depth frame_interval x_origin y_origin z_origin").split()


class OpenImages:
    """Describes Fiji's images, and asks for their pixels and ROIs when a command reads them.

    Parameters
    ----------
    questions
        Ask Fiji.
    segments
        Where pixels come.
    """

    def __init__(self, questions: Questions, segments: Segments) -> None:
        self._questions = questions
        self._segments = segments

    def host(self, request: Mapping[str, Any]) -> Host:
        """Return what a request tells of its Fiji."""
        versions = {str(what): str(text) for what, text in request.get("versions", {}).items()}
        names = {int(group): str(name) for group, name in request["group_names"].items()}
        return Host(
            open_images=lambda: [self.image(facts) for facts in request["images"]],
            open_file=self._open_file,
            group_names=lambda: names,
            has_manager=bool(request["has_manager"]),
            versions=lambda: versions,
        )

    def image(self, facts: Mapping[str, Any]) -> HostImage:
        """Return an image of its title, identity, shape, shown plane and source."""
        identity = str(facts["identity"])
        t, z, c, y, x = (int(n) for n in facts["shape"])
        return HostImage(
            title=str(facts["title"]),
            identity=identity,
            shape=(t, z, c, y, x),
            plane=int(facts["plane"]),
            read=lambda: self._read(identity, (t, z, c, y, x)),
            rois=lambda source: self._rois(identity, source),
            made_from=str(facts.get("made_from") or ""),
        )

    def _open_file(self, path: Path) -> HostImage | None:
        found = self._questions.ask("open", path=str(path)).get("image")
        return None if found is None else self.image(found)

    def _rois(self, identity: str, source: str) -> Sequence[bytes]:
        found = self._questions.ask("rois", identity=identity, source=source)
        return [base64.b64decode(data) for data in found["rois"]]

    def _read(self, identity: str, shape: tuple[int, int, int, int, int]) -> Image:
        facts = self._questions.ask("image", identity=identity)
        check_unchanged(str(facts["title"]), tuple(int(n) for n in facts["shape"]), shape)
        stack = stack_of(facts, shape)
        return image_of(stack, lambda first, count: self._planes(identity, stack, first, count))

    def _planes(self, identity: str, stack: HostStack, first: int, count: int) -> npt.NDArray[Any]:
        """Let Fiji write planes into shared memory, and copy them."""
        size = (count, *stack.shape[3:], *((3,) if stack.rgb else ()))
        array = self._segments.make(size, DTYPES[stack.kind])
        try:
            asked = {"identity": identity, "first": first, "count": count}
            asked["shape"] = list(stack.shape)
            self._questions.ask("planes", array=described(array), **asked)
            return np.array(array.ndarray())
        finally:
            self._segments.remove(name_of(array))


def stack_of(facts: Mapping[str, Any], shape: tuple[int, int, int, int, int]) -> HostStack:
    """Return what Fiji tells of an image in plain data."""
    calibration = dict(facts["calibration"])
    metadata: dict[str, Any] = {"hyperstack": bool(facts["hyperstack"])}
    labels, info = facts.get("slice_labels"), facts.get("info")
    if labels is not None and any(label is not None for label in labels):
        metadata["slice_labels"] = list(labels)
    if info is not None:
        metadata["info"] = str(info)
    function = facts.get("calibration_function")
    if function is not None:
        kind, coefficients, unit = function
        values = None if coefficients is None else tuple(float(v) for v in coefficients)
        metadata["calibration_function"] = (int(kind), values, str(unit))
    palette = facts.get("palette")
    return HostStack(
        title=str(facts["title"]),
        shape=shape,
        kind=str(facts["type"]),
        signed=bool(facts["signed"]),
        virtual=bool(facts["virtual"]),
        calibration=calibration_from_imagej(
            unit=calibration.get("unit"),
            unit_y=calibration.get("unit_y"),
            unit_z=calibration.get("unit_z"),
            time_unit=str(calibration["time_unit"]),
            # Numbers that JSON does not know come as words: "NaN", "Infinity".
            **{name: float(calibration[name]) for name in _SIZES},
        ),
        palette=None if palette is None else _palette(palette),
        metadata=metadata,
    )


def _palette(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(256, 3).copy()
