"""AnyUp against its formulas written out in torch: masked attention in double precision."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from tdseg.backbones.base import Level, WeightsInfo
from tdseg.errors import TdsegError
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.threads import set_thread_count
from tdseg.upsampling import anyup as anyup_module
from tdseg.upsampling import guide_network, guide_tiles
from tdseg.upsampling.anyup_weights import read_anyup
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import make_upsampler
from tdseg.upsampling.shifts import Encoder

WHOLE = slice(None)
WIDTH = 32  # published: 128
HEADS = 4
CHANNELS = 7
NAMES = tuple(map(str, range(CHANNELS)))
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[:, None, None]


class Patches:
    """A patch embedding of 6 pixels and a nonlinearity, random but fixed."""

    name, multiple, window, has_global_context, has_attention = "patches", 6, 518, False, False
    weights = WeightsInfo("patches", "00", "CC0-1.0", "test")
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self) -> None:
        self.levels: tuple[Level, ...] = (Level("last", CHANNELS, 6, 2.5),)
        generator = torch.Generator().manual_seed(0)
        self.kernel = torch.randn(CHANNELS, 3, 6, 6, generator=generator) / 6

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [torch.tanh(functional.conv2d(images, self.kernel, stride=6))]


def random_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors under the names of AnyUp's checkpoints, large enough that every one matters."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        size = math.prod(shape[1:]) if len(shape) > 1 else 4
        return torch.randn(*shape, generator=generator) / size**0.5

    state = {
        "image_encoder.0.weight": draw(WIDTH, 3, 1, 1),
        "query_encoder.0.weight": draw(WIDTH, WIDTH, 1, 1),
        "key_encoder.0.weight": draw(WIDTH, WIDTH, 1, 1),
        "aggregation.0.weight": draw(WIDTH, 2 * WIDTH, 3, 3),
        "key_features_encoder.0.basis": 10 * draw(WIDTH, 1, 5, 5),
        "cross_decode.conv2d.weight": draw(WIDTH, WIDTH, 3, 3),
        "rope.freqs": 8 * draw(2, WIDTH),
        "cross_decode.cross_attn.norm_q.weight": 2 + draw(WIDTH),
        "cross_decode.cross_attn.norm_k.weight": 2 + draw(WIDTH),
        "cross_decode.cross_attn.attention.in_proj_weight": draw(3 * WIDTH, WIDTH),
        "cross_decode.cross_attn.attention.in_proj_bias": draw(3 * WIDTH),
        "cross_decode.cross_attn.attention.out_proj.weight": draw(WIDTH, WIDTH),
    }
    for name in ("image_encoder", "query_encoder", "key_encoder", "key_features_encoder"):
        state |= blocks(name, draw)
    return state | blocks("aggregation", draw)


def blocks(name, draw) -> dict[str, torch.Tensor]:
    found = {}
    for block in (1, 2):
        for norm, conv in ((0, 2), (3, 5)):
            stem = f"{name}.{block}.block."
            found[f"{stem}{norm}.weight"] = 1 + draw(WIDTH)
            found[f"{stem}{norm}.bias"] = draw(WIDTH)
            found[f"{stem}{conv}.weight"] = draw(WIDTH, WIDTH, 1, 1)
    return found


class Plain:
    """AnyUp as its authors describe it, in double precision, for one image at once."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        self.state = {k: v.double() for k, v in state.items()}

    def blocks(self, x: torch.Tensor, name: str) -> torch.Tensor:
        for block in (1, 2):
            y = x
            for norm, conv in ((0, 2), (3, 5)):
                stem = f"{name}.{block}.block."
                weight, bias = (self.state[f"{stem}{norm}.{k}"] for k in ("weight", "bias"))
                y = functional.silu(functional.group_norm(y, 8, weight, bias))
                y = functional.conv2d(y, self.state[f"{stem}{conv}.weight"])
            x = x + y
        return x

    def encoder(self, x: torch.Tensor, name: str) -> torch.Tensor:
        kernel = self.state[name + ".0.weight"]
        if kernel.shape[2] == 3:
            x = functional.pad(x, (1, 1, 1, 1), "reflect")
        return self.blocks(functional.conv2d(x, kernel), name)

    def encoded(self, image: torch.Tensor) -> torch.Tensor:
        x = self.encoder(((image - MEAN) / STD)[None], "image_encoder")
        height, width = image.shape[1:]
        y, x_place = (torch.linspace(0, 1, n, dtype=torch.float64) for n in (height, width))
        freqs = self.state["rope.freqs"]
        angle = y[:, None, None] * freqs[0] + x_place[None, :, None] * freqs[1]
        angle = angle.permute(2, 0, 1)
        first, second = x.chunk(2, dim=1)
        return x * angle.cos() + torch.cat([-second, first], dim=1) * angle.sin()

    def unified(self, tokens: torch.Tensor) -> torch.Tensor:
        basis = self.state["key_features_encoder.0.basis"]
        unit = tokens / tokens.norm(dim=0, keepdim=True)
        ones = functional.conv2d(
            torch.ones(1, 1, *tokens.shape[1:], dtype=torch.float64),
            torch.ones(1, 1, 5, 5, dtype=torch.float64),
            padding=2,
        )
        shares = [
            (functional.conv2d(channel[None, None], basis, padding=2) / ones).softmax(dim=1)
            for channel in unit
        ]
        return self.blocks(torch.stack(shares).mean(dim=0), "key_features_encoder")

    def projected(self, x: torch.Tensor, which: int) -> torch.Tensor:
        stem = "cross_decode.cross_attn."
        scale = self.state[stem + ("norm_q.weight", "norm_k.weight")[which]]
        x = x[0].flatten(1).T
        x = functional.rms_norm(x, (WIDTH,), scale, torch.finfo(torch.float32).eps)
        rows = slice(which * WIDTH, (which + 1) * WIDTH)
        weight = self.state[stem + "attention.in_proj_weight"][rows]
        x = x @ weight.T + self.state[stem + "attention.in_proj_bias"][rows]
        return x.reshape(len(x), HEADS, -1).transpose(0, 1)

    def __call__(self, image: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens.double()
        height, width = image.shape[1:]
        rows, cols = tokens.shape[1:]
        encoded = self.encoded(image)
        query = self.encoder(encoded, "query_encoder")
        query = functional.conv2d(query, self.state["cross_decode.conv2d.weight"], padding=1)
        key = functional.adaptive_avg_pool2d(self.encoder(encoded, "key_encoder"), (rows, cols))
        key = self.encoder(torch.cat([key, self.unified(tokens)], dim=1), "aggregation")
        scores = self.projected(query, 0) @ self.projected(key, 1).transpose(1, 2)
        scores = scores / (WIDTH / HEADS) ** 0.5
        mask = near(height, rows)[:, None, :, None] & near(width, cols)[None, :, None, :]
        scores[:, ~mask.reshape(height * width, rows * cols)] = -math.inf
        weights = scores.softmax(dim=2).mean(dim=0)
        return (weights @ tokens.flatten(1).T).T.reshape(-1, height, width)


def near(pixels: int, tokens: int) -> torch.Tensor:
    """Return which tokens (pixels, tokens) touch a tenth of the image to either side."""
    found = torch.zeros(pixels, tokens, dtype=torch.bool)
    for p in range(pixels):
        place = (p + 0.5) / pixels
        low, high = max(place - 0.1, 0) * tokens, min(place + 0.1, 1) * tokens
        found[p, math.floor(low) : math.ceil(high)] = True
    return found


@pytest.fixture
def checkpoint(tmp_path) -> str:
    file = tmp_path / "anyup.safetensors"
    save_file(random_state(), file)
    return str(file)


def anyup(picture: Picture, weights: str, **options: object) -> FeatureMap:
    made = make_upsampler(Patches(), UpsamplingOptions("anyup", weights=weights, **options))
    return made.features(picture, NAMES)


def expected_for(picture: Picture, state: dict[str, torch.Tensor]) -> np.ndarray:
    """Do what AnyUp does to the continued image and its tokens, and cut out the image."""
    backbone = Patches()
    plan = Encoder(backbone, UpsamplingOptions("anyup")).plan(picture.shape)
    height, width = picture.shape
    rows, cols = (
        np.pad(np.arange(n), (axis.base, axis.length - axis.base - n), "reflect")
        for n, axis in ((height, plan.rows), (width, plan.cols))
    )
    image = torch.from_numpy(picture.crop(rows, cols))
    found = Plain(state)(image.double(), backbone.tokens(image[None])[0][0])
    top, left = plan.rows.base, plan.cols.base
    return found[:, top : top + height, left : left + width].numpy()


@pytest.fixture
def small_tiles(monkeypatch) -> None:
    """Tiles of 32 pixels, and few tokens filtered at a time."""
    for module in (guide_network, guide_tiles):
        monkeypatch.setattr(module, "TILE", 32)
    monkeypatch.setattr(anyup_module, "_FILTER_BYTES", 2 * 4 * WIDTH * 100)


@pytest.mark.parametrize("shape", [(72, 90), (41, 83), (17, 12)])
def test_it_is_anyups_procedure_for_the_continued_image(random_picture, checkpoint, shape):
    picture = random_picture(*shape)
    found = anyup(picture, checkpoint, storage="float32").block(WHOLE, WHOLE)
    expected = expected_for(picture, random_state())
    assert found.shape == expected.shape
    assert expected.std() > 0.1
    assert np.allclose(found, expected, atol=5e-5)


@pytest.mark.usefixtures("small_tiles")
def test_tiles_blocks_points_threads_and_projections_agree(random_picture, checkpoint):
    picture = random_picture(47, 80)
    field = anyup(picture, checkpoint, storage="float32")
    assert isinstance(field, FeatureMap)
    whole = field.block(WHOLE, WHOLE)
    assert np.allclose(whole, expected_for(picture, random_state()), atol=5e-5)
    part = slice(13, 30), slice(20, 71)
    assert np.array_equal(field.block(*part), whole[:, part[0], part[1]])
    try:
        set_thread_count(3)
        again = anyup(picture, checkpoint, storage="float32").block(WHOLE, WHOLE)
    finally:
        set_thread_count(None)
    assert np.array_equal(again, whole)
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, 47, 50), rng.integers(0, 80, 50)
    assert np.array_equal(field.at(rows, cols), whole[:, rows, cols].T)
    weights = rng.normal(size=(CHANNELS, 2))
    direct = np.einsum("fyx,fk->kyx", whole, weights)
    assert np.allclose(field.project(weights).block(WHOLE, WHOLE), direct, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (15, 3)])
