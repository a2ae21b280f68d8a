"""Room for the report of a job, so that a full disk is told there too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tdseg.runtime.leftovers import claim, part_name

_BYTES, _EACH = 2**16, 400


@contextlib.contextmanager
def reserved(folder: Path, files: int) -> Iterator[Callable[[], None]]:
    """Hold room for a report of so many files, until the body calls what it is given.

    Where there is none already, the job begins all the same.
    """
    with contextlib.ExitStack() as stack:
        part = folder / part_name()
        with contextlib.suppress(OSError):
            stack.enter_context(claim(part))
            part.write_bytes(bytes(_BYTES + _EACH * files))
        yield stack.close  # an open file would keep its room
