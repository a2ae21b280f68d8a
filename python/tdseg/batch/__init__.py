"""Jobs over many files."""

from .apply_files import FileOutcome, apply_to_files

__all__ = ["FileOutcome", "apply_to_files"]
