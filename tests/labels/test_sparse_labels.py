import numpy as np
import pytest

from tdseg.errors import TdsegError
from tdseg.labels.sparse_labels import SparseLabels


def test_values_are_kept_as_drawn_and_named():
    array = np.zeros((5, 6), np.uint16)
    array[1, 1:3] = 1
    array[3, 4] = 300
    labels = SparseLabels.from_label_image(array, {1: "wall", 300: "pore"})
    assert labels.values == (1, 300)
    assert [labels.name_of(v) for v in (1, 2, 300)] == ["wall", "class 2", "pore"]
    np.testing.assert_array_equal(labels.to_label_image()[0, 0], array)
    assert labels.to_label_image().dtype == np.uint16


def test_groups_are_connected_components_of_one_value_within_a_plane():
    array = np.zeros((2, 4, 6), np.uint8)
    array[0, 0, 0] = array[0, 1, 1] = 1  # touch at a corner: one stroke
    array[0, 0, 4] = 1
    array[0, 1, 0] = 2
    array[1, 0, 0] = 1
    labels = SparseLabels.from_label_image(array)
    group = {
        (int(p), int(y), int(x)): int(g)
        for p, y, x, g in zip(labels.plane, labels.y, labels.x, labels.group, strict=True)
    }
    assert group[0, 0, 0] == group[0, 1, 1]
    assert len(set(group.values())) == 4


def test_later_masks_win():
    first = np.ones((3, 3), bool)
    second = np.zeros((3, 3), bool)
    second[0] = True
    labels = SparseLabels.from_masks({"a": first, "b": second})
    np.testing.assert_array_equal(labels.to_label_image()[0, 0, :, 0], [2, 1, 1])


@pytest.mark.parametrize(
    "array",
    [np.zeros(3, int), np.full((2, 2), 0.5), np.full((2, 2), -1), np.full((2, 2), 70000)],
)
def test_what_is_no_label_image_is_refused(array):
    with pytest.raises(TdsegError, match=r"abel"):
        SparseLabels.from_label_image(array)
