"""How long a worker lives: as long as its Fiji; idle, it gives memory back."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

import psutil

from tdseg.worker import server

IDLE_MINUTES = "TDSEG_IDLE_MINUTES"
"""Environment variable: minutes without a command, after which memory is given back."""
_DEFAULT_MINUTES = 30.0
_LOOK_SECONDS = 1.0
_RECEIVER = "Appose-Receiver"


class Tasks(dict[str, Any]):
    """The tasks of Appose's worker, safe to walk through while others are added.

    A thread of Appose's looks for tasks whose own thread has ended. It would end itself where a
    task is added meanwhile, and takes one whose thread is about to start for dead.
    """

    def items(self) -> list[tuple[str, Any]]:  # type: ignore[override]
        """Return the tasks whose thread has started."""
        found = list(super().items())
        return [(uuid, task) for uuid, task in found if getattr(task._thread, "ident", None)]


def serve() -> NoReturn:
    """Do Fiji's tasks until its pipe is closed, then end, whatever is being done."""
    from appose.python_worker import Worker

    server()  # before a second thread can ask for it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in Fiji's terminal is Fiji's
    threading.excepthook = _failed
    threading.Thread(target=_watch, name="tdseg-watch", daemon=True).start()
    worker = Worker()
    worker.tasks = Tasks()
    worker.run()
    end()


def end() -> NoReturn:
    """End the process at once: threads that still compute have nobody to answer."""
    try:
        server().segments.remove_all()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _failed(failure: threading.ExceptHookArgs) -> None:
    """End with Appose's thread that reads tasks: a line that is no message has stopped it."""
    threading.__excepthook__(failure)
    if failure.thread is not None and failure.thread.name == _RECEIVER:
        end()


def _watch() -> None:
    """End when Fiji's process is gone although its pipe is not; give back memory when idle."""
    parent = _parent()
    idle = idle_minutes() * 60
    given_back = False
    while True:
        time.sleep(_LOOK_SECONDS)
        if parent is not None and not parent.is_running():
            end()
        long_idle = server().idle_seconds > idle
        if long_idle and not given_back:
            server().unload()
        given_back = long_idle


def _parent() -> psutil.Process | None:
    try:
        return psutil.Process().parent()
    except psutil.Error:
        return None


def idle_minutes() -> float:
    """Return after how many idle minutes memory is given back."""
    try:
        return float(os.environ.get(IDLE_MINUTES, _DEFAULT_MINUTES))
    except ValueError:
        return _DEFAULT_MINUTES
