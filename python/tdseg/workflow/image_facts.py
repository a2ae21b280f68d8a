"""What a job over many images must know of each without holding any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.planes import plane_grid
from tdseg.options.settings import Settings, parse_numbers


@dataclass(frozen=True)
class ImageFacts:
    """An image without its pixels.

    Attributes
    ----------
    name, channels, is_colour, dtype
        As the image has them.
    size
        (Y, X).
    planes
        Numbers of the chosen planes.
    """

    name: str
    channels: tuple[str, ...]
    is_colour: bool
    dtype: np.dtype[Any]
    size: tuple[int, int]
    planes: tuple[int, ...]


def facts_of_image(image: Image, planes: Sequence[int] | None) -> ImageFacts:
    """Return an image's facts; `planes` are the chosen ones, None for all."""
    chosen, _ = plane_grid(image, planes)
    return ImageFacts(
        image.name, image.channels, image.is_colour, image.dtype, image.size, tuple(chosen)
    )


def common_channels(facts: Sequence[ImageFacts], settings: Settings) -> list[int]:
    """Return the indices of the channels that ``channels=`` chooses in all images.

    Raises
    ------
    TdsegError
        Naming two images that differ in their channels.
    """
    first = facts[0]
    channels = parse_numbers(settings.channels, len(first.channels), "channels", "channels")
    for other in facts[1:]:
        if other.channels != first.channels or other.is_colour != first.is_colour:
            raise TdsegError(
                f"Images '{first.name}' and '{other.name}' differ in their channels; segment "
                "images of one kind together."
            )
    return channels
