"""ImageJ's Recorder: what it prints replays to identical pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tdseg.commands.table import Command


@contextmanager
def unrecorded() -> Iterator[None]:
    """Keep what a command does to windows out of the Recorder.

    Showing a result would record ``selectImage("...-labels")`` before the command itself, and the
    replay would work on the wrong image.
    """
    from tdseg.imagej.java import jc

    if not jc.Recorder.record:
        yield
        return
    jc.Recorder.suspendRecording()
    try:
        yield
    finally:
        jc.Recorder.resumeRecording()


def record(command: Command, values: Mapping[str, Any]) -> None:
    """Write the call to ImageJ's Recorder, if one is open.

    A command that a listener swallows is not recorded by ImageJ itself. ImageJ ignores what comes
    from a macro's thread, so only menu commands appear. Nothing here may call ``IJ.run``.
    """
    from tdseg.imagej.java import jc

    if not jc.Recorder.record:
        return
    jc.Recorder.setCommand(command.name)
    for text in (command.key(name).format(value) for name, value in values.items()):
        name, _, value = text.partition("=")
        jc.Recorder.recordOption(name, value[1:-1] if value.startswith("[") else value)
    jc.Recorder.saveCommand()
