"""``tdseg fiji``: Fiji or ImageJ in a window, with the commands in its menu."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import jpype

from tdseg.errors import TdsegError
from tdseg.fiji_install.building import plugin_jar
from tdseg.imagej import start
from tdseg.imagej.choice import choose_fiji
from tdseg.imagej.ending import java_ends, watch_java
from tdseg.imagej.java import jc
from tdseg.imagej.jdk import find_java
from tdseg.runtime.files import check_source


def run_desktop(fiji: str | None, images: Sequence[Path] = ()) -> int:
    """Open Fiji or ImageJ with the ``TDS ...`` commands, and wait until its window is closed.

    Parameters
    ----------
    fiji
        A folder, endpoint or version; None: see `choose_fiji`.
    images
        Files to open.

    Returns
    -------
    int
        0.

    Raises
    ------
    TdsegError
        If there is no display, ImageJ cannot be started, or an image is missing.
    """
    for path in images:
        check_source(path, "image file")
    chosen, reason = choose_fiji(fiji)
    print(reason, flush=True)
    try:
        plugin_jar(find_java, lambda line: print(line, flush=True))
    except TdsegError as error:
        print(f"Dialogs are ImageJ's own, and there is no panel: {error}", flush=True)
    # An empty string asks for embedded ImageJ, whatever the environment says.
    start(chosen, headless=False)
    if chosen and jc.IJ.getInstance() is None:  # embedded, the user has quit already
        raise TdsegError(f"{chosen} has no window of ImageJ; name another Fiji with --fiji.")
    for path in images:
        jc.IJ.open(str(path.resolve()))
    _wait_for_the_window()
    return 0


class _Closing:
    """A ``java.awt.event.WindowListener`` that hears when ImageJ's window is gone."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def windowClosed(self, event: object) -> None:  # noqa: N802 (Java's name)
        """Hear that the user has quit: unsaved images have been asked for by now."""
        self.closed.set()

    def __getattr__(self, name: str) -> Callable[[object], None]:
        """Take no notice of the listener's other events."""
        if not name.startswith("window"):
            raise AttributeError(name)
        return lambda event: None


def _wait_for_the_window() -> None:
    """Return when the user has quit ImageJ; a waiting Python calls no Java, which may be ending."""
    closing = _Closing()
    watch_java()
    window = jc.IJ.getInstance()
    if window is None:  # quit already
        return
    window.addWindowListener(jpype.JProxy("java.awt.event.WindowListener", inst=closing))
    if not window.isDisplayable():
        return
    while not (closing.closed.wait(0.1) or java_ends.is_set()):
        pass
    # A Fiji ends Java right after its window.
    java_ends.wait(0.5)
