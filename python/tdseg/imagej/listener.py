"""Hears of every ImageJ command, and does those of tdseg."""

from __future__ import annotations

import sys
import textwrap
import traceback
from typing import Any

import jpype

from tdseg.commands.run import run_command, unexpected
from tdseg.commands.table import BY_NAME, Command
from tdseg.errors import TdsegError
from tdseg.imagej.ask import ask_options, from_menu
from tdseg.imagej.bar import FijiProgress
from tdseg.imagej.host import fiji_host, host_image, show
from tdseg.imagej.java import jc
from tdseg.imagej.menu import PANEL, open_panel
from tdseg.imagej.recorder import record, unrecorded
from tdseg.workflow.session import Session

TITLE = "Trainable Deep Segmentation"
DIALOG_WIDTH = 80
"""Characters of a line in a dialog."""

NEW_CLASSIFIER = {
    "TDS Train...",
    "TDS Train from Folder...",
    "TDS Load Classifier...",
    "TDS Segment Without Labels...",
}
SET_CLASSES = "TDS Set Classes..."
MARK = "tdseg.classifier"
"""Property of ImageJ: another object after each new classifier, for the plugin's panel to see."""
PANEL_LISTENER = "tdseg.panel"
"""Property of ImageJ: who hears of such commands, set by the plugin's panel while it is open."""


class Listener:
    """A ``ij.CommandListener`` that swallows the commands of the table.

    Called on the macro's own thread, or on a thread of its own for a menu item.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def commandExecuting(self, command: Any) -> Any:  # noqa: N802 (Java's name)
        """Do one of tdseg's commands and return None; return others for ImageJ to do."""
        known = BY_NAME.get(str(command))
        if known is None:
            return None if str(command) == PANEL and open_panel() else command
        _free_other_commands()
        try:
            self._run(known)
        except TdsegError as error:
            _stop(str(error))
        except BaseException as error:  # an escaping exception would show a raw Java trace
            _stop(unexpected_error(known, error))
        return None

    def _run(self, command: Command) -> None:
        current = jc.WindowManager.getCurrentImage()
        active = None if current is None else host_image(current)
        options = _macro_options()
        if from_menu():
            options = ask_options(command, self.session)
            if options is None:  # the user cancelled
                return
        progress = FijiProgress()
        overlay = None if current is None else current.getOverlay()
        labels = [] if overlay is None else overlay.toArray()
        reply, line = run_command(command, options, self.session, progress, active, fiji_host())
        with unrecorded():
            show(reply, active, self.session)
        progress.finish()
        record(command, reply.values)
        if command.name in NEW_CLASSIFIER:
            jc.IJ.setProperty(MARK, jc.Object())
        if command.name in NEW_CLASSIFIER or command.name == SET_CLASSES:
            _tell_panel(line, current, labels)


def _tell_panel(line: str, imp: Any, labels: Any) -> None:
    """Tell an open panel what its own commands build upon; see ``CurrentClassifier``."""
    listener = jc.IJ.getProperty(PANEL_LISTENER)
    if listener is not None:
        told = jc.ArrayList()
        told.add(line)
        told.add(imp)
        told.add(jpype.JArray(jc.Roi)(labels))
        (jpype.JClass("java.util.function.Consumer") @ listener).accept(told)


def _free_other_commands() -> None:
    """Let other threads run commands while this one works.

    ImageJ calls its listeners inside a lock on the list of listeners, so every command of every
    thread would wait for a training to end, before it even reached us to be queued. A copy of the
    list takes its place; this call returns without looking at the list again.
    """
    try:
        field = jc.Executer.class_.getDeclaredField("listeners")
        field.setAccessible(True)
        field.set(None, field.get(None).clone())
    except jpype.JException:  # another ImageJ may keep its listeners elsewhere: commands wait
        return


def _macro_options() -> str | None:
    options = jc.Macro.getOptions()
    return None if options is None else str(options)


def _stop(message: str) -> None:
    """Show one sentence and stop the macro."""
    jc.IJ.showProgress(1.0)
    sentence = " ".join(message.split())
    if not jc.GraphicsEnvironment.isHeadless():
        # A dialog is as wide as its longest line: the OK button must stay on the screen.
        sentence = textwrap.fill(sentence, DIALOG_WIDTH, break_on_hyphens=False)
    jc.IJ.error(TITLE, sentence)
    jc.Macro.abort()


def unexpected_error(command: Command, error: BaseException) -> str:
    """Print an error that is no `TdsegError` on the console; return a sentence for the user."""
    if sys.__stderr__ is not None:
        traceback.print_exception(error, file=sys.__stderr__)
    if isinstance(error, jpype.JException):
        return unexpected(command, str(error.getMessage() or error))
    return unexpected(command, f"{type(error).__name__}: {error}")
