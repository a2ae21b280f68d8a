"""``python -m tdseg`` and the command ``tdseg``: what must hold before and after a command.

Nothing is imported here but what Python has loaded already: Ctrl-C is heard from the first line.
"""

import codecs
import os
import signal
import sys


def entry() -> None:
    """Run the command line and end the process, without waiting for Java's threads."""
    status = 130
    signal.signal(signal.SIGTERM, end_tidily)
    try:
        for stream in (sys.stdout, sys.stderr):
            print_anything(stream)
        from tdseg.cli import main

        status = main()
        sys.stdout.flush()
    except SystemExit as end:  # of argparse: --help, --version, a usage error; or of SIGTERM
        status = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        sys.stderr.write("tdseg: Stopped.\n")
    except BrokenPipeError:  # the reader, such as head, has seen enough
        status = 141
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C changes nothing any more
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 1
    os._exit(status)


def end_tidily(*_: object) -> None:
    """Let SIGTERM end the process as Ctrl-C does, so that no unfinished file stays."""
    sys.exit(128 + signal.SIGTERM)


def print_anything(stream: object) -> None:
    r"""Let a text stream print every name, whatever its encoding.

    Bytes of a file name that are no text (Python has them as lone surrogates) go out as they came
    in; other characters that the encoding lacks, as with an ASCII or cp1252 pipe, become escapes
    such as ``\\xf6``. A name must not end a command whose results are written already.
    """
    codecs.register_error("tdseg.names", _encode_name)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # a test or an embedding program may have put another object here
        reconfigure(errors="tdseg.names")


def _encode_name(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


if __name__ == "__main__":
    entry()
