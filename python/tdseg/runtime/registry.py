"""Names for implementations: the one pattern behind backbones, upsamplers, classifiers, families.

A registry is a leaf: implementations import it, it imports none of them. Those that come with tdseg
are entered as text, ``module:attribute``, and imported when they are first asked for, so that
listing names loads nothing; those from outside are entered by a call or a decorator.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, cast

from tdseg.errors import TdsegError

Item = TypeVar("Item")
Registered = TypeVar("Registered")


class Registry(Generic[Item]):
    """Items by name, in the order in which they were entered.

    Parameters
    ----------
    key
        The option by which users choose one, for messages.
    built_in
        What comes with tdseg: names, and where each is, as ``module:attribute``.
    """

    def __init__(self, key: str, built_in: Mapping[str, str]) -> None:
        self._key = key
        self._items: dict[str, Item | str] = dict(built_in)
        self._built_in = frozenset(built_in)

    def __contains__(self, name: object) -> bool:
        """Return whether something has this name; loads nothing."""
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names; loads nothing."""
        return iter(tuple(self._items))

    @property
    def built_in(self) -> tuple[str, ...]:
        """The names of what comes with tdseg; loads nothing."""
        return tuple(name for name in self._items if name in self._built_in)

    def names(self) -> tuple[str, ...]:
        """Return all names; loads nothing."""
        return tuple(self._items)

    def add(self, name: str, item: Item) -> None:
        """Enter an item; an earlier one from outside that has this name is replaced.

        Parameters
        ----------
        name
            Lower case, of letters, digits and ``_ . -``: it is written in macros.
        item
            What `get` returns.

        Raises
        ------
        TdsegError
            If the name cannot be written in a macro, or belongs to tdseg itself.
        """
        if not name or name != name.lower() or not all(c.isalnum() or c in "_.-" for c in name):
            raise TdsegError(
                f"'{name}' cannot be registered for the key '{self._key}'; use lower-case letters, "
                "digits, '_', '.' and '-'."
            )
        if name in self._built_in:
            raise TdsegError(
                f"'{name}' of the key '{self._key}' comes with tdseg; register yours under another "
                "name."
            )
        self._items[name] = item

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """Return a decorator that enters a class or function; see `add`."""

        def enter(item: Registered) -> Registered:
            self.add(name, cast(Item, item))
            return item

        return enter

    def get(self, name: str) -> Item:
        """Return an item; a built-in one is imported now.

        Raises
        ------
        TdsegError
            If nothing has this name; the message has those nearest, and all.
        """
        if name not in self._items:
            near = difflib.get_close_matches(name, self._items, 3)
            hint = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
            raise TdsegError(
                f"Key '{self._key}': '{name}' is not valid; use {', '.join(self._items)}.{hint}"
            )
        item = self._items[name]
        if isinstance(item, str):
            module, _, attribute = item.partition(":")
            item = cast(Item, getattr(importlib.import_module(module), attribute))
            self._items[name] = item
        return item
