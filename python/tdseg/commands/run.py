"""Run one command: the way in for every route, from a macro, a menu, the panel or the worker."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from tdseg._version import __version__
from tdseg.classifiers.provenance import VERSION
from tdseg.commands.macro_line import macro_line
from tdseg.commands.parsing import parse_options
from tdseg.commands.reply import Reply
from tdseg.commands.request import Host, HostImage, Request
from tdseg.errors import Cancelled, TdsegError
from tdseg.runtime.cancelling import cancelled_by
from tdseg.runtime.progress import counted
from tdseg.runtime.telling import telling

if TYPE_CHECKING:
    from tdseg.commands.table import Command
    from tdseg.runtime.progress import Progress
    from tdseg.workflow.session import Session

HINTS = {
    "label": "TDS Add Label... adds the selection as a label.",
    "classes": "TDS Set Classes... names the classes.",
    "classifier": "TDS Train... trains one, TDS Load Classifier... opens one.",
    "dimensions": "Image > Properties... changes what the planes of a stack are.",
}
"""How users of commands get what a `TdsegError` says they lack."""


def run_command(
    command: Command,
    options: str | None,
    session: Session,
    progress: Progress,
    active: HostImage | None = None,
    host: Host | None = None,
) -> tuple[Reply, str]:
    """Parse, queue and do a command.

    Parameters
    ----------
    command
        One of the table.
    options
        The option string as a macro gives it.
    session
        What the serving process remembers; one command runs at a time.
    progress
        Hears how far the work is, and what the user should read in the Log.
    active, host
        The active image, and who asks.

    Returns
    -------
    Reply
        What to show.
    str
        The macro line that repeats the command.

    Raises
    ------
    TdsegError
        With one sentence for the user.
    """
    given = parse_options(options, command.keys, command.name, progress.note)
    if active is None and command.needs_image:
        raise TdsegError(f"{command.name} works on the active image; open an image first.")
    # Status tells what runs and waits, so it does not wait itself.
    queue = session.job(command.name) if command.queued else nullcontext()
    with queue, counted(progress) as told, telling(told.note), cancelled_by(told.check):
        request = Request(command, given, session, told, active, host or Host())
        try:
            reply = command.load()(request)
        except Cancelled:
            raise
        except TdsegError as error:
            # What lies below knows no menu: how the remedy is called here is added here.
            if error.hint not in HINTS:
                raise
            raise TdsegError(f"{error} {HINTS[error.hint]}") from error
    line = macro_line(command, reply.values)
    info = {"tdseg.macro": line, VERSION: __version__}
    images = [replace(image, info={**info, **image.info}) for image in reply.images]
    session.last_line = line
    return replace(reply, images=images), line


def unexpected(command: Command, reason: str) -> str:
    """Return the sentence for an error that is no `TdsegError`; the trace is for the console."""
    return (
        f"{command.name} failed unexpectedly ({' '.join(reason.split())[:200]}); please report it "
        "with the details printed on the console."
    )
