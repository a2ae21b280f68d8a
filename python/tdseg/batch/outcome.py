"""What became of one image of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tdseg.batch.measures import Agreement


@dataclass(frozen=True)
class FileOutcome:
    """What became of one image.

    Attributes
    ----------
    source
        The image's file.
    written
        The files written; empty if skipped or failed.
    skipped
        Whether its results existed already and were kept.
    error
        One sentence, or "".
    seconds
        How long reading and computing took; 0 where nobody knows.
    place
        Relative path of the image, as the results' folder mirrors it.
    note
        What the user should know of the results.
    results
        All its result files, by kind, new or kept.
    facts
        What was measured (`tdseg.batch.measures.facts_of`); empty if nothing could be.
    agreement
        With the truth; None without.
    otherwise
        Whether kept results are not as this job would make them; `note` says why.
    number
        Its place in the list of the job's images, counted from 0.
    """

    source: Path
    written: tuple[Path, ...] = ()
    skipped: bool = False
    error: str = ""
    seconds: float = 0.0
    place: str = ""
    note: str = ""
    results: Mapping[str, Path] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    agreement: Agreement | None = None
    otherwise: bool = False
    number: int = 0

    @property
    def status(self) -> str:
        """``written``, ``skipped``, ``kept`` (made otherwise) or ``failed``."""
        if self.error:
            return "failed"
        if self.skipped:
            return "kept" if self.otherwise else "skipped"
        return "written"
