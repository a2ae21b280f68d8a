"""A key: one named option of macros, command line and Python, with its bounds and meaning."""

from __future__ import annotations

import difflib
import importlib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tdseg.errors import TdsegError

_TRUE = {"true", "yes", "1", "on"}
_FALSE = {"false", "no", "0", "off"}
LONGEST_TEXT = 4096
"""Characters of a text or path; more is a mistake, not a value."""


@dataclass(frozen=True)
class Key:
    """One option.

    Attributes
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
    registry
        For "choice": where further valid words are, ``module:attribute`` of a
        `tdseg.runtime.registry.Registry`; looked up when asked for.
    pattern
        For "text": a regular expression that the whole value must match, with `example`.
    minimum, maximum
        For numbers.
    words
        For numbers: words that are accepted besides, such as "auto".
    basic
        Whether dialogs show it at once; the others stand behind *Advanced*.
    several
        Whether values for several backbones may be joined by ``+``, as in ``shifts=1+2``.
    group
        Title of the group that dialogs and documentation show it in.
    field
        Name of the field of the options class that holds its value.
    aliases
        Other names that are understood.
    needed
        Whether the command cannot do without it.
    saves
        For "path": whether a file is written there, not read.
    ending
        For "path": the ending of such files, such as ".zip"; empty: any.
    folder
        For "path": whether a folder is chosen.
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
    registry: str = ""
    basic: bool = False
    several: bool = False
    group: str = ""
    field: str = ""
    aliases: tuple[str, ...] = ()
    needed: bool = False
    saves: bool = False
    ending: str = ""
    folder: bool = False

    @property
    def all_choices(self) -> tuple[str, ...]:
        """`choices`, and what the registry holds."""
        if self.kind != "choice":
            return ()
        held: Iterable[str] = ()
        if self.registry:
            module, _, name = self.registry.partition(":")
            held = getattr(importlib.import_module(module), name)
        return tuple(dict.fromkeys((*self.choices, *held)))

    def parse(self, text: str) -> Any:
        """Turn the text of a macro or command line into a value.

        Raises
        ------
        TdsegError
            If the text is no value of this key; the message lists the valid ones.
        """
        text = text.strip()
        if self.several and "+" in text[1:]:  # a number may begin with one
            return self._check_several(text)
        if self.kind == "bool":
            if text.lower() in _TRUE:
                return True
            if text.lower() in _FALSE:
                return False
            raise TdsegError(f"Key '{self.name}' is true or false, not {shown(text)}.")
        if text == "":
            if self.default == "":
                return ""
            raise TdsegError(f"Key '{self.name}' lacks a value; {self.valid()}.")
        if self.kind in ("int", "float") and text.lower() not in self.words:
            try:
                number = int(text) if self.kind == "int" else float(text)
            except ValueError:
                raise self._wrong(text) from None
            return self.check(number)
        return self.check(text.lower() if self.kind in ("choice", "int", "float") else text)

    def check(self, value: Any) -> Any:
        """Return a Python value if it is valid for this key, else raise `TdsegError`."""
        if value is None and self.default is None:
            return None
        if self.several and isinstance(value, str) and "+" in value[1:]:
            return self._check_several(value)
        if self.kind == "bool":
            if not isinstance(value, bool):
                raise self._wrong(value)
            return value
        if self.kind == "choice":
            return self._check_choice(value)
        if self.kind in ("int", "float"):
            return self._check_number(value)
        return self._check_text(value)

    def _check_several(self, value: str) -> str:
        parts = [self.parse(part) if part.strip() else None for part in value.split("+")]
        if None in parts:
            raise self._wrong(value)
        return "+".join(str(part) for part in parts)

    def _check_choice(self, value: Any) -> str:
        if isinstance(value, bool) and {"true", "false"} <= set(self.choices):
            return "true" if value else "false"
        if not isinstance(value, str) or value not in self.all_choices:
            near = difflib.get_close_matches(str(value)[:100], self.all_choices, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise self._wrong(value, hint)
        return value

    def _check_number(self, value: Any) -> Any:
        if isinstance(value, str) and value in self.words:
            return value
        # NumPy's scalars are welcome: they know how to become Python's.
        value = value.item() if type(value).__module__ == "numpy" else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(value)
        low, high = self.minimum, self.maximum
        outside = (low is not None and value < low) or (high is not None and value > high)
        if outside or not math.isfinite(value) or (self.kind == "int" and value != int(value)):
            raise self._wrong(value)
        return int(value) if self.kind == "int" else float(value)

    def _check_text(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            value = ",".join(str(v) for v in value)
        text = "" if value is None else str(value).strip()
        # A no-break space is fine in a file name; control characters and halves of surrogate pairs
        # cannot be written into a macro.
        bad = [letter for letter in text if unicodedata.category(letter) in _UNWRITABLE]
        if bad or len(text) > LONGEST_TEXT:
            what = f"the character {bad[0]!a}" if bad else f"{len(text)} characters"
            raise TdsegError(f"Key '{self.name}' holds {what}, which no macro can; remove it.")
        if not _balanced(text):
            raise TdsegError(
                f"Key '{self.name}': the brackets of {shown(text)} do not pair up, so no macro "
                "could read it back; use another name."
            )
        if text and self.pattern and not re.fullmatch(self.pattern, text):
            raise self._wrong(text)
        if not text and self.default != "":
            raise TdsegError(f"Key '{self.name}' lacks a value; {self.valid()}.")
        return text

    def _wrong(self, value: Any, hint: str = "") -> TdsegError:
        return TdsegError(f"Key '{self.name}': {shown(value)} is not valid; {self.valid()}.{hint}")

    def valid(self) -> str:
        """Say in a few words what is valid."""
        if self.kind == "choice":
            return "use " + ", ".join(f"'{c}'" for c in self.all_choices)
        if self.kind == "bool":
            return "use true or false"
        if self.kind in ("int", "float"):
            noun = "a whole number" if self.kind == "int" else "a number"
            if self.minimum is not None and self.maximum is not None:
                noun += f" from {_plain(self.minimum)} to {_plain(self.maximum)}"
            elif self.minimum is not None:
                noun += f" of at least {_plain(self.minimum)}"
            return "use " + " or ".join([noun, *(f"'{w}'" for w in self.words)])
        if self.example:
            return f"for example {self.name}=[{self.example}]"
        return f"write {self.name}=[...]"

    def format(self, value: Any) -> str:
        """Write ``key=value`` as a macro reads it back."""
        return f"{self.name}={self.format_value(value)}"

    def format_value(self, value: Any) -> str:
        """Write a value as a macro reads it back, in brackets where it needs them."""
        if isinstance(value, bool):
            return "true" if value else "false"
        text = _plain(value) if isinstance(value, float) else str(value)
        if self.kind in ("text", "path") and (text == "" or re.search(r'[\s\[\]="\\]', text)):
            return f"[{text}]"
        return text


_UNWRITABLE = ("Cc", "Cs", "Cn", "Zl", "Zp")


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0


def _plain(value: float) -> str:
    """Write a number briefly, but so that it reads back the same."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)


def shown(value: Any) -> str:
    """Quote a value for a message: shortened, control characters escaped."""
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    text = str(value)
    text = text if len(text) <= 80 else text[:60] + "..." + text[-10:]
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"'{printable}'"


def by_name(keys: Iterable[Key]) -> dict[str, Key]:
    """Index keys by name and alias."""
    index: dict[str, Key] = {}
    for key in keys:
        for name in (key.name, *key.aliases):
            index[name] = key
    return index


def find_key(name: str, index: Mapping[str, Key], where: str) -> Key:
    """Look a key up; an unknown one is an error that names the nearest, then all valid ones."""
    if name in index:
        return index[name]
    names = sorted({key.name for key in index.values()})
    near = difflib.get_close_matches(name[:100], names, 3, cutoff=0.5)
    quoted = " or ".join(f"'{n}'" for n in near)
    hint = f" Did you mean {quoted}?" if near else ""
    listing = ", ".join(names) if names else "none"
    raise TdsegError(f"{where} has no key {shown(name)}.{hint} Valid keys: {listing}.")
