"""``Ext.TDS_...`` functions for macros that have run ``TDS Macro Extensions``."""

from __future__ import annotations

from typing import Any

import jpype

from tdseg.commands.extensions import FUNCTIONS
from tdseg.errors import TdsegError
from tdseg.imagej.java import jc
from tdseg.workflow.session import Session

_KINDS = {"text": 1, "number": 2}  # ij.macro.MacroExtension.ARG_STRING, ARG_NUMBER


class Extension:
    """A ``ij.macro.MacroExtension`` that answers from the session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def handleExtension(self, name: Any, arguments: Any) -> Any:  # noqa: N802 (Java's name)
        """Answer one call; macro extensions return strings."""
        try:
            _, function = FUNCTIONS[str(name)]
            return jpype.JString(function(self._session, *(arguments or ())))
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
            describe(name, proxy, jpype.JArray(jpype.JInt)([_KINDS[kind] for kind in kinds]))
            for name, (kinds, _) in FUNCTIONS.items()
        ]
        return jpype.JArray(jc.ExtensionDescriptor)(described)


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
