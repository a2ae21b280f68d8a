"""What the serving process remembers between commands; knows no Java."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tdseg.errors import TdsegError
from tdseg.features.token_cache import TokenCache, open_cache

if TYPE_CHECKING:
    from tdseg.classifiers.model import Model
    from tdseg.images.image import Image
    from tdseg.labels.sparse_labels import SparseLabels

# Tokens of a few large images: enough to correct strokes without running the network again.
CACHE_BYTES = 2 * 1024**3


@dataclass
class Example:
    """A labelled image that later trainings with ``append=true`` still use."""

    key: str
    image: Image
    labels: SparseLabels


@dataclass
class Session:
    """Classes, current classifier, training images and cached tokens.

    Attributes
    ----------
    classes
        Name of each label value; belongs to the session, not to an image.
    model
        The current classifier, or None.
    examples
        The training images of the current classifier, in order.
    cache
        Tokens of the images seen last.
    running
        Name of the command that runs now, or "".
    last_line
        The macro line of the last command that finished.
    """

    classes: dict[int, str] = field(default_factory=dict)
    model: Model | None = None
    examples: list[Example] = field(default_factory=list)
    cache: TokenCache = field(default_factory=lambda: open_cache(CACHE_BYTES))
    running: str = ""
    waiting: int = 0
    last_line: str = ""
    _after_labels: set[int] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def job(self, name: str) -> Iterator[None]:
        """Run one command at a time; others wait in the order that they came, roughly."""
        self.waiting += 1
        with self._lock:
            self.waiting -= 1
            previous, self.running = self.running, name
            try:
                yield
            finally:
                self.running = previous

    def set_classes(self, names: list[str]) -> None:
        """Name the classes: the k-th name belongs to label value k.

        Raises
        ------
        TdsegError
            If there are none, a name is empty or comes twice, or there are more than 255.
        """
        cleaned = [name.strip() for name in names]
        if not any(cleaned) or "" in cleaned:
            raise TdsegError(
                "Key 'classes' needs names separated by commas, for example "
                "classes=[background,nucleus]."
            )
        twice = sorted({n for n in cleaned if cleaned.count(n) > 1})
        if twice:
            raise TdsegError(f"Key 'classes' names '{twice[0]}' twice; every class needs its own.")
        if len(cleaned) > 255:
            raise TdsegError(f"Key 'classes' has {len(cleaned)} names; ImageJ has 255 ROI groups.")
        self.classes = {k + 1: name for k, name in enumerate(cleaned)}
        self._after_labels.clear()

    def given_classes(self) -> dict[int, str]:
        """Return the classes that a user named or that a loaded classifier brought.

        Without those that training named after its labels: the next images may have other ones.
        """
        return {k: name for k, name in self.classes.items() if k not in self._after_labels}

    def class_value(self, text: str) -> int:
        """Return the label value of a class given by name or number.

        Raises
        ------
        TdsegError
            If there is no such class; the message lists those that there are.
        """
        for value, name in self.classes.items():
            if name == text:
                return value
        if text.isdigit() and 1 <= int(text) <= 255:
            value = int(text)
            if not self.classes or value in self.classes:
                return value
        listing = ", ".join(self.classes.values()) or "none yet"
        raise TdsegError(
            f"Key 'class': there is no class '{text}'. Classes: {listing}.", hint="classes"
        )

    def class_name(self, value: int) -> str:
        """Return the name of a label value."""
        return self.classes.get(value, f"class {value}")

    def current_model(self) -> Model:
        """Return the current classifier.

        Raises
        ------
        TdsegError
            If there is none yet.
        """
        if self.model is None:
            raise TdsegError(
                "There is no classifier yet; train one, or give a file with model=[path].",
                hint="classifier",
            )
        return self.model

    def examples_with(self, new: list[Example], append: bool) -> list[Example]:
        """Return the training images for new ones: alone, or after those of before."""
        if not append:
            return new
        again = {example.key for example in new}
        return [e for e in self.examples if e.key not in again] + new

    def adopt(self, model: Model, examples: list[Example] | None = None) -> None:
        """Make a classifier the current one, with its classes."""
        self.model = model
        self.examples = list(examples or [])
        named = dict(zip(model.class_values, model.class_names, strict=True))
        # Class names live in the classifier: a loaded one brings its own.
        new = {v: name for v, name in named.items() if name != f"class {v}"}
        if examples is None:
            self._after_labels -= set(new)
        else:
            for gone in self._after_labels - set(new):
                del self.classes[gone]
            self._after_labels &= set(new)
            self._after_labels |= {v for v, name in new.items() if self.classes.get(v) != name}
        self.classes |= new
