"""Sparse labels: which pixels the user marked, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.pixel_values import change_values

MOST_VALUES = 64
"""More different values in a label image are taken for a picture, unless each has a name."""

_RANGE = "label values go from 0 (unlabelled) to 65535"


@dataclass(frozen=True)
class SparseLabels:
    """Labelled pixels of one image; n entries, each pixel at most once.

    Attributes
    ----------
    plane, y, x
        Position, int32 (n,); plane number is ``t * Z + z``.
    value
        Label value as drawn (ROI group, or value in a label image), int32 (n,), at least 1.
    group
        Which ROI, or which connected component, the pixel belongs to, int32 (n,). Pixels of one
        stroke are alike, so held-out figures keep them together.
    shape
        Size (T, Z, Y, X) of the image that the labels were drawn on.
    class_names
        Name of each label value; values without one are called ``class k``.
    """

    plane: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]
    x: npt.NDArray[np.int32]
    value: npt.NDArray[np.int32]
    group: npt.NDArray[np.int32]
    shape: tuple[int, int, int, int]
    class_names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("plane", "y", "x", "value", "group"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.int32))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def values(self) -> tuple[int, ...]:
        """Label values that occur, ascending."""
        return tuple(int(v) for v in np.unique(self.value))

    def name_of(self, value: int) -> str:
        """Return the name of a label value."""
        return self.class_names.get(value, f"class {value}")

    @classmethod
    def from_label_image(
        cls,
        array: npt.NDArray[Any],
        class_names: Sequence[str] | Mapping[int, str] | None = None,
        groups: npt.NDArray[np.integer] | None = None,
        *,
        name: str = "A label image",
    ) -> SparseLabels:
        """Take the labelled pixels of a label image.

        Parameters
        ----------
        array
            Integers, (Y, X), (Z, Y, X) or (T, Z, Y, X); 0 is unlabelled, value k is class k, and
            what a mask hides is unlabelled.
        class_names
            The k-th name belongs to value k; or a mapping from value to name.
        groups
            Same shape: which stroke a pixel belongs to. Default: the connected components
            (8-connected, within a plane) of each value.
        name
            What messages call it.

        Returns
        -------
        SparseLabels
            The pixels whose value is not 0.

        Raises
        ------
        TdsegError
            If the array is not of integers from 0 to 65535 with 2 to 4 dimensions, or has more
            than `MOST_VALUES` different ones without as many names.
        """
        try:
            array = np.asarray(array.filled(0) if isinstance(array, np.ma.MaskedArray) else array)
        except ValueError as error:  # lists of unequal lengths
            raise TdsegError(f"{name} is no rectangular array ({error}).") from error
        if not 2 <= array.ndim <= 4:
            raise TdsegError(f"{name} has {array.ndim} dimensions; it needs 2 to 4.")
        if array.size == 0:
            raise TdsegError(f"{name} has no pixels (shape {array.shape}).")
        if class_names is None:
            class_names = {}
        elif not isinstance(class_names, Mapping):
            class_names = {k + 1: str(label) for k, label in enumerate(class_names)}
        array = _whole_numbers(array, name)
        _check_values(array, name, len(class_names))
        t, z, height, width = (1,) * (4 - array.ndim) + array.shape
        shape = (int(t), int(z), int(height), int(width))
        flat = array.reshape((-1, *shape[2:]))
        plane, y, x = (places.astype(np.int32) for places in np.nonzero(flat))
        value = flat[plane, y, x].astype(np.int32)
        if groups is None:
            group = _components(flat)[plane, y, x]
        else:
            group = np.asarray(groups, np.int32).reshape(flat.shape)[plane, y, x]
        return cls(plane, y, x, value, group, shape, dict(class_names))

    @classmethod
    def from_masks(cls, masks: Mapping[str, npt.NDArray[np.bool_]]) -> SparseLabels:
        """Take one mask per class, in order: the k-th name has label value k; later masks win."""
        label_image: npt.NDArray[np.uint16] | None = None
        for k, mask in enumerate(masks.values(), start=1):
            if label_image is None:
                label_image = np.zeros(np.shape(mask), np.uint16)
            if np.shape(mask) != label_image.shape:
                raise TdsegError("All masks must have the same size.")
            label_image[np.asarray(mask, bool)] = k
        if label_image is None:
            raise TdsegError("Give at least one mask.")
        return cls.from_label_image(label_image, list(masks))

    def to_label_image(self) -> npt.NDArray[np.unsignedinteger]:
        """Return the labels as a uint8 or uint16 image (T, Z, Y, X), 0 = unlabelled."""
        dtype = np.uint8 if len(self) == 0 or self.value.max() <= 255 else np.uint16
        t, z, h, w = self.shape
        out = np.zeros((t * z, h, w), dtype)
        out[self.plane, self.y, self.x] = self.value
        return out.reshape(self.shape)

    def on_planes(self, planes: Sequence[int]) -> SparseLabels:
        """Keep only the labels of these planes."""
        keep = np.isin(self.plane, np.asarray(planes))
        return self.select(keep)

    def select(self, keep: npt.NDArray[np.bool_]) -> SparseLabels:
        """Keep the entries where `keep` (n,) is true."""
        return SparseLabels(
            self.plane[keep],
            self.y[keep],
            self.x[keep],
            self.value[keep],
            self.group[keep],
            self.shape,
            self.class_names,
        )


def _whole_numbers(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind == "f":
        unusable = int((~np.isfinite(array)).sum())
        if unusable:
            raise TdsegError(
                f"{name} has {unusable} pixels that are NaN or infinite; set them to 0, which is "
                f"unlabelled (in a macro: {change_values(array)})."
            )
        if not np.array_equal(array, np.rint(array)):
            raise TdsegError(
                f"{name} has fractions; it needs whole numbers, 0 for unlabelled and k for class k."
            )
        if array.size and np.abs(array).max() > 65535:
            raise TdsegError(f"{name} has values up to {np.abs(array).max():g}; {_RANGE}.")
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TdsegError(f"{name} has pixels of type {array.dtype}; it needs whole numbers.")
    return array


def _check_values(array: npt.NDArray[Any], name: str, named: int) -> None:
    if array.size == 0:
        return
    low, high = int(array.min()), int(array.max())
    if low < 0:
        raise TdsegError(f"{name} has negative values (down to {low}); {_RANGE}.")
    if high > 65535:
        raise TdsegError(f"{name} has values up to {high}; {_RANGE}.")
    different = int((np.bincount(array.ravel(), minlength=1)[1:] > 0).sum())
    if different > max(MOST_VALUES, named):
        raise TdsegError(
            f"{name} has {different} different values, as a picture or a numbering of objects has; "
            "give one value to each class, and 0 to what is unlabelled."
        )


def _components(planes: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Count through the connected components of equal value, plane by plane, from 1."""
    from scipy import ndimage  # naming classes and reading ROIs do without SciPy

    out = np.zeros(planes.shape, np.int32)
    count = 0
    for p, plane in enumerate(planes):
        for value in np.unique(plane):
            if value == 0:
                continue
            found, n = ndimage.label(plane == value, structure=np.ones((3, 3)))
            out[p][found > 0] = found[found > 0] + count
            count += n
    return out
