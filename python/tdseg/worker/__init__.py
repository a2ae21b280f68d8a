"""The worker: a Python process that does the commands of one Fiji, connected by Appose.

The plugin in Fiji starts ``python -m tdseg.worker`` and sends tasks whose scripts call the
functions here; ``docs/worker-protocol.md`` has their arguments and answers. It knows no Java:
images, ROIs and results travel as plain data and shared memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tdseg.worker.serving import Server
    from tdseg.worker.task import Task

__all__ = ["answer", "extension", "fetch", "hello", "release", "run", "unload"]

_server: Server | None = None


def server() -> Server:
    """Return the one server of this process."""
    global _server
    if _server is None:
        from tdseg.worker.serving import Server

        _server = Server()
    return _server


def hello(task: Task, version: str, session: str = "", restore: bool = False) -> dict[str, Any]:
    """Compare versions, and restore the classifier of a worker that died; see `Server.hello`."""
    return server().hello(version, session, restore)


def run(task: Task, request: dict[str, Any]) -> dict[str, Any]:
    """Do a command; see `Server.run`."""
    return server().run(task, request)


def answer(
    task: Task, ask: int, answer: dict[str, Any] | None = None, error: str | None = None
) -> dict[str, Any]:
    """Take Fiji's answer to a question; see `Questions.answer`."""
    server().questions.answer(ask, answer or {}, error)
    return {}


def fetch(task: Task, result: int, first: int, count: int) -> dict[str, Any]:
    """Hand over planes of a result; see `Results.fetch`."""
    return server().fetch(result, first, count)


def release(task: Task, result: int | None = None, array: str | None = None) -> dict[str, Any]:
    """Forget a result, or the segment of this name that `fetch` made."""
    server().release(result, array)
    return {}


def extension(task: Task, name: str, arguments: list[Any]) -> dict[str, Any]:
    """Answer a function for macros, ``Ext.TDS_...``."""
    return server().extension(name, arguments)


def unload(task: Task) -> dict[str, Any]:
    """Give memory back: networks and tokens that can be loaded and computed again."""
    return server().unload()
