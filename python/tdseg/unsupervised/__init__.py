"""Segmentation without labels."""
