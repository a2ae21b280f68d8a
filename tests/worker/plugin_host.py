"""A stand-in for the plugin in Fiji: it starts a worker and answers its questions, in Python.

Appose's own service does the talking, as Appose's Java service does in Fiji.
"""

from __future__ import annotations

import base64
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from appose.service import Service, Task, TaskEvent

import tdseg
from tdseg.commands.request import Host, HostImage
from tdseg.images.host_stack import DTYPES, image_of
from tdseg.worker.open_images import stack_of

SCRIPT = "import tdseg.worker\ntdseg.worker.{name}(task, {arguments})"
CALIBRATION = {
    "pixel_width": 0.5,
    "pixel_height": 0.5,
    "pixel_depth": 2.0,
    "unit": "µm",
    "unit_y": "µm",
    "unit_z": "µm",
    "frame_interval": 0.0,
    "time_unit": "sec",
    "x_origin": 0.0,
    "y_origin": 0.0,
    "z_origin": 0.0,
}


@dataclass
class OpenImage:
    """An image that this Fiji has open: planes as ImageJ holds them, (T, Z, C, Y, X[, 3])."""

    title: str
    planes: np.ndarray
    kind: str = "8-bit"
    rois: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""

    def request(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "identity": self.identity or self.title,
            "shape": list(self.planes.shape[:5]),
            "plane": 0,
            "made_from": "",
        }

    def described(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "type": self.kind,
            "shape": list(self.planes.shape[:5]),
            "signed": False,
            "virtual": False,
            "palette": None,
            "calibration": CALIBRATION,
            "hyperstack": False,
            "slice_labels": None,
            "info": None,
            "calibration_function": None,
            **self.facts,
        }

    def flat(self) -> np.ndarray:
        assert self.planes.dtype == DTYPES[self.kind]
        return self.planes.reshape(-1, *self.planes.shape[3:])

    def in_process(self) -> HostImage:
        """The same image for a command that runs in this process."""
        asked = self.request()
        t, z, c, y, x = asked["shape"]
        stack = stack_of(self.described(), (t, z, c, y, x))
        return HostImage(
            title=self.title,
            identity=asked["identity"],
            shape=(t, z, c, y, x),
            plane=0,
            read=lambda: image_of(stack, lambda first, count: self.flat()[first : first + count]),
            rois=lambda source: self.rois.get(source, ()),
        )


class PluginHost:
    """A Fiji with a worker."""

    def __init__(self, cache: Path, *images: OpenImage, **environment: str) -> None:
        self.images = {image.identity or image.title: image for image in images}
        self.asked: list[str] = []
        self.log: list[str] = []
        self.lines: list[str] = []
        self.before_answer: Callable[[str], None] = lambda what: None
        self._session = "test"
        options = ("-P", "-X", "utf8", "-m", "tdseg.worker")
        settings = {
            "XDG_CACHE_HOME": str(cache),
            "PYTHONPATH": str(Path(tdseg.__file__).parents[1]),
            "OMP_NUM_THREADS": "1",
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", ""),
            **environment,
        }
        settings = {name: value for name, value in settings.items() if value}
        self.service = Service(cache, settings, sys.executable, *options)
        self.service.debug(self.lines.append)

    def __enter__(self) -> PluginHost:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # the pipe of a worker that was killed
            self.service.close()
        self.service.wait_for()
        for pipe in (self.service._process.stdout, self.service._process.stderr):
            pipe.close()

    @property
    def pid(self) -> int:
        return int(self.service._process.pid)

    def host(self) -> Host:
        """This Fiji for a command that runs in this process."""
        return Host(open_images=lambda: [image.in_process() for image in self.images.values()])

    def task(self, function: str, /, **inputs: Any) -> Task:
        arguments = ", ".join(f"{key}={key}" for key in inputs)
        return self.service.task(SCRIPT.format(name=function, arguments=arguments), inputs)

    def call(self, function: str, /, **inputs: Any) -> dict[str, Any]:
        return dict(self.task(function, **inputs).wait_for().outputs)

    def hello(self, version: str = tdseg.__version__, restore: bool = False) -> dict[str, Any]:
        return self.call("hello", version=version, session=self._session, restore=restore)

    def start(self, command: str, options: str, active: OpenImage | None = None) -> Task:
        """Start a command; its outputs are there when the task has ended."""
        request = {
            "command": command,
            "options": options,
            "active": None if active is None else active.request(),
            "images": [image.request() for image in self.images.values()],
            "group_names": {},
            "has_manager": False,
        }
        task = self.task("run", request=request)
        task.listen(self._hear)
        return task.start()

    def run(self, command: str, options: str, active: OpenImage | None = None) -> dict[str, Any]:
        return dict(self.start(command, options, active).wait_for().outputs)

    def pixels(self, image: Mapping[str, Any], block: int = 2) -> np.ndarray:
        """Fetch a result, a few planes at a time, and release it."""
        t, z, c, y, x = image["shape"]
        out = np.empty((t * z * c, y, x), image["dtype"])
        for first in range(0, len(out), block):
            count = min(block, len(out) - first)
            fetched = self.call("fetch", result=image["result"], first=first, count=count)
            with attached(fetched["array"]) as array:
                out[first : first + count] = array
            self.call("release", result=None, array=fetched["array"]["name"])
        self.call("release", result=image["result"], array=None)
        return out.reshape(t, z, c, y, x)

    def _hear(self, event: TaskEvent) -> None:
        info = event.info or {}
        if "log" in info:
            self.log.append(info["log"])
        if "ask" in info:
            # Not on the thread that reads the worker's messages: an answer may take long.
            threading.Thread(target=self._answer, args=(info,), daemon=True).start()

    def _answer(self, info: Mapping[str, Any]) -> None:
        what = info["what"]
        self.asked.append(what)
        self.before_answer(what)
        error, answer = None, {}
        image = self.images.get(info.get("identity", ""))
        if image is None:
            error = "The image was closed."
        elif what == "image":
            answer = image.described()
        elif what == "rois":
            found = image.rois.get(info["source"], ())
            answer = {"rois": [base64.b64encode(data).decode() for data in found]}
        else:
            # Who was cancelled wants no pixels any more, and has removed the segment.
            with contextlib.suppress(FileNotFoundError), attached(info["array"]) as array:
                array[:] = image.flat()[info["first"] : info["first"] + info["count"]]
        if self.service.is_alive():
            self.task("answer", ask=info["ask"], answer=answer, error=error).start()


@contextlib.contextmanager
def attached(described: Mapping[str, Any]) -> Any:
    """The array of a segment that the worker made and removes."""
    memory = SharedMemory(described["name"])
    # Before Python 3.13 whoever attaches is taken for an owner.
    resource_tracker.unregister(f"/{memory.name}", "shared_memory")
    array = np.ndarray(described["shape"], described["dtype"], memory.buf)
    try:
        yield array
    finally:
        del array
        memory.close()


def segments(pid: int) -> list[str]:
    """Names of the worker's segments that there are."""
    return [path.name for path in Path("/dev/shm").glob(f"tdseg_{pid}_*")]
