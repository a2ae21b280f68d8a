"""``Ext.TDS_...`` functions for macros that have run ``TDS Macro Extensions``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jpype

from tdseg.errors import TdsegError
from tdseg.imagej.java import jc
from tdseg.workflow.session import Session
from tdseg.workflow.status import status_rows

_STRING, _NUMBER = 1, 2  # ij.macro.MacroExtension.ARG_STRING, ARG_NUMBER


class Extension:
    """A ``ij.macro.MacroExtension`` that answers from the session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._functions: dict[str, tuple[list[int], Callable[..., str]]] = {
            "TDS_classCount": ([], self._class_count),
            "TDS_className": ([_NUMBER], self._class_name),
            "TDS_status": ([_STRING], self._status),
        }

    def handleExtension(self, name: Any, arguments: Any) -> Any:  # noqa: N802 (Java's name)
        """Answer one call; macro extensions return strings."""
        try:
            _, function = self._functions[str(name)]
            return jpype.JString(function(*(arguments or ())))
        except TdsegError as error:
            jc.IJ.error("Trainable Deep Segmentation", str(error))
            jc.Macro.abort()
        except Exception as error:  # an escaping exception would show a raw Java trace
            jc.IJ.error("Trainable Deep Segmentation", f"Ext.{name} failed: {error}")
            jc.Macro.abort()
        return None

    def getExtensionFunctions(self) -> Any:  # noqa: N802 (Java's name)
        """Describe the functions to ImageJ."""
        proxy = jpype.JProxy("ij.macro.MacroExtension", inst=self)
        describe = jc.ExtensionDescriptor.newDescriptor
        described = [
            describe(name, proxy, jpype.JArray(jpype.JInt)(kinds))
            for name, (kinds, _) in self._functions.items()
        ]
        return jpype.JArray(jc.ExtensionDescriptor)(described)

    def _class_count(self) -> str:
        return str(len(self._classes()))

    def _class_name(self, value: Any) -> str:
        number = int(float(value))
        names = self._classes()
        if number not in names:
            listing = ", ".join(map(str, names)) or "none"
            raise TdsegError(f"Ext.TDS_className: there is no class {number}. Classes: {listing}.")
        return names[number]

    def _status(self, item: Any) -> str:
        rows = dict(status_rows(session=self._session))
        if str(item) not in rows:
            raise TdsegError(f"Ext.TDS_status: no item '{item}'. Items: {', '.join(rows)}.")
        return rows[str(item)]

    def _classes(self) -> dict[int, str]:
        if self._session.classes or self._session.model is None:
            return self._session.classes
        model = self._session.model
        return dict(zip(model.class_values, model.class_names, strict=True))


def register(session: Session) -> None:
    """Make ``Ext.TDS_...`` known to the macro that runs now.

    Raises
    ------
    TdsegError
        If no macro runs.
    """
    if jc.Interpreter.getInstance() is None:
        raise TdsegError("TDS Macro Extensions works inside a macro; put it on its first line.")
    proxy = jpype.JProxy("ij.macro.MacroExtension", inst=Extension(session))
    jc.Functions.registerExtensions(proxy)
