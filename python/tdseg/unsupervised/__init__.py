"""Segmentation without labels: clusters, attention, foreground."""
