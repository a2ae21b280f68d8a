from __future__ import annotations

import hashlib

import numpy as np
import torch

from tdseg.backbones.hashing import tensors_sha256


def test_hash_is_of_names_shapes_and_values_in_order_of_name():
    tensors = {"b": torch.tensor([[1.5, -2.0]]), "a": torch.tensor([0.25])}
    expected = hashlib.sha256()
    expected.update(b"a (1,)\n" + np.array([0.25], "<f4").tobytes())
    expected.update(b"b (1, 2)\n" + np.array([1.5, -2.0], "<f4").tobytes())
    assert tensors_sha256(tensors) == expected.hexdigest()


def test_what_changes_the_hash_and_what_does_not():
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7)}
    digest = tensors_sha256(tensors)
    assert tensors_sha256({"n": torch.tensor(8), "a": tensors["a"].clone()}) == digest
    assert tensors_sha256({"a": tensors["a"].half()}) == digest
    assert tensors_sha256({"a": tensors["a"].T.contiguous().T}) == digest
    assert tensors_sha256({"a": tensors["a"].reshape(3, 2)}) != digest
    assert tensors_sha256({"b": tensors["a"]}) != digest
    assert tensors_sha256({"a": tensors["a"] + 1}) != digest
