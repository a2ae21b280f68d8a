"""Jobs over many files."""

from tdseg.batch.apply_files import FileOutcome, apply_to_files

__all__ = ["FileOutcome", "apply_to_files"]
