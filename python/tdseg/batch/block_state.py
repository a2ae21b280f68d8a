"""What is known on disk of an image that is segmented by blocks: its plan, and which are done."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from tdseg.errors import TdsegError
from tdseg.runtime.files import exists, is_file, make_folder, write_file

Facts = dict[str, npt.NDArray[np.float64]]


class BlockState:
    """A hidden folder beside the results that outlives a killed run.

    Parameters
    ----------
    target
        One of the results; the folder lies beside it, and has a name of its own for each result.
    """

    def __init__(self, target: Path) -> None:
        name = hashlib.sha256(target.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self.folder = target.with_name(f".tdseg-blocks-{name}")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from beginning or ending the same image meanwhile."""
        with FileLock(self.folder.with_suffix(".lock")):
            yield

    def begin(self, plan: Mapping[str, Any], edge: int) -> int:
        """Make the folder, or go on with what an earlier run left; other leftovers go.

        Parameters
        ----------
        plan
            Plain data: all that the pixels, and the files to be written, depend on.
        edge
            Of blocks, for a new folder.

        Returns
        -------
        int
            The edge that counts: that of the earlier run.
        """
        found = self.plan()
        if found is not None and {**found, "edge": 0} == {**_plain(plan), "edge": 0}:
            return int(found["edge"])
        if exists(self.folder):
            shutil.rmtree(self.folder)
        make_folder(self.folder / "done")
        self._write("plan.json", {**plan, "edge": edge})
        return edge

    def plan(self) -> dict[str, Any] | None:
        """Return what was begun; None if nothing was, or its plan is damaged."""
        return self._read("plan.json")

    def mark(self, number: int, facts: Mapping[str, Any]) -> None:
        """Mark a block as done, with what is known of it; its pixels are on disk."""
        self._write(f"done/{number}.json", facts)

    def done(self, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return what is known of those of these blocks that are done."""
        with contextlib.suppress(OSError):
            names = set(os.listdir(self.folder / "done"))
            found = {n: self._read(f"done/{n}.json") for n in numbers if f"{n}.json" in names}
            return {number: facts for number, facts in found.items() if facts is not None}
        return {}

    def facts(self, plane: int) -> Facts:
        """Return what is known of a whole plane of the image."""
        path = self.folder / f"plane-{plane}.npz"
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                return {name: np.asarray(stored[name], np.float64) for name in stored.files}
        except Exception:  # not there yet, or cut off: looked for again
            return {}

    def keep_facts(self, plane: int, facts: Facts) -> None:
        """Keep what was found of a whole plane, so that nobody need look again."""

        def save(part: Path) -> None:
            with part.open("wb") as stream:
                np.savez(stream, **facts)  # type: ignore[arg-type]

        write_file(self.folder / f"plane-{plane}.npz", save, "overwrite")

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_lock(self) -> None:
        """Remove the file that `locked` leaves; it holds nothing."""
        with contextlib.suppress(OSError):
            self.folder.with_suffix(".lock").unlink()

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not is_file(path):
            return None
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        text = json.dumps(values, sort_keys=True)
        if not exists(self.folder / name) and not exists((self.folder / name).parent):
            raise TdsegError(f"Folder '{self.folder}' is gone; start the job again.")
        write_file(self.folder / name, lambda part: part.write_text(text, "utf-8"), "overwrite")


def _plain(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan as it comes back from disk."""
    found: dict[str, Any] = json.loads(json.dumps(plan))
    return found
