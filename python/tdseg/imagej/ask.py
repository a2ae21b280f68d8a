"""Ask for what a command chosen from the menu cannot do without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tdseg.commands.table import Command
from tdseg.imagej.java import jc
from tdseg.imagej.recorder import unrecorded
from tdseg.runtime.files import exists
from tdseg.workflow.session import Session

_SAVE = {
    "TDS Save Classifier...": ("classifier", ".tdseg"),
    "TDS Save Labels...": ("labels", ".zip"),
}
_OPEN = ("TDS Load Classifier...", "TDS Load Labels...")
_CLASSES, _LABEL = "TDS Set Classes...", "TDS Add Label..."


def ask_options(command: Command, session: Session) -> str | None:
    """Ask the user for the options of a command that was chosen from the menu.

    The dialogs are the plugin's, where its jar is on the class path; else ImageJ's own ask for the
    key that the command cannot do without.

    Returns
    -------
    str or None
        The option string; empty for a command that needs none, None if the user cancelled.
    """
    dialogs = plugin_dialogs()
    with unrecorded():  # else the chosen path stands in the Recorder twice
        if dialogs is not None:
            found = dialogs.options(command.name)
            return None if found is None else str(found)
        answer = _ask(command.name, session)
    if not answer:
        return answer
    key = "class" if command.name == _LABEL else "classes" if command.name == _CLASSES else "path"
    options = command.key(key).format(answer)
    if command.name in _SAVE and exists(answer):
        options += " existing=overwrite"  # the file chooser has asked
    return options


def plugin_dialogs() -> Any:
    """Return the plugin's class that asks, ``tdseg.fiji.dialogs.Ask``; None without its jar."""
    try:
        return jc.Ask
    except TypeError:  # no such class
        return None


def from_menu() -> bool:
    """Whether the command that runs now was chosen by a user at the screen, not by a macro."""
    return (
        not jc.GraphicsEnvironment.isHeadless()
        and jc.Macro.getOptions() is None
        and jc.Interpreter.getInstance() is None
        and not str(jc.Thread.currentThread().getName()).endswith("Macro$")
    )


def _ask(name: str, session: Session) -> str | None:
    if name in _SAVE:
        what, ending = _SAVE[name]
        return _path(jc.SaveDialog(name, what, ending))
    if name in _OPEN:
        return _path(jc.OpenDialog(name))
    if name == _CLASSES:
        classes = ",".join(session.classes.values()) or "background,object"
        return _field(name, "Names, separated by commas", classes)
    if name == _LABEL:
        return _field(name, "Class", *(session.classes.values() or ["1"]))
    return ""


def _path(dialog: object) -> str | None:
    name = dialog.getFileName()  # type: ignore[attr-defined]
    if name is None:
        return None
    return str(Path(str(dialog.getDirectory() or "")) / str(name))  # type: ignore[attr-defined]


def _field(title: str, label: str, *values: str) -> str | None:
    """Ask for a text, or for one of several values."""
    dialog = jc.GenericDialog(title)
    if len(values) > 1:
        dialog.addChoice(f"{label}:", list(values), values[0])
    else:
        dialog.addStringField(f"{label}:", values[0], 30)
    dialog.showDialog()
    if dialog.wasCanceled():
        return None
    return str(dialog.getNextChoice() if len(values) > 1 else dialog.getNextString())
