"""Declare a key as the field of a dataclass: name, default, bounds and meaning in one place."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

from tdseg.options.key import Key, by_name, find_key

LIST_OF_NUMBERS = r"all|\d{1,6}(-\d{1,6})?(\s*,\s*\d{1,6}(-\d{1,6})?)*"


def choice(default: str | None, choices: str, help: str, **more: Any) -> Any:
    """Declare a choice between the words of `choices`, separated by blanks."""
    return _declare("choice", default, help, choices=tuple(choices.split()), **more)


def integer(
    default: int | str | None, minimum: int, maximum: int, help: str, *words: str, **more: Any
) -> Any:
    """Declare a whole number within bounds, or one of `words`."""
    return _declare("int", default, help, minimum=minimum, maximum=maximum, words=words, **more)


def number(
    default: float | str | None, minimum: float, maximum: float, help: str, *words: str, **more: Any
) -> Any:
    """Declare a number within bounds, or one of `words`."""
    return _declare("float", default, help, minimum=minimum, maximum=maximum, words=words, **more)


def flag(default: bool, help: str, **more: Any) -> Any:
    """Declare a key that is true or false."""
    return _declare("bool", default, help, **more)


def text(default: str | None, help: str, pattern: str = "", example: str = "", **more: Any) -> Any:
    """Declare a text, which must match a pattern as a whole."""
    return _declare("text", default, help, pattern=pattern, example=example, **more)


def path(default: str | None, help: str, **more: Any) -> Any:
    """Declare the path of a file or folder."""
    return _declare("path", default, help, **more)


def _declare(kind: str, default: Any, help: str, *, name: str = "", **more: Any) -> Any:
    # The key has the field's name, but where that is a word that Python keeps for itself.
    return field(default=default, metadata={"key": Key(name, kind, default, help, **more)})


def keys_of(options: type[Options]) -> tuple[Key, ...]:
    """Return the keys of an options class, in the order of its groups.

    A field without a declaration of its own (a subclass that only changes the default) keeps the
    rest of the declaration it inherits.
    """
    known = _keys.get(options)
    if known is not None:
        return known
    declared: dict[str, Key] = {}
    for base in reversed(options.__mro__):
        own = inspect.get_annotations(base)
        for item in base.__dict__.get("__dataclass_fields__", {}).values():
            if item.name in own and "key" in item.metadata:
                key: Key = item.metadata["key"]
                name, group = key.name or item.name, base.__dict__.get("title", "")
                declared[item.name] = replace(key, name=name, field=item.name, group=group)
    found = tuple(replace(declared[item.name], default=item.default) for item in fields(options))
    _keys[options] = found
    return found


_keys: dict[type[Options], tuple[Key, ...]] = {}


def index_of(options: type[Options]) -> dict[str, Key]:
    """Index the keys of an options class by name and alias."""
    return by_name(keys_of(options))


@dataclass(frozen=True, kw_only=True)
class Options:
    """Checked values of keys; every field of a subclass is declared with the functions above.

    A stage takes the group of keys that it needs; `tdseg.Settings` is made of groups and so is
    each of them.

    Raises
    ------
    TdsegError
        If a value is not valid; the message names the key and lists the valid values.
    """

    title: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for key in keys_of(type(self)):
            object.__setattr__(self, key.field, key.check(getattr(self, key.field)))
        self.check_together()

    def check_together(self) -> None:
        """Check values that depend on each other; groups add theirs and call the next."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Make options of names and values; an unknown name is an error that lists the valid."""
        index = index_of(cls)
        return cls(**{find_key(name, index, cls.__name__).field: v for name, v in values.items()})

    @classmethod
    def of(cls, options: Options) -> Self:
        """Take the keys of this class from other options that have them; others stay on default."""
        own = {key.name for key in keys_of(cls)}
        return cls.from_mapping({k: v for k, v in options.to_dict().items() if k in own})

    def to_dict(self) -> dict[str, Any]:
        """Return names and values, ready for JSON."""
        return {key.name: getattr(self, key.field) for key in keys_of(type(self))}

    def with_(self, **changes: Any) -> Self:
        """Return a copy with some values changed."""
        index = index_of(type(self))
        return replace(
            self, **{find_key(n, index, type(self).__name__).field: v for n, v in changes.items()}
        )
