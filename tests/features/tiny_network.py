"""A network that tests can follow by hand."""

from __future__ import annotations

import torch

from tdseg.backbones.base import Level, WeightsInfo


class Tiny:
    """Two levels: means of 4 x 4 pixels, and of 8 x 8 with a product of colours."""

    name = "tiny"
    weights = WeightsInfo("tiny", "00", "CC0-1.0", "test")
    levels = (Level("fine", 3, 4, 1.5), Level("coarse", 2, 8, 3.5))
    multiple, window, has_global_context, has_attention = 8, 64, False, False
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self) -> None:
        self.runs = 0

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        self.runs += 1
        mean = torch.nn.functional.avg_pool2d
        more = torch.stack([images[:, 0], images[:, 1] * images[:, 2]], 1)
        return [mean(images, 4), mean(more, 8)]
