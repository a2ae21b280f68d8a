"""Trainable Deep Segmentation."""
