"""``python -m tdseg.worker``: what Fiji starts."""

from tdseg.worker.console import redirect

if __name__ == "__main__":
    redirect()
    # Before the thread that reads standard input: later, Windows would wait for ever.
    import numpy  # noqa: F401

    from tdseg.worker.lifetime import serve

    serve()
