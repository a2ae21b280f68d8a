"""Pixel classifiers, each a file of its own; ``registry`` finds them by name."""
