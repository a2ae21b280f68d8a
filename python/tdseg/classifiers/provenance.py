"""What made a result, as lines of its info; every route writes these and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tdseg._version import __version__

if TYPE_CHECKING:
    from tdseg.backbones.base import WeightsInfo
    from tdseg.options.settings import Settings

VERSION = "tdseg.version"
CLASSIFIER = "tdseg.classifier_hash"
"""Of the classifier that made it; the key ``classifier`` says of which kind it is."""
REFINED = "tdseg.refined"

_OF_ONE_IMAGE = {"tdseg.macro", "tdseg.job"}


def made_with(
    settings: Settings,
    weights: Sequence[WeightsInfo] = (),
    upsampler: WeightsInfo | None = None,
    classifier: str = "",
) -> dict[str, str]:
    """Return version, classifier, settings and weights as lines of a result's info, by key.

    Parameters
    ----------
    settings
        What ran, nothing left on ``auto``.
    weights, upsampler
        Of the networks that ran.
    classifier
        `tdseg.classifiers.identity.classifier_hash`; empty where there is none.
    """
    lines = {VERSION: __version__}
    if classifier:
        lines[CLASSIFIER] = classifier
    lines |= {f"tdseg.{key}": str(value) for key, value in settings.to_dict().items()}
    # In place of the key `weights`, which says where a file lay.
    for name, used in (("weights", weights), ("upsampler", (upsampler,) if upsampler else ())):
        if used:
            lines[f"tdseg.{name}"] = ", ".join(
                f"{w.name} {w.sha256[:16]} ({w.licence}, {w.source})" for w in used
            )
    return lines


def refined_with(info: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return the lines of a refined result: those of its probabilities, and how it was refined.

    Parameters
    ----------
    info
        Of the image of probabilities; may be nobody's.
    values
        The keys of the refinement.
    """
    before = {k: v for k, v in lines_of(info).items() if k not in _OF_ONE_IMAGE}
    refined = " ".join(f"{key}={value}" for key, value in values.items())
    return {**before, VERSION: __version__, REFINED: refined}


def lines_of(info: str) -> dict[str, str]:
    """Return the lines that tdseg wrote into an image's info, by key; empty if none."""
    found = re.findall(r"^(tdseg\.\w+): ?(.*)$", info, re.MULTILINE)
    return {key: value.strip() for key, value in found}
