"""What ImageJ's dialogs say, heard as they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jpype

from tdseg.imagej.java import jc


@contextmanager
def heard_dialogs(take: Callable[[str, str], None]) -> Iterator[None]:
    """Hand title and text of each dialog that opens within the ``with`` statement to `take`.

    `take` is called on the event thread, while the dialog waits for its OK button. Of a macro that
    ``exit("reason")`` ended, the dialog is all that tells the reason.
    """
    toolkit = jpype.JClass("java.awt.Toolkit").getDefaultToolkit()
    listener = jpype.JProxy("java.awt.event.AWTEventListener", inst=_Ear(take))
    toolkit.addAWTEventListener(listener, jpype.JClass("java.awt.AWTEvent").WINDOW_EVENT_MASK)
    try:
        yield
        _wait_for_events()
    finally:
        toolkit.removeAWTEventListener(listener)


class _Ear:
    def __init__(self, take: Callable[[str, str], None]) -> None:
        self._take = take

    def eventDispatched(self, event: Any) -> None:  # noqa: N802 (Java's name)
        """Hear of a window that opened (``java.awt.event.AWTEventListener``)."""
        window = event.getSource()
        opened = int(event.getID()) == int(jc.WindowEvent.WINDOW_OPENED)
        if opened and isinstance(window, jc.Dialog):
            self._take(str(window.getTitle() or ""), "\n".join(_texts(window)))


def _texts(component: Any) -> Iterator[str]:
    """Yield the lines of all labels inside a component."""
    if isinstance(component, jc.MultiLineLabel):
        try:
            lines = component.getClass().getDeclaredField("lines")
            lines.setAccessible(True)
            yield from (str(line) for line in lines.get(component))
        except jpype.JException:  # another ImageJ may keep its lines elsewhere
            return
    elif isinstance(component, jc.Label):
        yield str(component.getText())
    elif isinstance(component, jc.Container):
        for index in range(int(component.getComponentCount())):
            yield from _texts(component.getComponent(index))


def _wait_for_events() -> None:
    """Wait until the events that are there have been handled: a dialog may be gone already."""
    queue = jpype.JClass("java.awt.EventQueue")
    if not queue.isDispatchThread():
        queue.invokeAndWait(jpype.JProxy("java.lang.Runnable", dict={"run": lambda: None}))
