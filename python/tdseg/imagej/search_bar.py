"""The commands in Fiji's search bar (key L), which looks in SciJava's module service."""

from __future__ import annotations

import logging
from typing import Any

import jpype

from tdseg.commands.table import COMMANDS, MENU, Command
from tdseg.imagej.java import jc

_JAVAS_OWN = ("equals", "hashCode", "toString")

_log = logging.getLogger(__name__)


def make_searchable(gateway: Any = None) -> bool:
    """Tell SciJava of the commands; where there is no SciJava, do nothing.

    The search bar is a convenience: whatever fails here is a line for ``logging`` alone.

    Parameters
    ----------
    gateway
        PyImageJ's gateway. Default: the SciJava context of the Fiji that runs, if it is one.

    Returns
    -------
    bool
        Whether the module service has them.
    """
    try:
        context = gateway.context() if gateway is not None else _running_context()
        if context is None:
            return False
        add_modules(context)
    except Exception as error:
        _log.debug("The search bar does not know the commands: %s", error)
        return False
    return True


def add_modules(context: Any) -> None:
    """Add one module a command to the module service of an ``org.scijava.Context``."""
    service = context.service("org.scijava.module.ModuleService")
    infos = [jpype.JProxy("org.scijava.module.ModuleInfo", inst=_Info(c)) for c in COMMANDS]
    service.addModules(jpype.java.util.ArrayList(infos))


def _running_context() -> Any:
    """Return the context of the Fiji that runs; None in an ImageJ without SciJava."""
    try:
        jpype.JClass("net.imagej.legacy.IJ1Helper")
    except TypeError:
        return None
    # What the legacy layer answers to everyone who asks for it in ImageJ's way.
    return jc.IJ.runPlugIn("org.scijava.Context", "")


class _Delegating:
    """A Python object that answers what it does not define itself with a Java object."""

    def __init__(self, java: Any) -> None:
        self._java = java

    def __getattr__(self, name: str) -> Any:
        if name in _JAVAS_OWN or name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._java, name)


class _Info(_Delegating):
    """A ``org.scijava.module.ModuleInfo``: a command as the search bar shows it."""

    def __init__(self, command: Command) -> None:
        info = jpype.JClass("org.scijava.module.DefaultMutableModuleInfo")()
        info.setModuleClass(jpype.JClass("org.scijava.module.DefaultMutableModule").class_)
        info.setName(command.name)
        info.setLabel(command.name)
        info.setDescription(command.help)
        path = f"Plugins > {MENU} > {command.name}"
        info.setMenuPath(jpype.JClass("org.scijava.MenuPath")(path))
        super().__init__(info)
        self._command = command

    def getIdentifier(self) -> str:  # noqa: N802 (Java's name)
        """Tell the commands apart."""
        return f"command:tdseg:{self._command.name}"

    def createModule(self) -> Any:  # noqa: N802 (Java's name)
        """Return what runs when the user picks it."""
        plain = jpype.JClass("org.scijava.module.DefaultMutableModule")(self._java)
        return jpype.JProxy("org.scijava.module.Module", inst=_Module(plain, self._command))


class _Module(_Delegating):
    """A ``org.scijava.module.Module`` that does what the menu does."""

    def __init__(self, java: Any, command: Command) -> None:
        super().__init__(java)
        self._command = command

    def run(self) -> None:
        """Choose the command, as from the menu."""
        jc.IJ.doCommand(self._command.name)
