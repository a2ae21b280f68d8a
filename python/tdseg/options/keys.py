"""Keys: the named options that macros, the command line and Python share.

One table says of every key its type, default, choices and meaning; the macro parser, the recorder,
the command line, the documentation and `Settings` are made from it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tdseg.errors import TdsegError

_TRUE = {"true", "yes", "1", "on"}
_FALSE = {"false", "no", "0", "off"}


_ADDED: dict[str, list[str]] = {}


def add_choice(key: str, word: str) -> None:
    """Make a word valid for a key of kind "choice", as extensions need."""
    words = _ADDED.setdefault(key, [])
    known = next((k.choices for k in SETTING_KEYS if k.name == key), ())
    if word not in known and word not in words:
        words.append(word)


@dataclass(frozen=True)
class Key:
    """One option.

    Parameters
    ----------
    name
        Lower case, snake_case; never renamed, only aliased.
    kind
        "choice", "int", "float", "bool", "text" or "path".
    default
        Value when the key is absent; None means that the command needs it or does without.
    help
        One line for documentation and dialogs.
    choices
        For "choice": the valid words.
    pattern
        For "text": a regular expression that the whole value must match, with `example`.
    minimum, maximum
        For numbers.
    words
        For numbers: words that are accepted besides, such as "auto".
    setting
        Whether it is a field of `Settings`: it changes pixels or resources.
    """

    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    pattern: str = ""
    example: str = ""
    minimum: float | None = None
    maximum: float | None = None
    words: tuple[str, ...] = ()
    setting: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def all_choices(self) -> tuple[str, ...]:
        """`choices` and what `add_choice` added."""
        return self.choices + tuple(_ADDED.get(self.name, ()))

    def parse(self, text: str) -> Any:
        """Turn the text of a macro or command line into a value.

        Raises
        ------
        TdsegError
            If the text is no value of this key; the message lists the valid ones.
        """
        text = text.strip()
        if self.kind == "bool":
            if text.lower() in _TRUE:
                return True
            if text.lower() in _FALSE:
                return False
            raise TdsegError(f"Key '{self.name}' is true or false, not '{text}'.")
        if text == "":
            raise TdsegError(f"Key '{self.name}' lacks a value; {self.valid()}.")
        if self.kind in ("int", "float") and text.lower() not in self.words:
            try:
                number = int(text) if self.kind == "int" else float(text)
            except ValueError:
                raise TdsegError(
                    f"Key '{self.name}': '{text}' is not valid; {self.valid()}."
                ) from None
            return self.check(number)
        return self.check(text.lower() if self.kind in ("choice", "int", "float") else text)

    def check(self, value: Any) -> Any:
        """Return a Python value if it is valid for this key, else raise `TdsegError`."""
        if value is None and self.default is None:
            return None
        wrong = TdsegError(f"Key '{self.name}': '{value}' is not valid; {self.valid()}.")
        if self.kind == "bool":
            if not isinstance(value, bool):
                raise wrong
            return value
        if self.kind == "choice":
            if value not in self.all_choices:
                near = difflib.get_close_matches(str(value), self.all_choices, 1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise TdsegError(
                    f"Key '{self.name}': '{value}' is not valid; {self.valid()}.{hint}"
                )
            return value
        if self.kind in ("int", "float"):
            if isinstance(value, str):
                if value in self.words:
                    return value
                raise wrong
            if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
                raise wrong
            if value in (float("inf"), float("-inf")):
                raise wrong
            if self.kind == "int" and value != int(value):
                raise wrong
            low = self.minimum is not None and value < self.minimum
            high = self.maximum is not None and value > self.maximum
            if low or high:
                raise wrong
            return int(value) if self.kind == "int" else float(value)
        text = str(value)
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise wrong
        return text

    def valid(self) -> str:
        """Say in a few words what is valid."""
        if self.kind == "choice":
            return "use " + ", ".join(f"'{c}'" for c in self.all_choices)
        if self.kind == "bool":
            return "use true or false"
        if self.kind in ("int", "float"):
            noun = "a whole number" if self.kind == "int" else "a number"
            if self.minimum is not None and self.maximum is not None:
                noun += f" from {self.minimum:g} to {self.maximum:g}"
            elif self.minimum is not None:
                noun += f" of at least {self.minimum:g}"
            return "use " + " or ".join([noun, *(f"'{w}'" for w in self.words)])
        if self.example:
            return f"for example {self.name}=[{self.example}]"
        return f"write {self.name}=[...]"

    def format(self, value: Any) -> str:
        """Write ``key=value`` as a macro reads it back."""
        if isinstance(value, bool):
            return f"{self.name}={'true' if value else 'false'}"
        text = f"{value:g}" if isinstance(value, float) else str(value)
        if self.kind == "float" and isinstance(value, float) and float(text) != value:
            text = repr(value)
        if self.kind in ("text", "path") and (text == "" or re.search(r"[\s\[\]=]", text)):
            text = f"[{text}]"
        return f"{self.name}={text}"


def by_name(keys: Iterable[Key]) -> dict[str, Key]:
    """Index keys by name and alias."""
    index: dict[str, Key] = {}
    for key in keys:
        for name in (key.name, *key.aliases):
            index[name] = key
    return index


def find_key(name: str, index: Mapping[str, Key], where: str) -> Key:
    """Look a key up; an unknown one is an error that lists the valid names."""
    if name in index:
        return index[name]
    names = sorted({key.name for key in index.values()})
    near = difflib.get_close_matches(name, names, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    listing = ", ".join(names) if names else "none"
    raise TdsegError(f"{where} has no key '{name}'.{hint} Valid keys: {listing}.")


LIST_OF_NUMBERS = r"all|\d+(-\d+)?(\s*,\s*\d+(-\d+)?)*"


def _s(name: str, kind: str, default: Any, help: str, **more: Any) -> Key:
    return Key(name, kind, default, help, setting=True, **more)


SETTING_KEYS: tuple[Key, ...] = (
    _s(
        "features",
        "choice",
        "hybrid",
        "which features to compute",
        choices=("hybrid", "deep", "classical"),
    ),
    _s(
        "classical",
        "text",
        "default",
        "TWS's five default families, all twenty, or a list of families",
        pattern=r"[A-Za-z_]+(\s*,\s*[A-Za-z_]+)*",
        example="gaussian,sobel,hessian",
    ),
    _s("sigma_min", "float", 1.0, "smallest scale of the classical features, pixels", minimum=0.0),
    _s("sigma_max", "float", 16.0, "largest scale of the classical features, pixels", minimum=0.0),
    _s("membrane_thickness", "int", 1, "thickness of membranes, pixels", minimum=1, maximum=99),
    _s("membrane_patch", "int", 19, "patch of the membrane filter, pixels", minimum=3, maximum=199),
    _s("exact", "bool", False, "TWS's exact numbers where a fast variant is the default"),
    _s(
        "rgb",
        "choice",
        "channels",
        "colour by channel, or clamped and averaged as TWS does",
        choices=("channels", "tws"),
    ),
    _s(
        "backbone",
        "text",
        "auto",
        "the network behind deep features",
        pattern=r"[\w./:+-]+",
        example="dinov2_s_reg",
    ),
    _s("weights", "path", "", "a local file with the backbone's weights"),
    _s(
        "levels",
        "text",
        "auto",
        "which levels or blocks of the backbone",
        pattern=r"[\w.]+(\s*,\s*[\w.]+)*",
        example="4,8,16",
    ),
    _s(
        "upsampling",
        "choice",
        "shifts",
        "how tokens become pixels",
        choices=("shifts", "bilinear", "guided", "jbu", "hrdv2"),
    ),
    _s("upsampler_weights", "path", "", "a local file with the weights of upsampling=jbu"),
    _s(
        "quality",
        "choice",
        "balanced",
        "chooses shifts, flips and stride",
        choices=("balanced", "fast", "best"),
    ),
    _s(
        "shifts",
        "int",
        "auto",
        "sub-patch shifts along each axis",
        minimum=1,
        maximum=16,
        words=("auto",),
    ),
    _s(
        "flips",
        "choice",
        "auto",
        "average over mirrored copies: four, or two (the image and its half turn)",
        choices=("auto", "true", "turn", "false"),
    ),
    _s(
        "stride",
        "int",
        "auto",
        "stride of the patch embedding, pixels",
        minimum=1,
        maximum=64,
        words=("auto",),
    ),
    _s(
        "normalize",
        "choice",
        "none",
        "match the grey values of each image",
        choices=("none", "image"),
    ),
    _s(
        "classifier",
        "choice",
        "random_forest",
        "what learns from the labels",
        choices=("random_forest", "logistic_regression", "linear_regression"),
    ),
    _s("trees", "int", 200, "trees of a random forest", minimum=1, maximum=10000),
    _s("balance", "bool", True, "classes count the same, however many pixels they have"),
    _s(
        "samples",
        "int",
        100000,
        "at most this many labelled pixels train, evenly by class; 0 is all",
        minimum=0,
    ),
    _s(
        "held_out", "bool", True, "measure precision, recall and F1 on held-out ROIs after training"
    ),
    _s("seed", "int", 0, "fixes every random choice", minimum=0, maximum=2**31 - 1),
    _s(
        "channels", "text", "all", "channels to use, from 1", pattern=LIST_OF_NUMBERS, example="1,3"
    ),
    _s("refine", "choice", "none", "refine the result with a dense CRF", choices=("none", "crf")),
    _s("crf_iterations", "int", 10, "mean-field updates of the CRF", minimum=0, maximum=1000),
    _s("crf_spatial_sigma", "float", 3.0, "reach of the CRF's smoothing, pixels", minimum=0.1),
    _s("crf_spatial_compat", "float", 10.0, "strength of the CRF's smoothing", minimum=0),
    _s("crf_bilateral_sigma", "float", 80.0, "reach of its colour kernel, pixels", minimum=0.1),
    _s(
        "crf_bilateral_range",
        "float",
        13.0,
        "grey levels (of 255) that count as an edge",
        minimum=0.1,
    ),
    _s("crf_bilateral_compat", "float", 10.0, "strength of its colour kernel", minimum=0),
    _s(
        "crf_min_fraction",
        "float",
        0.5,
        "a class that keeps less of its pixels is given back its confident regions; 0: never",
        minimum=0,
        maximum=1,
    ),
    _s(
        "first_label",
        "int",
        1,
        "1 keeps label values as drawn, 0 starts at 0 as TWS does",
        minimum=0,
        maximum=1,
    ),
    _s(
        "device", "choice", "auto", "where the network runs", choices=("auto", "cpu", "cuda", "mps")
    ),
    _s(
        "precision",
        "choice",
        "auto",
        "number format of the network",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    _s(
        "memory_limit",
        "float",
        "auto",
        "memory above the baseline, GiB",
        minimum=0.05,
        words=("auto",),
    ),
    _s(
        "tile",
        "int",
        0,
        "edge of the blocks that are held at a time, pixels; 0 is automatic",
        minimum=0,
    ),
    _s(
        "classical_device",
        "choice",
        "cpu",
        "where classical features are computed; exact on cpu, within 1e-5 elsewhere",
        choices=("cpu", "cuda", "mps"),
    ),
)

SETTINGS_BY_NAME = by_name(SETTING_KEYS)
