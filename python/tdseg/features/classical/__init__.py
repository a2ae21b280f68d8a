"""Classical features: those of Trainable Weka Segmentation, by its own definitions and names."""

from __future__ import annotations

from tdseg.features.classical.families import (
    DEFAULT_FAMILIES,
    FAMILIES,
    register_family,
    resolve_families,
)
from tdseg.features.classical.names import feature_names
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.plane import ClassicalPlane

__all__ = [
    "DEFAULT_FAMILIES",
    "FAMILIES",
    "ClassicalOptions",
    "ClassicalPlane",
    "feature_names",
    "register_family",
    "resolve_families",
]
