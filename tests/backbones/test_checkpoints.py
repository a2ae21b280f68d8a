from __future__ import annotations

import io
import pickle

import pytest
import torch
from backbone_networks import INFO, tiny_eva, tiny_vit, to_hugging_face, to_original
from safetensors.torch import save_file
from torch import nn

from tdseg.backbones.checkpoints import load_checkpoint, read_tensors
from tdseg.backbones.vit import VitBackbone
from tdseg.errors import TdsegError


def _tokens(network: nn.Module) -> torch.Tensor:
    size = 3 * network.patch_embed.patch_size[0]
    images = torch.rand(1, 3, size, 2 * size, generator=torch.Generator().manual_seed(5))
    return VitBackbone(network, "tiny", INFO).tokens(images)[0]


def _dinov3_original(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out = {"mask_token": torch.zeros(1, 48), "rope_embed.periods": torch.ones(4)}
    for name, value in state.items():
        name = name.replace("reg_token", "storage_tokens")
        out[name.replace("gamma_1", "ls1.gamma").replace("gamma_2", "ls2.gamma")] = value
    for block in range(2):
        out[f"blocks.{block}.attn.qkv.bias"] = torch.zeros(144)
        out[f"blocks.{block}.attn.qkv.bias_mask"] = torch.full((144,), float("nan"))
    return out


def _dinov3_hugging_face(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = {
        "cls_token": "embeddings.cls_token",
        "reg_token": "embeddings.register_tokens",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.bias",
    }
    out = {"embeddings.mask_token": torch.zeros(1, 1, 48)}
    for name, value in state.items():
        if name.endswith("attn.qkv.weight"):
            stem = name.replace("blocks.", "layer.").removesuffix("attn.qkv.weight")
            for part, piece in zip("qkv", value.chunk(3), strict=True):
                out[f"{stem}attention.{part}_proj.weight"] = piece
                if part != "k":
                    out[f"{stem}attention.{part}_proj.bias"] = torch.zeros(len(piece))
            continue
        name = names.get(name, name.replace("blocks.", "layer."))
        name = name.replace("attn.proj.", "attention.o_proj.")
        name = name.replace("mlp.fc1.", "mlp.up_proj.").replace("mlp.fc2.", "mlp.down_proj.")
        for number in "12":
            name = name.replace(f"gamma_{number}", f"layer_scale{number}.lambda1")
        out[name] = value
    return out


NAMINGS = {
    "timm": lambda state: dict(state),
    "hugging face": to_hugging_face,
    "hugging face inside a model": lambda state: {
        **{f"dinov2.{name}": value for name, value in to_hugging_face(state).items()},
        "classifier.weight": torch.zeros(2, 2),
    },
    "original": to_original,
    "original, chunked": lambda state: to_original(state, chunked=True),
    "original, in a training checkpoint": lambda state: {
        "teacher": {f"module.backbone.{name}": value for name, value in to_original(state).items()},
        "epoch": 3,
    },
}


@pytest.mark.parametrize("registers", [0, 4])
@pytest.mark.parametrize("naming", NAMINGS)
def test_every_naming_gives_the_same_tokens_and_hash(tmp_path, naming, registers):
    source = tiny_vit(seed=1, registers=registers)
    state = {name: value.clone() for name, value in source.state_dict().items()}
    torch.save(NAMINGS[naming](state), tmp_path / "weights.pth")
    torch.save(state, tmp_path / "timm.pth")
    network, plain = tiny_vit(2, registers), tiny_vit(3, registers)
    assert not torch.allclose(_tokens(network), _tokens(source))
    digest = load_checkpoint(network, tmp_path / "weights.pth", "tiny")
    reference = load_checkpoint(plain, tmp_path / "timm.pth", "tiny")
    torch.testing.assert_close(_tokens(network), _tokens(source), rtol=1e-5, atol=1e-5)
    if registers == 0 or naming == "timm":  # else one addition was rounded on the way
        assert digest == reference


@pytest.mark.parametrize("rename", [dict, _dinov3_original, _dinov3_hugging_face])
def test_rotary_networks_load_in_every_naming(tmp_path, rename):
    source, network = tiny_eva(1), tiny_eva(2)
    tensors = rename(source.state_dict())
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, tmp_path / "w.safetensors"
    )
    load_checkpoint(network, tmp_path / "w.safetensors", "tiny")
    assert torch.equal(_tokens(network), _tokens(source))


def test_attention_biases_that_the_network_lacks_are_refused_unless_zero(tmp_path):
    tensors = _dinov3_original(tiny_eva(1).state_dict())
    tensors["blocks.1.attn.qkv.bias"][3] = 0.5
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(TdsegError, match=r"1 that it does not have \(blocks.1.attn.qkv.bias\)"):
        load_checkpoint(tiny_eva(2), tmp_path / "w.pth", "tiny")


@pytest.mark.parametrize("registers", [0, 4])
def test_positions_of_another_grid_come_with_their_grid(tmp_path, registers):
    source = tiny_vit(1, registers, grid=6)
    torch.save(to_original(source.state_dict()), tmp_path / "w.pth")
    network = tiny_vit(2, registers, grid=4)
    load_checkpoint(network, tmp_path / "w.pth", "tiny")
    assert VitBackbone(network, "tiny", INFO).window == 6 * 14
    torch.testing.assert_close(_tokens(network), _tokens(source), rtol=1e-5, atol=1e-5)


def test_onnx_weights_give_the_same_tokens(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    source = tiny_vit(1, registers=0)
    nodes, initialisers = [], []
    for number, (name, value) in enumerate(to_hugging_face(source.state_dict()).items()):
        name = f"backbone.{name}"
        linear = value.ndim == 2 and name.endswith(".weight")
        pieces = [value.T if linear else value]
        if linear:
            stem, operation = name.removesuffix(".weight"), "MatMul"
        elif name.endswith("position_embeddings"):
            stem, operation = name.removesuffix(".position_embeddings"), "Add"
            pieces = [value[:, 1:], value[:, :1]]
        else:
            initialisers.append(numpy_helper.from_array(value.numpy(), name))
            continue
        for part, piece in enumerate(pieces):
            label = f"onnx::{operation}_{number}{part}"
            initialisers.append(numpy_helper.from_array(piece.contiguous().numpy(), label))
            path = "/" + stem.replace(".", "/").replace("layer/", "layer.") + f"/{operation}"
            nodes.append(helper.make_node(operation, ["x", label], [f"y{number}{part}"], name=path))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [], initialisers)
    onnx.save(helper.make_model(graph), str(tmp_path / "w.onnx"))
    network = tiny_vit(2, registers=0)
    load_checkpoint(network, tmp_path / "w.onnx", "tiny")
    assert torch.equal(_tokens(network), _tokens(source))


class _Payload:
    def __reduce__(self):
        return (print, ("code was run",))


def test_a_file_that_needs_code_is_refused_and_none_is_run(tmp_path, capsys):
    torch.save({"a": _Payload()}, tmp_path / "w.pth")
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"a": _Payload()}, protocol=2))
    for name in ("w.pth", "old.pt"):
        with pytest.raises(TdsegError, match=rf"{name} .*would run code when loaded"):
            read_tensors(tmp_path / name)
    torch.save(tiny_vit(), tmp_path / "whole.pt")
    with pytest.raises(TdsegError, match=r"whole.pt .*save its state_dict"):
        read_tensors(tmp_path / "whole.pt")
    assert "code was run" not in capsys.readouterr().out


