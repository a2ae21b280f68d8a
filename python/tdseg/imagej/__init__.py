"""ImageJ in this process: start it, or attach to one that runs; the only place that knows Java."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

# Imported here, before the function of that name is defined: importing a submodule later would
# put the module in the function's place.
from tdseg.imagej import start as starting

if TYPE_CHECKING:
    from tdseg.imagej.start import ImageJSession
    from tdseg.workflow.session import Session

__all__ = ["install", "session", "start"]

_lock = threading.Lock()
_session: Session | None = None
_listener: Any = None


def session() -> Session:
    """Return what this process remembers between commands."""
    global _session
    with _lock:
        if _session is None:
            from tdseg.workflow.session import Session

            _session = Session()
        return _session


def start(
    fiji: str | os.PathLike[str] | None = None,
    *,
    headless: bool = True,
    java_options: Sequence[str] = (),
) -> ImageJSession:
    """Start ImageJ in this process with the ``TDS ...`` commands, or return the one that runs.

    Parameters
    ----------
    fiji
        A Fiji folder, an endpoint such as ``sc.fiji:fiji``, or a version of ImageJ2. Default: the
        environment variable ``TDSEG_FIJI``; without it ImageJ 1.54p alone, *embedded*.
    headless
        Without windows. False needs a display.
    java_options
        More options for Java, such as ``-Xmx8g``; only the first start takes them.

    Returns
    -------
    ImageJSession
        Usable in a ``with`` statement: ``with tdseg.imagej.start() as ij: ij.run_macro(text)``.

    Raises
    ------
    TdsegError
        If ImageJ cannot be started; one sentence with the remedy.
    """
    running = starting.start(fiji, headless=headless, java_options=java_options)
    _listen(running)
    return running


def install() -> ImageJSession:
    """Add the ``TDS ...`` commands to the ImageJ that runs in this process already.

    For notebooks and Fiji's own Python mode, where PyImageJ has started ImageJ.

    Raises
    ------
    TdsegError
        If no Java runs here, or one without ImageJ.
    """
    running = starting.install()
    _listen(running)
    return running


def _listen(running: ImageJSession) -> None:
    """Add the command listener, the plugin's service, menu and search bar, once."""
    global _listener
    import jpype

    from tdseg.imagej.java import jc
    from tdseg.imagej.listener import Listener
    from tdseg.imagej.menu import install_menu
    from tdseg.imagej.search_bar import make_searchable
    from tdseg.imagej.service import offer

    current = session()
    with _lock:
        if _listener is None:
            _listener = jpype.JProxy("ij.CommandListener", inst=Listener(current))
            jc.Executer.addCommandListener(_listener)
            offer(current)
            if not running.headless:
                make_searchable(running.gateway)
                if jc.IJ.getInstance() is not None:
                    install_menu()
