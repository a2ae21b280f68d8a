"""FeatUp's upsampler against its formulas written out in torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

import tdseg
from tdseg.backbones.base import Level, WeightsInfo
from tdseg.errors import TdsegError
from tdseg.features.deep import DeepFeatures
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.telling import telling
from tdseg.upsampling.jbu_weights import read_jbu
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import make_upsampler
from tdseg.upsampling.shifts import Encoder

WHOLE = slice(None)
CHANNELS = 37  # more than pass the filters at a time
NAMES = tuple(map(str, range(CHANNELS)))
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)


class Patches:
    """A patch embedding of 14 pixels and a nonlinearity, random but fixed."""

    name, multiple, window, has_global_context, has_attention = "patches", 14, 518, False, False
    weights = WeightsInfo("patches", "00", "CC0-1.0", "test")
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, stride: int = 14, channels: int = CHANNELS) -> None:
        self.stride = stride
        self.levels: tuple[Level, ...] = (Level("last", channels, stride, 6.5),)
        generator = torch.Generator().manual_seed(0)
        self.kernel = torch.randn(channels, 3, 14, 14, generator=generator) / 5

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [torch.tanh(functional.conv2d(images, self.kernel, stride=self.stride))]


def random_state(channels: int = CHANNELS, seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors under the names of FeatUp's JBUStack, large enough that every one matters."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        size = shape[1] if len(shape) > 1 else 4
        return torch.randn(*shape, generator=generator) / size**0.5

    state = {}
    for stage in range(1, 5):
        stem = f"up{stage}."
        state[stem + "range_temp"] = torch.tensor(0.2 * stage - 1.0)
        state[stem + "sigma_spatial"] = torch.tensor(0.5 + 0.1 * stage)
        for block, layers in (
            ("range_proj", [(0, 32, 3), (3, 32, 32)]),
            ("fixup_proj", [(0, 49, 52), (3, 49, 49)]),
        ):
            for index, out, given in layers:
                state[f"{stem}{block}.{index}.weight"] = draw(out, given, 1, 1)
                state[f"{stem}{block}.{index}.bias"] = draw(out)
    state["fixup_proj.1.weight"] = 5 * draw(channels, channels, 1, 1)
    state["fixup_proj.1.bias"] = 5 * draw(channels)
    return state


def reference(state, tokens: torch.Tensor, image: torch.Tensor) -> np.ndarray:
    """Upsample tokens (C, h, w) by an image (3, H, W) in 0 to 1, in double precision."""
    state = {key: value.double() for key, value in state.items()}

    def layers(stem: str, values: torch.Tensor) -> torch.Tensor:
        for index in (0, 3):
            values = functional.conv2d(
                values, state[f"{stem}.{index}.weight"], state[f"{stem}.{index}.bias"]
            )
            values = functional.gelu(values) if index == 0 else values
        return values

    guide = ((image.double() - MEAN[:, None, None]) / STD[:, None, None])[None]
    found = tokens.double()[None]
    steps = torch.arange(-3, 4).double() / 3
    squares = (steps[:, None] ** 2 + steps**2).reshape(1, 49, 1, 1)
    for stage in range(1, 5):
        stem = f"up{stage}."
        size = found.shape[2] * 2, found.shape[3] * 2
        small = functional.adaptive_avg_pool2d(guide, size)
        embedded = layers(stem + "range_proj", small)
        around = functional.pad(embedded, [3] * 4, mode="reflect")
        around = functional.unfold(around, 7).reshape(1, 32, 49, *size)
        likeness = (around * embedded[:, :, None]).sum(1)
        temperature = state[stem + "range_temp"].exp().clamp(1e-4, 1e4)
        kernel = torch.softmax(temperature * likeness, 1)
        kernel = kernel * torch.exp(-squares / (2 * state[stem + "sigma_spatial"] ** 2))
        kernel = kernel / kernel.sum(1, keepdim=True).clamp(1e-7)
        kernel = kernel + 0.1 * layers(stem + "fixup_proj", torch.cat([kernel, small], 1))
        found = functional.interpolate(found, size, mode="bicubic")
        around = functional.pad(found, [3] * 4, mode="reflect")
        around = functional.unfold(around, 7).reshape(1, -1, 49, *size)
        found = (around * kernel[:, None]).sum(2)
    mixed = functional.conv2d(found, state["fixup_proj.1.weight"], state["fixup_proj.1.bias"])
    found = found + 0.1 * mixed
    return functional.interpolate(found, image.shape[1:], mode="bilinear")[0].numpy()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("jbu") / "patches_jbu_stack.ckpt"
    torch.save({"state_dict": {"upsampler." + k: v for k, v in random_state().items()}}, file)
    return str(file)


def jbu(backbone, picture, checkpoint, **encode):
    options = UpsamplingOptions("jbu", weights=checkpoint, **encode)
    return make_upsampler(backbone, options).features(picture, NAMES)


def expected_for(backbone, picture, state) -> np.ndarray:
    """Do what FeatUp does with the image as the network saw it: continued by reflection."""
    encoder = Encoder(backbone, UpsamplingOptions(storage="float32"))
    encoded = encoder.encode(picture, encoder.plan(picture.shape), (0, 0)).with_pixels()
    grid = encoded.levels[0][0]
    pads, inside = [], []
    for axis, length, count in zip(
        (grid.rows, grid.cols), picture.shape, grid.values.shape, strict=False
    ):
        before = round(backbone.stride / 2 - 0.5 - axis.positions[0])
        pads.append((before, count * backbone.stride - before - length))
        inside.append(slice(before, before + length))
    image = np.pad(picture.pixels, [*pads, (0, 0)], mode="reflect").transpose(2, 0, 1)
    tokens = torch.from_numpy(grid.values.transpose(2, 0, 1).copy())
    return reference(state, tokens, torch.from_numpy(image.copy()))[:, inside[0], inside[1]]


@pytest.mark.parametrize(("shape", "stride"), [((42, 56), 14), ((29, 61), 14), ((31, 27), 4)])
def test_it_is_featups_procedure(random_picture, checkpoint, shape, stride) -> None:
    picture, backbone = random_picture(*shape), Patches(stride)
    found = jbu(backbone, picture, checkpoint, storage="float32").block(WHOLE, WHOLE)
    expected = expected_for(backbone, picture, random_state())
    assert found.shape == (CHANNELS, *shape)
    assert expected.std() > 0.1
    assert np.allclose(found, expected, atol=2e-5)


def test_blocks_points_and_projections_agree(random_picture, checkpoint) -> None:
    # Wider than the regions that are worked on at a time.
    picture = random_picture(47, 170)
    field = jbu(Patches(), picture, checkpoint)
    assert isinstance(field, FeatureMap)
    assert field.names == NAMES
    assert field.shape == (47, 170)
    whole = field.block(WHOLE, WHOLE)
    for rows, cols in [
        (slice(0, 1), WHOLE),
        (slice(13, 30), slice(0, 11)),
        (slice(40, 47), slice(120, 170)),
    ]:
        assert np.array_equal(field.block(rows, cols), whole[:, rows, cols])
    assert field.block(slice(5, 5), WHOLE).shape == (CHANNELS, 0, 170)
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, 47, 50), rng.integers(0, 170, 50)
    assert np.array_equal(field.at(rows, cols), whole[:, rows, cols].T)
    assert field.at(rows[:0], cols[:0]).shape == (0, CHANNELS)
    weights = rng.normal(size=(CHANNELS, 2))
    projected = field.project(weights)
    assert np.allclose(
        projected.block(WHOLE, WHOLE), np.einsum("fyx,fk->kyx", whole, weights), atol=1e-4
    )
    again = projected.project(np.array([[1.0], [-2.0]]))
    direct = whole.transpose(1, 2, 0) @ (weights @ [1.0, -2.0])
    assert np.allclose(again.block(WHOLE, WHOLE)[0], direct, atol=2e-4)


def test_large_images_are_seen_through_windows(random_picture, checkpoint) -> None:
    picture = random_picture(90, 100)
    whole = jbu(Patches(), picture, checkpoint)
    windows = jbu(Patches(), picture, checkpoint, window=56, overlap=14)
    found, expected = (field.block(WHOLE, WHOLE) for field in (windows, whole))
    # A token is blended of equal ones, each rounded to half precision.
    assert np.allclose(found, expected, atol=5e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (15, 3)])
def test_images_smaller_than_a_patch(random_picture, checkpoint, shape) -> None:
    field = jbu(Patches(), random_picture(*shape), checkpoint)
    assert np.isfinite(field.block(WHOLE, WHOLE)).all()


def test_a_grey_image_guides_as_three_equal_colours(checkpoint) -> None:
    grey = np.random.default_rng(0).random((30, 20, 1)).astype(np.float32)
    one = Picture(grey, np.array([[0.0, 1.0]]))
    three = Picture(np.repeat(grey, 3, axis=2), np.array([[0.0, 1.0]] * 3))
    found = [jbu(Patches(), p, checkpoint).block(WHOLE, WHOLE) for p in (one, three)]
    assert np.array_equal(*found)


def test_the_names_of_featups_checkpoints_are_read(tmp_path) -> None:
    state = random_state()
    others = {"model.0.cls_token": torch.zeros(3), "downsampler.kernel": torch.ones(2)}
    wrapped = {"upsampler." + key: value for key, value in state.items()}
    files = [tmp_path / name for name in ("a.ckpt", "b.pth", "c.safetensors", "d.safetensors")]
    torch.save({"epoch": 3, "state_dict": wrapped | others}, files[0])
    torch.save(state, files[1])
    save_file(state, files[2])
    save_file(wrapped | others, files[3])
    found = [read_jbu(file) for file in files]
    assert len({weights.info.sha256 for weights in found}) == 1
    assert found[0].info.source == "a.ckpt"
    for weights in found:
        assert weights.channels == CHANNELS
        assert weights.norm is None
        for number, stage in enumerate(weights.stages):
            expected = state[f"up{number + 1}.fixup_proj.3.weight"].numpy()[:, :, 0, 0]
            assert np.array_equal(stage.fix_out, expected)
    save_file(state | {"up4.range_temp": torch.tensor(0.5)}, files[2])
    assert read_jbu(files[2]).info.sha256 != found[0].info.sha256
    save_file(state | {"up4.range_temp": torch.tensor(99.0)}, files[2])
    assert read_jbu(files[2]).stages[3].temperature == pytest.approx(1e4)


def test_the_norm_of_checkpoints_that_have_one_comes_first(tmp_path, random_picture) -> None:
    picture, state = random_picture(28, 30), random_state()
    norm = torch.nn.LayerNorm(CHANNELS)
    torch.nn.init.uniform_(norm.weight)
    torch.nn.init.uniform_(norm.bias)
    parts = {f"model.1.norm.{k}": v for k, v in norm.state_dict().items()}
    file = tmp_path / "normed.ckpt"
    torch.save({"state_dict": {"upsampler." + k: v for k, v in state.items()} | parts}, file)
    found = jbu(Patches(), picture, str(file), storage="float32").block(WHOLE, WHOLE)

    class Normed(Patches):
        def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
            plain = super().tokens(images)[0].movedim(1, -1)
            return [norm(plain).movedim(-1, 1).detach()]

    assert np.allclose(found, expected_for(Normed(), picture, state), atol=5e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.clear(), ["up1.range_temp"]),
        (lambda state: state.pop("up3.range_proj.3.bias"), ["up3.range_proj.3.bias", "missing"]),
        (lambda state: state.pop("fixup_proj.1.bias"), ["fixup_proj.1.bias", "missing"]),
        (
            lambda state: state.update({"up2.fixup_proj.0.weight": torch.zeros(25, 28, 1, 1)}),
            ["up2.fixup_proj.0.weight", "(25, 28, 1, 1)", "(49, 52)"],
        ),
    ],
)
def test_what_is_no_jbu_is_refused(tmp_path, change, words) -> None:
    state = random_state()
    change(state)
    file = tmp_path / "other.pth"
    torch.save(state | {"unrelated": torch.zeros(2)}, file)
    with pytest.raises(TdsegError) as caught:
        read_jbu(file)
    assert all(word in str(caught.value) for word in [*words, "other.pth", "upsampler_weights"])


def test_files_and_backbones_that_do_not_fit_are_named(tmp_path, checkpoint) -> None:
    def make(backbone, weights: str) -> None:
        make_upsampler(backbone, UpsamplingOptions("jbu", weights=weights))

    with pytest.raises(TdsegError, match=r"needs learned weights.*upsampler_weights=\[path\]"):
        make(Patches(), "")
    missing = str(tmp_path / "none.ckpt")
    with pytest.raises(TdsegError, match=r"none.ckpt does not exist; correct upsampler_weights"):
        make(Patches(), missing)
    with pytest.raises(TdsegError, match=r"37 channels, those of patches have 5"):
        make(Patches(channels=5), checkpoint)
    several = Patches()
    several.levels = (*several.levels, replace(several.levels[0], name="block3"))
    with pytest.raises(TdsegError, match=r"one level.*gives 2; .*levels=block3"):
        make(several, checkpoint)


def test_one_pass_runs_and_the_upsamplers_weights_are_told(checkpoint) -> None:
    options = UpsamplingOptions("jbu", shifts=4, weights=checkpoint)
    deep = DeepFeatures(Patches(), options)
    assert (
        deep.cache_settings()
        == DeepFeatures(Patches(), UpsamplingOptions("bilinear")).cache_settings()
    )
    assert deep.upsampler_weights == read_jbu(checkpoint).info
    assert DeepFeatures(Patches(), UpsamplingOptions("bilinear")).upsampler_weights is None


def test_a_classifier_keeps_its_upsampler(trained_on_halves, tmp_path) -> None:
    file = tmp_path / "jbu.safetensors"
    save_file(random_state(64), file)
    model, image = trained_on_halves("jbu", file)
    assert model.settings.shifts == 1
    assert model.settings.upsampler_weights == str(file)
    first = tdseg.apply(model, image)
    again = tdseg.load(model.save(tmp_path / "model.tdseg"))
    assert again.upsampler == model.upsampler == read_jbu(file).info
    assert np.array_equal(tdseg.apply(again, image).probabilities, first.probabilities)
    assert "jbu.safetensors" in first.info["tdseg.upsampler"]
    save_file(random_state(64, seed=1), file)
    with pytest.raises(TdsegError, match=r"with upsampler 'jbu.safetensors'.*upsampler_weights=\["):
        tdseg.apply(again, image)


def test_of_several_sets_in_a_file_the_one_that_is_used_is_said(tmp_path) -> None:
    averaged = random_state()
    stepped = {key: torch.zeros_like(value) for key, value in averaged.items()}
    torch.save({"model": stepped, "model_ema": averaged}, tmp_path / "training.pth")
    torch.save(averaged, tmp_path / "plain.pth")
    notes: list[str] = []
    found = read_jbu(tmp_path / "training.pth", notes.append)
    assert found.info.sha256 == read_jbu(tmp_path / "plain.pth").info.sha256
    assert ["'model_ema' is used" in note for note in notes] == [True]
    heard: list[str] = []
    with telling(heard.append):
        options = UpsamplingOptions("jbu", weights=str(tmp_path / "training.pth"))
        make_upsampler(Patches(), options)
    assert heard == notes
