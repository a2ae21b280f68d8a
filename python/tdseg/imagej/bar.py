"""Progress in ImageJ's status bar, and cancelling with Esc."""

from __future__ import annotations

from tdseg.errors import Cancelled
from tdseg.imagej.java import jc


class FijiProgress:
    """Shows progress in ImageJ's status bar; notes go to the Log; Esc cancels."""

    def __init__(self) -> None:
        jc.IJ.resetEscape()
        self.notes: list[str] = []

    def update(self, fraction: float, message: str = "") -> None:
        """Draw the bar.

        Raises
        ------
        Cancelled
            If the user pressed Esc.
        """
        if jc.IJ.escapePressed():
            raise Cancelled()
        jc.IJ.showProgress(float(min(max(fraction, 0.0), 1.0)))
        if message:
            jc.IJ.showStatus(f"TDS: {message}")

    def note(self, message: str) -> None:
        """Write a line to the Log."""
        self.notes.append(message)
        jc.IJ.log(message)

    def finish(self) -> None:
        """Clear the bar."""
        jc.IJ.showProgress(1.0)
        jc.IJ.showStatus("")
