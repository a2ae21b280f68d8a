"""Tokens that were computed once and need not be again."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.features.pixel_cache import PixelCache
from tdseg.runtime.files import user_path, write_file

if TYPE_CHECKING:
    from tdseg.upsampling.shifts import EncodedPlane

_AXIS = ("lower", "upper", "weight", "positions")


def token_key(pixels: np.ndarray, ranges: np.ndarray, settings: Mapping[str, Any]) -> str:
    """Return what tokens are filed under.

    Parameters
    ----------
    pixels
        What the backbone sees: content, shape and type all count.
    ranges
        The values that it sees as 0 and 1.
    settings
        Everything else that changes tokens: the hash of the weights, precision, copies, windows.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=20)
    for array in (pixels, np.asarray(ranges, np.float64)):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    digest.update(repr(sorted((key, repr(value)) for key, value in settings.items())).encode())
    return digest.hexdigest()


def cache_folder() -> Path | None:
    """Return the folder that ``TDSEG_CACHE`` names, if it names one."""
    name = os.environ.get("TDSEG_CACHE", "").strip()
    return user_path(name) if name else None


def open_cache(limit_bytes: int) -> TokenCache:
    """Return a cache that also keeps tokens in the folder that ``TDSEG_CACHE`` names, if it does.

    Raises
    ------
    TdsegError
        If the folder cannot be made or written.
    """
    folder = cache_folder()
    if folder is None:
        return TokenCache(limit_bytes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise TdsegError(
            f"TDSEG_CACHE names {folder}, which cannot be written ({error.strerror}); name another "
            "folder, or unset it."
        ) from None
    return TokenCache(limit_bytes, folder)


class TokenCache:
    """A bounded store of encoded planes, the least recently used leaving first.

    Parameters
    ----------
    limit_bytes
        Bound of what is held in memory. A plane that alone exceeds it is not kept.
    folder
        Where planes are kept beyond the session; None: nowhere.
    folder_bytes
        Bound of the folder; the files that were not used for longest are deleted.

    Attributes
    ----------
    pixels
        Features of labelled pixels, up to an eighth as many bytes; in memory alone.
    """

    def __init__(
        self, limit_bytes: int, folder: Path | None = None, folder_bytes: int = 8 * 1024**3
    ) -> None:
        self.folder = folder
        self._limit = limit_bytes
        self._folder_bytes = folder_bytes
        self.pixels = PixelCache(limit_bytes // 8)
        self._planes: OrderedDict[str, EncodedPlane] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes held in memory."""
        with self._lock:
            return self._held()

    @property
    def count(self) -> int:
        """Number of planes held in memory."""
        with self._lock:
            return len(self._planes)

    def _held(self) -> int:
        return sum(plane.nbytes for plane in self._planes.values())

    def clear(self) -> None:
        """Forget all planes, in memory and in the folder."""
        self.pixels.clear()
        with self._lock:
            self._planes.clear()
        if self.folder is not None:
            for file in (*self.folder.glob("*.npz"), *self.folder.glob("*.part")):
                file.unlink(missing_ok=True)

    def give_back(self) -> None:
        """Forget all planes in memory; those in the folder stay."""
        self.pixels.clear()
        with self._lock:
            self._planes.clear()

    def get(self, key: str) -> EncodedPlane | None:
        """Return the plane filed under a key, or None."""
        with self._lock:
            found = self._planes.get(key)
            if found is not None:
                self._planes.move_to_end(key)
                return found
        found = self._read(key)
        if found is not None:
            self._keep(key, found)
        return found

    def put(self, key: str, plane: EncodedPlane) -> None:
        """File a plane."""
        self._keep(key, plane)
        self._write(key, plane)

    def get_or_make(self, key: str, make: Callable[[], EncodedPlane]) -> tuple[EncodedPlane, bool]:
        """Return the plane of a key, made if need be, and whether it was there."""
        found = self.get(key)
        if found is not None:
            return found, True
        plane = make()
        self.put(key, plane)
        return plane, False

    def _keep(self, key: str, plane: EncodedPlane) -> None:
        with self._lock:
            self._planes.pop(key, None)
            if plane.nbytes > self._limit:
                return
            self._planes[key] = plane
            while self._held() > self._limit:
                self._planes.popitem(last=False)

    def _read(self, key: str) -> EncodedPlane | None:
        if self.folder is None:
            return None
        file = self.folder / f"{key}.npz"
        try:
            # NumPy leaves a damaged file open that it has opened itself.
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                plane = _from_arrays(dict(stored))
            os.utime(file)
        except FileNotFoundError:
            return None
        except Exception:
            # Cut off when a disk was full, damaged (NumPy and zip raise errors of many kinds), or
            # what compiled code must not walk: computed again.
            return None
        return plane

    def _write(self, key: str, plane: EncodedPlane) -> None:
        if self.folder is None or plane.nbytes > self._folder_bytes:
            return

        def save(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, **_to_arrays(plane))  # type: ignore[arg-type]

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_file(self.folder / f"{key}.npz", save, "overwrite")
            self._trim()
        except (OSError, TdsegError):
            return  # a full or read-only disk only costs the saving

    def _trim(self) -> None:
        assert self.folder is not None
        files = sorted(self.folder.glob("*.npz"), key=lambda file: file.stat().st_mtime)
        total = sum(file.stat().st_size for file in files)
        for file in files:
            if total <= self._folder_bytes:
                return
            total -= file.stat().st_size
            file.unlink(missing_ok=True)


def _to_arrays(plane: EncodedPlane) -> dict[str, np.ndarray]:
    arrays = {
        "shape": np.array(plane.shape),
        "grids": np.array([len(grids) for grids in plane.levels]),
    }
    for i, grids in enumerate(plane.levels):
        for j, grid in enumerate(grids):
            arrays[f"{i}.{j}.values"] = grid.values
            for side, axis in (("rows", grid.rows), ("cols", grid.cols)):
                for part in _AXIS:
                    arrays[f"{i}.{j}.{side}.{part}"] = getattr(axis, part)
    return arrays


def _from_arrays(arrays: Mapping[str, np.ndarray]) -> EncodedPlane:
    from tdseg.upsampling.shifts import EncodedPlane
    from tdseg.upsampling.token_field import Axis, TokenGrid

    height, width = (int(n) for n in _array(arrays, "shape", "i", 1))
    lengths = {"rows": height, "cols": width}

    def axis(stem: str, side: str, tokens: int) -> Axis:
        """Return an axis; compiled code reads tokens by its numbers, so they must be there."""
        lower, upper = (_array(arrays, f"{stem}.{side}.{p}", "i", 1) for p in ("lower", "upper"))
        weight = _array(arrays, f"{stem}.{side}.weight", "f", 1)
        positions = _array(arrays, f"{stem}.{side}.positions", "f", 1)
        numbers = np.concatenate([lower, upper])
        right = (
            len(lower) == len(upper) == len(weight)
            and len(lower) in (0, lengths[side])  # 0: an axis that knows no pixels yet
            and len(positions) == tokens > 0
            and (numbers.size == 0 or (numbers.min() >= 0 and numbers.max() < tokens))
            and bool(((weight >= 0) & (weight <= 1)).all() and np.isfinite(positions).all())
            and lower.dtype == upper.dtype == np.int32
            and weight.dtype == np.float32
        )
        if not right:
            raise ValueError(f"the axis '{stem}.{side}' does not fit its tokens")
        return Axis(lower, upper, weight, positions)

    def grid(stem: str) -> TokenGrid:
        values = _array(arrays, f"{stem}.values", "f", 3)
        if values.dtype not in (np.float16, np.float32) or not np.isfinite(values).all():
            raise ValueError(f"the tokens '{stem}' are not numbers")
        tall, wide, _ = values.shape
        return TokenGrid(values, axis(stem, "rows", tall), axis(stem, "cols", wide))

    levels = tuple(
        tuple(grid(f"{i}.{j}") for j in range(int(count)))
        for i, count in enumerate(_array(arrays, "grids", "i", 1))
    )
    if not levels or any(
        not grids or len({grid.channels for grid in grids}) > 1 for grids in levels
    ):
        raise ValueError("a level has no tokens, or grids of different channels")
    return EncodedPlane(levels, (height, width))


def _array(arrays: Mapping[str, np.ndarray], name: str, kind: str, ndim: int) -> np.ndarray:
    """Return an array of the file if it is of a kind and number of dimensions."""
    found = arrays[name]
    if found.dtype.kind != kind or found.ndim != ndim:
        raise ValueError(f"the array '{name}' is {found.dtype} of shape {found.shape}")
    return found