def test_images_smaller_than_a_patch(random_picture, checkpoint, shape):
    field = anyup(random_picture(*shape), checkpoint)
    assert np.isfinite(field.block(WHOLE, WHOLE)).all()


def test_the_names_of_the_checkpoints_are_read(tmp_path):
    state = random_state()
    files = [tmp_path / "a.pth", tmp_path / "b.ckpt"]
    torch.save(state, files[0])
    torch.save({"state_dict": {"model." + k: v for k, v in state.items()}, "epoch": 2}, files[1])
    first, second = (read_anyup(file).info for file in files)
    assert first.sha256 == second.sha256
    assert first.source == "a.pth"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.clear(), ["cross_decode.conv2d.weight"]),
        (lambda state: state.pop("rope.freqs"), ["rope.freqs", "missing"]),
        (
            lambda state: state.update({"aggregation.0.weight": torch.ones(WIDTH, WIDTH, 3, 3)}),
            ["aggregation.0.weight", "(32, 32, 3, 3)", "(32, 64, 3, 3)"],
        ),
    ],
)
def test_what_is_no_anyup_is_refused(tmp_path, change, words):
    state = random_state()
    change(state)
    file = tmp_path / "other.pth"
    torch.save(state | {"unrelated": torch.zeros(2)}, file)
    with pytest.raises(TdsegError) as caught:
        read_anyup(file)
    assert all(word in str(caught.value) for word in [*words, "other.pth", "upsampler_weights"])


def test_several_levels_are_refused(checkpoint):
    several = Patches()
    several.levels = (*several.levels, replace(several.levels[0], name="block3"))
    with pytest.raises(TdsegError, match=r"one level.*gives 2; .*levels=block3"):
        make_upsampler(several, UpsamplingOptions("anyup", weights=checkpoint))
    with pytest.raises(TdsegError, match=r"anyup needs learned weights.*upsampler_weights="):
        make_upsampler(Patches(), UpsamplingOptions("anyup"))
