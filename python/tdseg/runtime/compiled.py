"""How numeric loops are compiled, with Numba, and where the compiled code is kept.

Compiling takes about 10 s for the first classical features, so it is kept on disk: in the folder
that ``NUMBA_CACHE_DIR`` names, else beside the installed package, else in the user's cache folder.
Where none of them can be written it is compiled at every start, and the user is told. Nothing may
fail for want of a cache.

Numba compiles a function anew when its file changes, but not when a function that it calls, or a
constant that it reads, changes in another file. So the folder's name has a digest of both.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core import event

from tdseg.runtime.telling import tell_once
from tdseg.runtime.user_cache import can_write_in, user_cache

R = TypeVar("R")

_lock = threading.RLock()
_digests: dict[int, str] = {}


def compiled(**options: Any) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return a decorator that compiles a function when it is first called.

    Parameters
    ----------
    **options
        Numba's, besides ``nogil=True``: other threads go on while it runs.
    """

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        with _lock:
            digest = _digest(function)
            root = cache_root()
            if root is None:
                made = numba.njit(nogil=True, **options)(function)
            else:
                made = _cached(function, root / digest[:16], options)
            _digests[id(made)] = digest
        return made  # type: ignore[no-any-return]

    return decorate


@cache
def cache_root() -> Path | None:
    """Return the folder of compiled code; None where none can be written."""
    named = os.environ.get("NUMBA_CACHE_DIR", "").strip()
    beside = Path(__file__).resolve().parent.parent / "__pycache__" / "compiled"
    for folder in (Path(named) / "tdseg" if named else None, beside):
        if folder is not None and can_write_in(folder):
            return folder
    return user_cache("compiled")


def _cached(function: Callable[..., Any], folder: Path, options: dict[str, Any]) -> Any:
    """Compile with a cache in `folder`; without one where Numba cannot use it."""
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)  # read where the function is decorated, and only there
    try:
        made = numba.njit(nogil=True, cache=True, **options)(function)
    except (RuntimeError, OSError):  # "no locator available"
        return numba.njit(nogil=True, **options)(function)
    finally:
        config.CACHE_DIR = before
    store = getattr(made, "_cache", None)
    if store is not None:
        _forgive(store)
    return made


def _forgive(store: Any) -> None:
    """Let a function run although its cache is damaged, or a full disk takes no more."""
    load, save = store.load_overload, store.save_overload

    def forgiving_load(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except Exception:  # whatever unpickling a damaged file may raise
            return None

    def forgiving_save(*arguments: Any) -> None:
        try:
            try:
                save(*arguments)
            except Exception as error:
                if isinstance(error, OSError):
                    raise
                store.flush()  # the index is damaged: begin a new one
                save(*arguments)
        except Exception as error:
            tell_once(f"Compiled code cannot be kept ({error}): the next start compiles anew.")

    store.load_overload, store.save_overload = forgiving_load, forgiving_save


def _digest(function: Any) -> str:
    """Hash a function's code with the compiled functions that it calls and constants it reads."""
    code = function.__code__
    digest = hashlib.sha256(_code_bytes(code))
    for name in code.co_names:
        value = function.__globals__.get(name)
        if id(value) in _digests:
            digest.update(_digests[id(value)].encode())
        elif isinstance(value, np.ndarray):
            digest.update(value.tobytes())
        elif isinstance(value, bool | int | float | str | tuple | np.generic):
            digest.update(f"{name}={value!r}".encode())
    return digest.hexdigest()


def _code_bytes(code: CodeType) -> bytes:
    """Return code and constants; those of inner functions too, whose repr has an address."""
    constants = (
        _code_bytes(constant) if isinstance(constant, CodeType) else repr(constant).encode()
        for constant in code.co_consts
    )
    return b"|".join([code.co_code, *constants])


class _Listener(event.Listener):
    """Tells the user, once a process, that it is compiling and not hanging."""

    def on_start(self, found: Any) -> None:
        function = found.data["dispatcher"].py_func
        if not function.__module__.startswith("tdseg."):
            return
        if cache_root() is not None:
            tell_once("First use: compiling, about 10 s, once per installation.")
        else:
            tell_once(
                "Compiling, about 10 s at every start: neither the installation nor your cache "
                "folder can be written. Name a folder that can be in NUMBA_CACHE_DIR."
            )

    def on_end(self, found: Any) -> None:
        """Say nothing."""


event.register("numba:compile", _Listener())  # type: ignore[no-untyped-call]
