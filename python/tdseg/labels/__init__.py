"""Labels: sparse labels, and how ROIs become pixels of a class."""
