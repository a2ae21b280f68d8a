"""How this process and its Java end: at Python's exit, by a signal, or since ImageJ was quit."""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from typing import Any

import jpype
import jpype.config
import scyjava

from tdseg.imagej.java import jc

_SECONDS_TO_LEAVE = 10

java_ends = threading.Event()
"""Set when Java ends before Python: no call may reach it any more."""

_hook: Any = None


def handle_signals() -> None:
    """Keep Ctrl-C and SIGTERM with Python, in the main thread, where Python allows it.

    A Java that was started by others has taken both: Ctrl-C then ends Java, and crashes what runs
    in it. Python's own handlers, a notebook's too, are put back as they are. JPype compares the
    handler of SIGTERM outside of any thread of Python's, which crashes unless it is a function.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if number == signal.SIGTERM and handler is signal.SIG_DFL:
            handler = _exit_by_sigterm
        if callable(handler):
            signal.signal(number, handler)


def _exit_by_sigterm(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


def watch_java() -> None:
    """Hear when Java ends by itself, as it does when a Fiji is quit; for a waiting main thread.

    Java then waits until Python is gone, and Python leaves Java alone: a call into a Java that
    ends crashes the process.
    """
    global _hook
    if _hook is None:
        run = jpype.JProxy("java.lang.Runnable", dict={"run": _leave_python_time})
        _hook = jc.Thread(run)
        jc.Runtime.getRuntime().addShutdownHook(_hook)


def _leave_python_time() -> None:
    java_ends.set()
    threading.Event().wait(_SECONDS_TO_LEAVE)


def prepare_exit() -> None:
    """Let Python end at once and cleanly.

    Java's end waits for all threads that are not daemons, and ImageJ's filter threads are not;
    but a Java left running calls into a Python that is gone. So: end the filter threads, and
    where others remain leave Java running, with the thread that calls Python stopped.
    """
    if java_ends.is_set():
        atexit.unregister(scyjava.shutdown_jvm)
        jpype.config.onexit = False
        return
    if not jpype.isJVMStarted():
        return
    try:
        _end_threads()
    except jpype.JVMNotRunning:  # Java ended without a word
        atexit.unregister(scyjava.shutdown_jvm)


def _end_threads() -> None:
    if _hook is not None:
        jc.Runtime.getRuntime().removeShutdownHook(_hook)
    pool = jc.ThreadUtil.threadPoolExecutor
    pool.shutdownNow()
    pool.awaitTermination(300, jpype.JClass("java.util.concurrent.TimeUnit").MILLISECONDS)
    here = jc.Thread.currentThread()
    others = [
        thread
        for thread in jpype.JClass("java.lang.Thread").getAllStackTraces().keySet()
        if thread.isAlive() and not thread.isDaemon() and not thread.equals(here)
    ]
    jpype.config.destroy_jvm = not others
    if others:
        jpype.JClass("org.jpype.ref.JPypeReferenceQueue").getInstance().stop()
