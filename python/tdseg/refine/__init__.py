"""Refine class probabilities with the image's edges."""
