"""Run ImageJ macros from Python: return value, printed lines, and errors as sentences."""

from __future__ import annotations

import codecs
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import jpype

from tdseg.errors import TdsegError
from tdseg.imagej.dialogs import heard_dialogs
from tdseg.imagej.java import jc

CANCELED = "Macro canceled"  # ij.Macro.MACRO_CANCELED
_POLL_SECONDS = 0.05
_ABORT_SECONDS = 5.0

_one_at_a_time = threading.Lock()
_inside = threading.local()


def run_macro(
    text: str,
    argument: str | None = None,
    *,
    image: Any = None,
    on_print: Callable[[str], None] = print,
) -> str:
    """Run an ImageJ macro and wait for it.

    The macro runs on a thread of its own, so that Ctrl-C stops it. A second macro from another
    thread waits for the first; a macro started from inside one runs at once.

    Parameters
    ----------
    text
        The macro.
    argument
        What ``getArgument()`` returns in it.
    image
        The ImagePlus that is the current image when the macro starts. Default: the caller's.
    on_print
        Receives each thing printed, without its final line break, as it is printed. With a
        display, macros print to ImageJ's Log window, and this gets those lines at the end.

    Returns
    -------
    str
        What the macro returned, empty if it returned nothing.

    Raises
    ------
    TdsegError
        If the macro stopped with an error, with ImageJ's message and the line; or if it called
        ``exit`` with a message, with that message. ``exit`` without one is a normal end.
    """
    if image is None:
        image = jc.WindowManager.getTempCurrentImage()
    if getattr(_inside, "macro", False):
        return _Run(text, argument, image, on_print).run()
    with _one_at_a_time:
        run = _Run(text, argument, image, on_print)
        thread = threading.Thread(target=run.run_guarded, name="tdseg-macro", daemon=True)
        try:
            thread.start()
            # Not join(): Python 3.11 takes a thread for ended when an interrupt comes meanwhile.
            while not run.ended.wait(_POLL_SECONDS):
                pass
        except (KeyboardInterrupt, SystemExit):  # the latter from SIGTERM
            # ImageJ forgets an abort that comes before the macro has begun: ask again.
            deadline = time.monotonic() + _ABORT_SECONDS
            run.aborted = True
            while thread.ident is not None and time.monotonic() < deadline:
                run.abort()
                if run.ended.wait(_POLL_SECONDS):
                    break
            raise
    if jc.GraphicsEnvironment.isHeadless():
        # Without windows, a thread's current image is its own; the macro has changed it.
        jc.WindowManager.setTempCurrentImage(run.current_image)
    if run.failure is not None:
        raise run.failure
    return run.result


class _Run:
    """One run of one macro."""

    def __init__(
        self, text: str, argument: str | None, image: Any, on_print: Callable[[str], None]
    ) -> None:
        self.text = text
        self.argument = argument
        self.image = image
        self.on_print = on_print
        self.interpreter = jc.Interpreter()
        self.aborted = False
        self.ended = threading.Event()
        self.result = ""
        self.failure: BaseException | None = None
        self.thread: Any = None
        self.current_image: Any = None

    def run_guarded(self) -> None:
        """Run as a thread's target: keep the exception for the caller, and say when it ends."""
        _inside.macro = True
        try:
            self._dress_thread()
            self.result = self.run()
        except BaseException as error:
            self.failure = error
        finally:
            self.current_image = jc.WindowManager.getTempCurrentImage()
            jc.WindowManager.setTempCurrentImage(None)
            # A Python thread that called Java stays attached, and known to it, until told.
            jpype.JClass("java.lang.Thread").detach()
            self.ended.set()

    def run(self) -> str:
        """Run on this thread."""
        if self.image is not None:
            jc.WindowManager.setTempCurrentImage(self.image)
            self.image = None
        jc.IJ.getErrorMessage()  # forget that of an earlier run
        error: Exception | None = None
        value: Any = None
        with _Printed(self.on_print) as printed:
            try:
                if self.aborted:
                    raise RuntimeError(CANCELED)
                value = self.interpreter.run(self.text, self.argument)
            except Exception as raised:
                error = raised
            printed.hear_the_rest()
            message = self._message(error, printed)
            if message is None:
                printed.release()
        if message is not None:
            self._tidy_up()
            raise TdsegError(message)
        return "" if value is None else str(value)

    def abort(self) -> None:
        """Stop the macro from another thread, as Esc does."""
        if self.thread is not None:
            # Else abortMacro() might kill the thread while it is inside Python.
            self.thread.setName("tdseg")
        jc.IJ.setKeyDown(jc.KeyEvent.VK_ESCAPE)
        self.interpreter.abortMacro()

    def _dress_thread(self) -> None:
        """Make this Python thread look to ImageJ like one of its own macro threads."""
        thread = jpype.JClass("java.lang.Thread")
        self.thread = thread.currentThread()
        self.thread.setName("tdseg_Macro$")  # Macro.abort() stops only threads named so
        if self.thread.getContextClassLoader() is None:  # classes that ij1-patcher changed need it
            loader = jpype.JClass("java.lang.ClassLoader").getSystemClassLoader()
            self.thread.setContextClassLoader(loader)

    def _tidy_up(self) -> None:
        jc.IJ.showProgress(1.0)
        jc.Macro.setOptions(None)
        current = jc.WindowManager.getCurrentImage()
        if current is not None:
            current.unlock()

    def _message(self, error: Exception | None, printed: _Printed) -> str | None:
        """Say why a macro stopped; None if it came to an end, or called ``exit`` without a word."""
        where = f"The macro stopped in line {int(self.interpreter.getLineNumber())}: "
        reason = self.interpreter.getErrorMessage()
        if reason is not None:  # also when a command swallowed the exception: the macro is over
            return where + _one_line(str(reason))
        if printed.report is not None:  # of a macro that this one called
            return where + printed.report
        if error is None:
            return None
        text = str(error.getMessage()) if isinstance(error, jpype.JException) else str(error)
        if text.endswith(CANCELED):
            if printed.last_error is not None:
                return where + _one_line(printed.last_error)
            if printed.held:
                return _one_line(printed.held[-1])
            return where + "it was cancelled." if jc.IJ.escapePressed() else None
        if isinstance(error, jpype.JException) and "Headless" in str(error.getClass().getName()):
            return where + (
                "this needs a display; start ImageJ with windows (headless=False, or tdseg run "
                "--display)."
            )
        if isinstance(error, jpype.JException):
            text = str(error.toString())
        return where + _one_line(text)


