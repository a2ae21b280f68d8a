"""Files: what stands under a name, whether one may be written, and writing it whole or not at all.

Asking for a name can itself fail (a folder without rights, a name that is too long, a zero byte);
every room asks here, so that each such failure is one sentence.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tdseg.errors import TdsegError
from tdseg.runtime.leftovers import claim, part_name, sweep_now_and_then

EXISTING = ("skip", "overwrite", "error")

_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a user wrote, with ``~`` and ``~name`` replaced by the home folder.

    Raises
    ------
    TdsegError
        If nobody has that name here.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise TdsegError(
            f"{_quoted(text)} begins with the home folder of nobody here; write the whole path."
        ) from None


def name_of(path: str | os.PathLike[str]) -> str:
    """Return a file's name as text that can be stored: bytes that are no text become U+FFFD.

    File names are bytes on most systems; Python has what is no UTF-8 in them as lone surrogates,
    which no header, description or Java string can hold.
    """
    name = Path(path).name
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in name)


def look_up(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return what the system knows of a path, links followed; None where nothing has that name.

    Raises
    ------
    TdsegError
        If the system cannot tell: a folder on the way may not be entered, the name is too long or
        has a character that no file name can have.
    """
    try:
        return os.stat(path)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise TdsegError(f"{_quoted(path)} {_reason(error)}") from None
    except ValueError:  # a zero byte, or letters that the system's encoding lacks
        raise TdsegError(
            f"{_quoted(path)} has characters that no file name can have here; correct the name."
        ) from None


