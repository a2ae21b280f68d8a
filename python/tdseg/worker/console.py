"""Standard output belongs to the protocol; all else goes to standard error and a log file."""

from __future__ import annotations

import faulthandler
import io
import logging
import os
import re
import sys
import threading
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from tdseg.runtime.user_cache import WORKER_LOGS, user_cache

_ANSWER = re.compile(r'"task":"[^"]*","responseType":"[A-Z]+"\}$')
_LOG_BYTES = 1_000_000
_LOGS_KEPT = 20
_LINE_LENGTH = 4096

_log = logging.getLogger("tdseg.worker")
_file: Path | None = None


class Lines(io.TextIOBase):
    """A text stream that hands on whole lines; each thread's are its own."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._rest = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What programs ask for before they print."""
        return self._encoding

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def write(self, text: str) -> int:
        """Take text, and hand on the lines that are complete."""
        *lines, rest = (getattr(self._rest, "text", "") + text).split("\n")
        for line in lines:
            self.line(line)
        self._rest.text = self.begun(rest)
        return len(text)

    def begun(self, rest: str) -> str:
        """Return what to keep of a line that is not complete."""
        return rest

    def line(self, text: str) -> None:
        """Take a line."""
        raise NotImplementedError


class ProtocolOutput(Lines):
    """Standard output: Appose's answers pass, whatever else is printed goes aside.

    Appose prints from several threads; here no line gets into another.

    Parameters
    ----------
    handle
        The file descriptor to Fiji.
    aside
        Takes other lines.
    """

    def __init__(self, handle: int, aside: TextIO | Lines) -> None:
        super().__init__()
        self._handle, self._aside = handle, aside
        self._lock = threading.Lock()

    def fileno(self) -> int:
        """Return where the output of child processes belongs."""
        return self._aside.fileno()

    def begun(self, rest: str) -> str:
        """Keep what may become an answer; the rest goes aside as it comes."""
        if rest and not rest.startswith("{"):
            self._aside.write(rest)
            return ""
        return rest

    def line(self, text: str) -> None:
        """Send an answer to Fiji, or a line aside."""
        if not (text.startswith("{") and _ANSWER.search(text[-200:])):
            self._aside.write(text + "\n")
            return
        data = memoryview((text + "\n").encode(self._encoding, "surrogatepass"))
        with self._lock:
            while data:
                data = data[os.write(self._handle, data) :]


class LoggedErrors(Lines):
    """Standard error that is kept in the log file besides.

    Parameters
    ----------
    stream
        The real standard error.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def fileno(self) -> int:
        """Return the real descriptor."""
        return self._stream.fileno()

    def begun(self, rest: str) -> str:
        """Keep the last state of a progress bar, which ends no line."""
        return rest.rpartition("\r")[2][-_LINE_LENGTH:]

    def line(self, text: str) -> None:
        """Write a line to both."""
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # Fiji is gone; the log is still there
        if _file is not None:
            _log.info(text)


def redirect() -> None:
    """Keep standard output for Appose, before anything is imported that may print."""
    global _file
    assert sys.stderr is not None
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    faulthandler.enable(sys.stderr)
    handle = os.dup(1)
    os.dup2(2, 1)  # what compiled code prints
    _file = _open_log()
    errors = LoggedErrors(sys.stderr)
    sys.stdout, sys.stderr = ProtocolOutput(handle, errors), errors


def log_file() -> Path | None:
    """Return the file of this process's messages; None where none can be written."""
    return _file


def _open_log() -> Path | None:
    """Start this process's own log: two workers cannot turn over one file."""
    folder = user_cache(WORKER_LOGS)
    if folder is None:
        return None
    for old in sorted(folder.glob("*.log*"))[:-_LOGS_KEPT]:
        try:
            old.unlink()
        except OSError:  # in use on Windows, or gone
            continue
    path = folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}.log"
    logging.raiseExceptions = False
    handler = RotatingFileHandler(
        path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    _log.setLevel(logging.INFO)
    return path
