"""Room for the report of a job, so that a full disk is told there too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tdseg.runtime.leftovers import claim, part_name

_BYTES, _EACH = 2**16, 400


class Room:
    """A file that takes the place which the report will need."""

    def __init__(self, part: Path) -> None:
        self._part = part

    def give_back(self) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)


@contextlib.contextmanager
def reserved(folder: Path, files: int) -> Iterator[Room]:
    """Hold room for a report of so many files until it is given back.

    Where there is none already, the job begins all the same.
    """
    with contextlib.ExitStack() as stack:
        part = folder / part_name()
        with contextlib.suppress(OSError):
            stack.enter_context(claim(part))
            part.write_bytes(bytes(_BYTES + _EACH * files))
        yield Room(part)
