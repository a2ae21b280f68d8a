"""Jobs over many files."""