def test_damaged_and_foreign_files(tmp_path):
    good = io.BytesIO()
    torch.save({"a": torch.zeros(1000)}, good)
    for name, content in {
        "cut.pth": good.getvalue()[:700],
        "text.pth": b"hello",
        "cut.safetensors": b"hello, this is no header",
        "text.onnx": b"\xff\xff\xff\xffno graph",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TdsegError, match=rf"^{name}"):
            read_tensors(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(TdsegError, match="holds no named tensors"):
        read_tensors(tmp_path / "list.pth")
    (tmp_path / "w.txt").write_text("")
    with pytest.raises(TdsegError, match="is no weights file"):
        read_tensors(tmp_path / "w.txt")
    with pytest.raises(TdsegError, match="does not exist"):
        read_tensors(tmp_path / "none.pth")


def test_weights_of_another_backbone_are_refused_by_name(tmp_path):
    file = tmp_path / "w.pth"
    torch.save(to_original(tiny_vit(1, registers=0).state_dict()), file)
    with pytest.raises(TdsegError, match=r"^w.pth does not .* tiny: 1 missing \(reg_token\)"):
        load_checkpoint(tiny_vit(2, registers=4), file, "tiny")
    torch.save(to_original(tiny_vit(1, registers=4).state_dict()), file)
    with pytest.raises(TdsegError, match=r"1 that it does not have \(reg_token\)"):
        load_checkpoint(tiny_vit(2, registers=0), file, "tiny")
    torch.save({"a": torch.zeros(1)}, file)
    with pytest.raises(TdsegError, match=r"\d+ missing \(cls_token, .*\) and 1 that"):
        load_checkpoint(tiny_vit(2), file, "tiny")
    torch.save(tiny_vit(1, patch=16).state_dict(), file)
    with pytest.raises(TdsegError, match=r"patch_embed.proj.weight is \(24, 3, 16, 16\) instead"):
        load_checkpoint(tiny_vit(2, patch=14), file, "tiny")


def test_a_refused_file_leaves_no_partly_loaded_network(tmp_path):
    network = tiny_vit(2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.save(tiny_vit(1, patch=16).state_dict(), tmp_path / "w.pth")
    with pytest.raises(TdsegError):
        load_checkpoint(network, tmp_path / "w.pth", "tiny")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("best", "other"),
    [
        ("teacher", "student"),
        ("state_dict_ema", "state_dict"),
        ("model_ema", "model"),
        ("teacher", "model"),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_of_two_sets_the_averaged_one_is_used_and_said(tmp_path, best, other, flat):
    sets = {other: {"a": torch.zeros(2)}, best: {"a": torch.ones(2)}}
    if flat and (best, other) == ("teacher", "student"):
        content = {f"{name}.{key}": v for name, found in sets.items() for key, v in found.items()}
    else:
        content = {"epoch": 3, **sets}
    torch.save(content, tmp_path / "w.pth")
    notes: list[str] = []
    found = read_tensors(tmp_path / "w.pth", note=notes.append)
    assert found["a"].sum() == 2
    assert len(notes) == 1
    assert best in notes[0]
    assert other in notes[0]


def test_what_a_file_holds_instead_is_said(tmp_path):
    torch.save({"generator": {"a": torch.zeros(1)}, "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(TdsegError, match=r"no named tensors \(it has the keys generator, epoch\)"):
        read_tensors(tmp_path / "w.pth")
    torch.save({"state_dict": {"epoch": 3}}, tmp_path / "w.pth")
    with pytest.raises(TdsegError, match=r"under 'state_dict' \(it has the keys epoch\)"):
        read_tensors(tmp_path / "w.pth")
    endless: dict[str, object] = {}
    endless["model"] = endless
    torch.save(endless, tmp_path / "w.pth")
    with pytest.raises(TdsegError, match="no named tensors"):
        read_tensors(tmp_path / "w.pth")


@pytest.mark.parametrize(
    "start", ["<!DOCTYPE html><html>", "\n <html>", "version https://git-lfs.github.com/spec/v1\n"]
)
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "w.onnx"])
def test_a_page_saved_as_weights_is_named(tmp_path, start, name):
    (tmp_path / name).write_text(start + "x" * 600)
    with pytest.raises(TdsegError, match=r"w\.\w+ is not a weights file"):
        read_tensors(tmp_path / name)