def is_file(path: str | os.PathLike[str]) -> bool:
    """Say whether a regular file has this name; raises as `look_up`."""
    found = look_up(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder has this name; raises as `look_up`."""
    found = look_up(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def exists(path: str | os.PathLike[str]) -> bool:
    """Say whether anything has this name, a link that leads nowhere too; raises as `look_up`."""
    return look_up(path) is not None or os.path.islink(path)


def check_source(path: str | os.PathLike[str], what: str = "file") -> Path:
    """Return the path of a regular file that can be opened for reading.

    Parameters
    ----------
    path
        The file.
    what
        What it is to the user, for the message: "classifier file".

    Raises
    ------
    TdsegError
        If it is missing, a folder, a pipe or device (reading those may never end), or may not be
        read.
    """
    path = Path(path)
    found = look_up(path)
    if found is None:
        raise TdsegError(f"There is no {what} '{path}'; check the name and the folder.")
    if stat.S_ISDIR(found.st_mode):
        raise TdsegError(f"'{path}' is a folder; name the {what} in it.")
    if not stat.S_ISREG(found.st_mode):
        raise TdsegError(f"'{path}' is a pipe or a device; copy it to a file and name that.")
    if not os.access(path, os.R_OK):
        raise TdsegError(f"File '{path}' may not be read; change its permissions.")
    return path


def check_target(path: str | os.PathLike[str], existing: str = "error") -> bool:
    """Check, before any work, that a file can be written when the work is done.

    Parameters
    ----------
    path
        The file to write.
    existing
        ``skip``, ``overwrite`` or ``error``, if the file is there.

    Returns
    -------
    bool
        Whether to write it; False if it is there and ``skip`` keeps it.

    Raises
    ------
    TdsegError
        If the file is there under ``error`` or is write-protected, is a folder, its name is too
        long, or its folder is missing or may not be written to.
    """
    path = Path(path)
    if existing not in EXISTING:
        raise TdsegError(f"Key 'existing' is '{existing}'; use one of {', '.join(EXISTING)}.")
    there = exists(path)
    if is_folder(path):
        raise TdsegError(f"'{path}' is a folder; give the name of a file in it.")
    if not is_folder(path.parent):
        raise TdsegError(f"Folder '{path.parent}' does not exist; create it first.")
    if there:
        if existing == "skip":
            return False
        if existing == "error":
            raise _refused(path)
        if not os.access(path, os.W_OK) and not os.path.islink(path):
            raise TdsegError(f"File '{path}' is write-protected; choose another name.")
    _check_writable(path.parent)
    return True


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise TdsegError(
            f"Folder '{folder}' may not be written to; choose another, or change its permissions."
        )


def check_target_folder(path: str | os.PathLike[str], existing: str, ours: bool) -> bool:
    """Check, before any work, that a folder of results can be written when the work is done.

    Parameters
    ----------
    path
        The folder.
    existing
        ``skip``, ``overwrite`` or ``error``, if it is there.
    ours
        Whether what is there is of the kind that may be replaced.

    Returns
    -------
    bool
        Whether to write it; False if it is there and ``skip`` keeps it.

    Raises
    ------
    TdsegError
        As `check_target`, or if something else is there.
    """
    path = Path(path)
    if not exists(path):
        return check_target(path, existing)
    if existing == "skip":
        return False
    if existing == "error":
        raise TdsegError(f"Folder '{path}' exists; choose another name, or existing=overwrite.")
    if not ours:
        raise TdsegError(
            f"'{path}' is no OME-Zarr and is not replaced; choose another output folder."
        )
    _check_writable(path.parent)
    return True


def put_folder(part: Path, path: Path, existing: str = "error") -> bool:
    """Give a complete folder its name; one step for everybody who looks on.

    Parameters
    ----------
    part
        The folder, on the same disk.
    path
        Its name to be.
    existing
        What to do if something has that name.

    Returns
    -------
    bool
        Whether it was done; False if something was there and ``skip`` keeps it.

    Raises
    ------
    TdsegError
        If something is there under ``error``, or it cannot be renamed.
    """
    with _cannot_write(path):
        if exists(path):
            if existing == "skip":
                return False
            if existing == "error":
                raise _refused(path)
            old = part.with_name(f"{part.name}.old")
            os.replace(path, old)
            os.replace(part, path)
            shutil.rmtree(old, ignore_errors=True)
            return True
        os.replace(part, path)
    return True


def check_output_folder(folder: str | os.PathLike[str]) -> None:
    """Check, before any work, that files can be written into a folder that may yet be missing.

    Raises
    ------
    TdsegError
        If it, or the nearest folder above it that exists, is a file or may not be written to.
    """
    wanted = Path(folder)
    nearest = Path(os.path.abspath(wanted))
    while not exists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not is_folder(nearest):
        raise TdsegError(f"'{nearest}' is a file, not a folder; choose another output folder.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise TdsegError(
            f"Folder '{nearest}' may not be written to; choose another output folder than "
            f"'{wanted}', or change its permissions."
        )


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Make an output folder, with its parents, and remove what killed runs left in it.

    Raises
    ------
    TdsegError
        If it cannot be made or written to.
    """
    folder = Path(folder)
    check_output_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise TdsegError(
            f"Output folder '{folder}' cannot be made ({_why(error)}); choose another."
        ) from None
    sweep_now_and_then(folder)
    return folder


def write_file(path: Path, write: Callable[[Path], object], existing: str = "error") -> bool:
    """Write a file under a temporary name beside it, then rename it.

    Of several jobs that write the same file at once, each writes all of it; under ``error`` and
    ``skip`` the first to end wins and the others behave as if its file had always been there.

    Parameters
    ----------
    path
        The file; its folder must exist.
    write
        Writes to the path that it is given.
    existing
        ``skip``, ``overwrite`` or ``error``, if the file is there.

    Returns
    -------
    bool
        Whether it was written; False if it was there and kept.

    Raises
    ------
    TdsegError
        As `check_target`, or if there is no space.
    """
    path = Path(path)
    if not check_target(path, existing):
        return False
    sweep_now_and_then(path.parent)
    with _cannot_write(path), claim(path.with_name(part_name())) as part:
        write(part)
        if existing == "overwrite":
            os.replace(part, path)
            return True
        try:
            _rename_if_free(part, path)
        except FileExistsError:
            if existing == "skip":
                return False
            raise _refused(path) from None
    return True


def _rename_if_free(part: Path, path: Path) -> None:
    """Give a file its name unless something has it; one step for everybody who looks on.

    Raises
    ------
    FileExistsError
        If something has the name.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names, such as FAT: take the name, then fill it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(part, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _cannot_write(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TdsegError(
            f"File '{path}' cannot be written: {_why(error)}; choose a folder that you may write "
            "to, with enough free space."
        ) from error


def _refused(path: Path) -> TdsegError:
    return TdsegError(f"File '{path}' exists; choose another name, or existing=overwrite.")


def _quoted(path: str | os.PathLike[str]) -> str:
    """Return a path for a message: long names in their middle cut out, nothing unprintable."""
    text = os.fspath(path)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"'{text[:60]} ... {text[-30:]}'" if len(text) > 200 else f"'{text}'"


def _reason(error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return "is too long a name for this file system; choose a shorter one."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "is in a folder that you may not enter; change its permissions, or choose another."
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself; correct the link."
    return f"cannot be looked up ({_why(error)}); check the path."


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
