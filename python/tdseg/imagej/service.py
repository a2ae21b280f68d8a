"""Commands for the plugin's panel in the ImageJ of this process, in place of a worker."""

from __future__ import annotations

import json
from typing import Any

import jpype

from tdseg.commands.plain_reply import plain_reply
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.errors import Cancelled, TdsegError
from tdseg.fiji_install.versions import version_problem
from tdseg.imagej.host import FijiImage, fiji_host, host_image
from tdseg.imagej.java import jc
from tdseg.imagej.listener import unexpected_error
from tdseg.imagej.results import imageplus_of
from tdseg.workflow.session import Session

PROPERTY = "tdseg.in_process"
"""Where ImageJ keeps the service for ``tdseg.fiji.service.InProcess`` of the plugin."""


class Service:
    """A ``java.util.function.Function`` from a call to an answer.

    Parameters
    ----------
    session
        What this process remembers between commands.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def apply(self, call: Any) -> Any:
        """Do a command, on the Java thread that calls.

        Parameters
        ----------
        call
            A ``java.util.Map``: ``version`` of the plugin, ``command``, ``options``, ``active`` (an
            ImagePlus), ``progress`` (a ``tdseg.fiji.worker.Progress``).

        Returns
        -------
        java.util.List
            JSON of an object with ``reply`` and ``line``, or with ``error``; then the images that
            were made, not yet shown.
        """
        images: list[Any] = []
        try:
            answer = self._run(call, images)
        except TdsegError as error:
            answer = {"error": str(error)}
        except BaseException as error:  # an escaping exception would show a raw trace
            images = []
            answer = {"error": unexpected_error(BY_NAME[str(call.get("command"))], error)}
        found = jc.ArrayList()
        found.add(json.dumps(answer))
        for image in images:
            found.add(image)
        return found

    def _run(self, call: Any, images: list[Any]) -> dict[str, Any]:
        problem = version_problem(str(call.get("version")))
        if problem is not None:
            raise TdsegError(problem)
        command = BY_NAME[str(call.get("command"))]
        options, imp = call.get("options"), call.get("active")
        reply, line = run_command(
            command,
            None if options is None else str(options),
            self._session,
            _PluginProgress(call.get("progress")),
            None if imp is None else host_image(imp),
            fiji_host(),
        )
        for image in reply.images:
            assert isinstance(image.source, FijiImage)
            images.append(imageplus_of(image, image.source.imp))
        return {"reply": plain_reply(reply, command, lambda array: None), "line": line}


def offer(session: Session) -> None:
    """Let the plugin in this ImageJ call the commands here; it starts no worker then."""
    service = jpype.JProxy("java.util.function.Function", inst=Service(session))
    jc.IJ.setProperty(PROPERTY, service)


class _PluginProgress:
    """Progress that the plugin shows.

    Parameters
    ----------
    progress
        A ``tdseg.fiji.worker.Progress``.
    """

    def __init__(self, progress: Any) -> None:
        self._progress = progress

    def update(self, fraction: float, message: str = "") -> None:
        """Tell how far the work is.

        Raises
        ------
        Cancelled
            If the user stopped it.
        """
        if self._progress.isStopped():
            raise Cancelled()
        self._progress.step(min(max(fraction, 0.0), 1.0), message)

    def note(self, message: str) -> None:
        """Send a line for the Log."""
        self._progress.note(message)
