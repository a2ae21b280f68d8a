"""The weights inside an ONNX graph, under the names of the modules that use them."""

from __future__ import annotations

from pathlib import Path

import torch

from tdseg.errors import TdsegError

_GENERATED = ("onnx::", "val_", "_to_copy", "t_")


def read_onnx(file: Path) -> dict[str, torch.Tensor]:
    """Read a graph's initialisers.

    PyTorch's exporter transposes the matrices of linear layers and names them by number; the node
    that multiplies by one carries the module's path, ``/backbone/encoder/layer.0/mlp/fc1/MatMul``,
    which gives ``backbone.encoder.layer.0.mlp.fc1.weight``, turned back. Position embeddings that
    were cut into class and patches are joined again.

    Parameters
    ----------
    file
        ``.onnx``.

    Returns
    -------
    dict
        Floating-point tensors by name. Nothing in the graph is run.

    Raises
    ------
    TdsegError
        If the package ``onnx`` is missing or the file is no ONNX graph.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise TdsegError(
            f"Reading weights from {file.name} needs the package onnx; install it with: "
            "pip install onnx"
        ) from error
    try:
        graph = onnx.load(str(file)).graph
        arrays = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
            for tensor in graph.initializer
        }
    except Exception as error:
        raise TdsegError(f"{file.name} could not be read as an ONNX graph: {error}") from error
    arrays = {name: value for name, value in arrays.items() if value.is_floating_point()}
    named = {name: value for name, value in arrays.items() if not name.startswith(_GENERATED)}
    positions: dict[str, list[torch.Tensor]] = {}
    for node in graph.node:
        for source in node.input:
            if source not in arrays or source in named:
                continue
            module = ".".join(node.name.strip("/").split("/")[:-1])
            value = arrays[source]
            if node.op_type in ("MatMul", "Gemm") and value.ndim == 2:
                turned = node.op_type == "Gemm" and any(
                    a.name == "transB" and a.i for a in node.attribute
                )
                named[f"{module}.weight"] = value if turned else value.T.contiguous()
            elif module.endswith("embeddings") and value.ndim == 3 and value.shape[0] == 1:
                positions.setdefault(module, []).append(value)
    for module, pieces in positions.items():
        pieces.sort(key=lambda piece: piece.shape[1])
        if len(pieces) == 1 or (len(pieces) == 2 and pieces[0].shape[1] == 1):
            named.setdefault(f"{module}.position_embeddings", torch.cat(pieces, dim=1))
    return named
