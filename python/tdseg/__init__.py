"""Trainable Deep Segmentation: pixel classification for Fiji with classical and deep features."""
