"""What backbones run on, and how their tokens become pixels: one value for all that take part."""

from __future__ import annotations

from dataclasses import dataclass

from tdseg.upsampling.transforms import IDENTITY, Orientation, Shift


@dataclass(frozen=True)
class UpsamplingOptions:
    """How tokens become features; made of the settings once and handed down as it is.

    Attributes
    ----------
    upsampling
        Name of a registered upsampler.
    shifts
        How many copies along each axis, shifted by parts of the coarsest stride; or the shifts
        themselves, (rows, columns) in pixels. An upsampler may read the number in its own way.
    orientations
        Mirrored and turned copies; combined with every shift.
    levels
        Names of the backbone's levels; None: all.
    window, overlap
        How large images are seen, in pixels; 0: as suits the backbone.
    storage
        Type in which tokens are kept, ``float16`` or ``float32``; sums are float32 all the same.
    position_bias
        Subtract what the tokens of featureless images hold at the same place of the input.
    sigma_space, sigma_range
        Of guided upsampling: spacings of the token grid, and shares of the intensity range.
    batch_bytes
        Memory for the copies that a device sees at a time; 0: one copy, as suits a CPU.
    keep_bytes
        Memory for the tokens of windows that may be needed again.
    weights
        File with the weights of a learned upsampler.
    """

    upsampling: str = "shifts"
    shifts: int | tuple[Shift, ...] = 1
    orientations: tuple[Orientation, ...] = (IDENTITY,)
    levels: tuple[str, ...] | None = None
    window: int = 0
    overlap: int = 0
    storage: str = "float16"
    position_bias: bool = False
    sigma_space: float = 0.7
    sigma_range: float = 0.1
    batch_bytes: int = 0
    keep_bytes: int = 256 * 1024**2
    weights: str = ""