class _Printed:
    """Take what macros print: standard output headless, else the Log window's new lines.

    Error reports are held back, to become the exception's text: what is printed while no
    interpreter is active (ImageJ's report of an error, the message of ``exit``), and what
    ``IJ.error`` prints. With windows, dialogs say all that.

    Attributes
    ----------
    held
        What was held back.
    last_error
        The last message that ``IJ.error`` had, None if there was none.
    report
        Message and line of an error in a macro that this one called, None if there was none.
    """

    def __init__(self, on_print: Callable[[str], None]) -> None:
        self.held: list[str] = []
        self.last_error: str | None = None
        self.report: str | None = None
        self._on_print = on_print
        self._headless = bool(jc.GraphicsEnvironment.isHeadless())
        self._hearing = ExitStack()

    def __enter__(self) -> _Printed:
        if self._headless:
            self._before = jc.System.out, jc.System.err
            jc.System.setOut(_stream(_Sink(self._take_output)))
            jc.System.setErr(_stream(_Sink(self._take_error)))
        else:
            self._log_length = len(_log_text())
            self._hearing.enter_context(heard_dialogs(self._take_dialog))
        return self

    def __exit__(self, *exception: object) -> None:
        if self._headless:
            jc.System.out.flush()
            jc.System.err.flush()
            jc.System.setOut(self._before[0])
            jc.System.setErr(self._before[1])
            return
        self._hearing.close()
        text = _log_text()
        new = text[self._log_length :] if len(text) >= self._log_length else text
        for line in new.splitlines():
            self._on_print(line)

    def hear_the_rest(self) -> None:
        """Wait for what ImageJ says beside the macro's own thread."""
        self._hearing.close()

    def release(self) -> None:
        """Print what was held back, since the macro ended well; the user has read a dialog."""
        for text in self.held if self._headless else ():
            self._on_print(text)
        self.held = []

    def _take_output(self, text: str) -> None:
        message = jc.IJ.getErrorMessage()
        if message is not None:
            self.last_error = str(message)
        if jc.Interpreter.getInstance() is None or text == self.last_error:
            self.held.append(text)
        else:
            self._on_print(text)

    def _take_dialog(self, title: str, text: str) -> None:
        message = jc.IJ.getErrorMessage()
        if message is not None:
            self.last_error = str(message)
        if jc.Interpreter.getInstance() is None and not self._is_report(f"{title}: {text}"):
            self.held.append(text)

    def _is_report(self, text: str) -> bool:
        """Keep ImageJ's report of an error in a macro."""
        match = re.match(r"(?:Macro Error|No Image): (.*) in line (\d+)\s", text + " ", re.DOTALL)
        if match:
            message, line = match.groups()
            self.report = f"{_one_line(message)[:-1]} (line {line} of a macro that it called)."
        return match is not None

    def _take_error(self, text: str) -> None:
        if self._is_report(text):
            return
        if self.report is None:  # the lines after a report quote the macro
            sys.stderr.write(text + "\n")


class _Sink:
    """A Java byte channel that hands over each text written to it, less its last line break."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._pending = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, buffer: Any) -> int:
        """Take bytes (``java.nio.channels.WritableByteChannel``)."""
        count = int(buffer.remaining())
        data = jpype.JArray(jpype.JByte)(count)
        buffer.get(data)
        self._pending += self._decoder.decode(bytes(memoryview(data))).replace("\r\n", "\n")
        if self._pending.endswith("\n"):
            done, self._pending = self._pending[:-1], ""
            self._take(done)
        return count

    def isOpen(self) -> bool:  # noqa: N802 (java.nio.channels.Channel)
        """Say that the channel is open."""
        return True

    def close(self) -> None:
        """Do nothing; the channel lives as long as the run."""


def _stream(sink: _Sink) -> Any:
    # A channel is an interface, so Python can be one; a print stream is a class.
    channel = jpype.JProxy("java.nio.channels.WritableByteChannel", inst=sink)
    return jc.PrintStream(jc.Channels.newOutputStream(channel), True, "UTF-8")


def _log_text() -> str:
    text = jc.IJ.getLog()
    return "" if text is None else str(text)


def _one_line(text: str) -> str:
    """Join lines, since an error is one sentence."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else text + "."
