"""What learned upsamplers cost after the backbone: CPU seconds and memory, with random weights.

Tokens and weights are random, of the published sizes, so nothing here says how good a result is.
Each line is a process of its own: 518 x 518 pixels, or as given.

    python benchmarks/upsamplers.py [--sizes 518 1036] [--kinds jbu naf anyup]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from tdseg.backbones.base import Level, WeightsInfo
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import make_upsampler

VIT = (("last", 384, 14),)
LITE0 = (("s2", 16, 2), ("s4", 24, 4), ("s8", 40, 8), ("s16", 112, 16), ("s32", 320, 32))
JOBS = (("jbu", VIT), ("naf", VIT), ("naf", LITE0), ("anyup", VIT))


class Noise:
    """A backbone whose tokens are noise, which costs nothing."""

    name, window, has_global_context, has_attention = "noise", 100_000, False, False
    weights = WeightsInfo("noise", "00", "CC0-1.0", "none")
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, levels: tuple[tuple[str, int, int], ...]) -> None:
        self.levels = tuple(Level(n, c, s, (s - 1) / 2) for n, c, s in levels)
        self.multiple = levels[-1][2]

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return noise."""
        height, width = images.shape[2:]
        return [
            torch.randn(1, v.channels, height // int(v.stride), width // int(v.stride))
            for v in self.levels
        ]


def state(kind: str) -> dict[str, torch.Tensor]:
    """Return random weights under the published names and of the published shapes."""
    shapes: dict[str, tuple[int, ...]] = {}
    if kind == "jbu":
        for n in range(1, 5):
            stem = f"up{n}."
            shapes |= {stem + "range_temp": (), stem + "sigma_spatial": ()}
            for name, inner, given in (("range_proj", 32, 3), ("fixup_proj", 49, 52)):
                shapes |= {
                    f"{stem}{name}.0.weight": (inner, given, 1, 1),
                    f"{stem}{name}.0.bias": (inner,),
                    f"{stem}{name}.3.weight": (inner, inner, 1, 1),
                    f"{stem}{name}.3.bias": (inner,),
                }
        shapes |= {"fixup_proj.1.weight": (384, 384, 1, 1), "fixup_proj.1.bias": (384,)}
    elif kind == "naf":
        shapes["image_encoder.rope.periods"] = (16,)
        for name, side in (("encoder", 1), ("sem_encoder", 3)):
            stem = f"image_encoder.{name}."
            shapes |= {stem + "0.weight": (128, 3, side, side), stem + "0.bias": (128,)}
            for part in ("1.norm1", "1.norm2", "2.norm1", "2.norm2"):
                conv = stem + part.replace("norm", "conv")
                shapes |= {f"{stem}{part}.{k}": (128,) for k in ("weight", "bias")}
                shapes |= {conv + ".weight": (128, 128, side, side), conv + ".bias": (128,)}
    else:
        attention = "cross_decode.cross_attn."
        shapes |= {
            "image_encoder.0.weight": (128, 3, 1, 1),
            "query_encoder.0.weight": (128, 128, 1, 1),
            "key_encoder.0.weight": (128, 128, 1, 1),
            "aggregation.0.weight": (128, 256, 3, 3),
            "key_features_encoder.0.basis": (128, 1, 5, 5),
            "cross_decode.conv2d.weight": (128, 128, 3, 3),
            "rope.freqs": (2, 128),
            attention + "norm_q.weight": (128,),
            attention + "norm_k.weight": (128,),
            attention + "attention.in_proj_weight": (384, 128),
            attention + "attention.in_proj_bias": (384,),
        }
        for name in ("image", "query", "key", "key_features"):
            shapes |= _blocks(name + "_encoder")
        shapes |= _blocks("aggregation")
    return {
        name: torch.rand(shape) / max(int(np.prod(shape[1:])), 4) ** 0.5 + (shape == ())
        for name, shape in shapes.items()
    }


def _blocks(name: str) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for n in (1, 2):
        for norm, conv in ((0, 2), (3, 5)):
            stem = f"{name}.{n}.block."
            shapes |= {f"{stem}{norm}.weight": (128,), f"{stem}{norm}.bias": (128,)}
            shapes[f"{stem}{conv}.weight"] = (128, 128, 1, 1)
    return shapes


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, levels: tuple[tuple[str, int, int], ...], size: int) -> str:
    """Return a row: seconds to prepare and of three maps, and megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        save_file(state(kind), file)
        backbone = Noise(levels)
        options = UpsamplingOptions(kind, weights=str(file))
        count = sum(level.channels for level in backbone.levels)

        def run(edge: int) -> list[float]:
            pixels = np.random.default_rng(0).random((edge, edge, 1)).astype(np.float32)
            marks = [time.process_time()]
            upsampler = make_upsampler(backbone, options)
            picture = Picture(pixels, np.array([[0.0, 1.0]]))
            field = upsampler.features(picture, tuple(map(str, range(count))))
            marks.append(time.process_time())
            maps = field.project(np.ones((count, 3), np.float32) / count)
            for top in range(0, edge, 128):
                maps.block(slice(top, top + 128), slice(None))
            marks.append(time.process_time())
            return marks

        run(60)  # compiles
        start = megabytes()
        marks = run(size)
    prepared, maps = np.diff(marks)
    return (
        f"| {kind} | {', '.join(str(s) for _, _, s in levels)} | {size} | {prepared:.1f} | "
        f"{maps:.1f} | {megabytes() - start:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[518])
    parser.add_argument("--kinds", nargs="+", default=["jbu", "naf", "anyup"])
    parser.add_argument("--one", type=int, help="measure this job in this process")
    options = parser.parse_args()
    if options.one is not None:
        print(measure(*JOBS[options.one], options.sizes[0]))
        return
    print("| upsampling | strides | side | prepare, CPU s | 3 maps | MB |", flush=True)
    print("|---|---|---|---|---|---|", flush=True)
    for size in options.sizes:
        for number, (kind, _) in enumerate(JOBS):
            if kind in options.kinds:
                again = [sys.executable, __file__, "--one", str(number), "--sizes", str(size)]
                subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
