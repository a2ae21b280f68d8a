"""Texts that may be sent to others: without names of people, and without places on the disk."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

_START = r"(?<![\w:/\\~.])(?:~|[A-Za-z]:|\\\\[\w.$-]+)?"
_QUOTED = re.compile(rf"""(["'])({_START}[/\\][^"'\n]*)\1""")
_BARE = re.compile(rf"{_START}[/\\](?![/\\\s])[^\s\"'<>|;,)]*")
_FILE = re.compile(r"""(["'])([^"'/\\\n]+)(\.\w{1,6})\1""")
_OURS = re.compile(r"[/\\](tdseg[/\\](?!.*[/\\]tdseg[/\\]).+\.py)$")
_CODE = (".py", ".java", ".so", ".dll", ".dylib", ".jar")

# Accounts that are no person's name, but may be words of a message.
_NOBODY = frozenset("root user admin administrator ubuntu debian docker jovyan runner test".split())
_SHORTEST = 3  # shorter names would be found in any text


def redacted(text: str, people: Iterable[str] | None = None, home: Path | None = None) -> str:
    """Return a text without names of people and without places outside the package.

    Of a path there stays whether it lies in the home folder, and its ending; of Python's own
    files and those of the package, the name. Names of files in quotation marks go the same way.

    Parameters
    ----------
    text
        Any text, such as a trace or an environment variable.
    people
        Names to leave out; default: those of this account, its owner and this computer.
    home
        The home folder; default: this account's.

    Returns
    -------
    str
        The text; names are ``USER``.
    """
    homes = _homes(home)
    if _is_path(text):
        text = _short(text, homes)
    text = _QUOTED.sub(lambda m: m[1] + _short(m[2], homes) + m[1], text)
    text = _BARE.sub(lambda m: _short(m[0], homes), text)
    text = _FILE.sub(lambda m: m[0] if m[3] in _CODE else f"{m[1]}...{m[3]}{m[1]}", text)
    for name in sorted(_people() if people is None else people, key=len, reverse=True):
        if len(name) >= _SHORTEST and name.lower() not in _NOBODY:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "USER", text, flags=re.IGNORECASE)
    return text


def _is_path(text: str) -> bool:
    """Whether the whole text is a path, which may have spaces."""
    return bool(re.match(rf"{_START}[/\\]", text)) and "\n" not in text


def _short(path: str, homes: Iterable[str]) -> str:
    """Return what may be said of a path."""
    ours = _OURS.search(path)
    if ours is not None:
        return ".../" + ours[1].replace("\\", "/")
    pure = PureWindowsPath(path) if "\\" in path or path[1:2] == ":" else PurePosixPath(path)
    inside = any(path.casefold().startswith(each.casefold()) for each in homes)
    start = "~/..." if inside or path.startswith("~") else "/..."
    if pure.suffix in _CODE:
        return f"{start}/{pure.name}"
    return start + (pure.suffix if re.fullmatch(r"\.[A-Za-z]\w{0,5}", pure.suffix) else "")


def _homes(home: Path | None) -> list[str]:
    try:
        home = Path.home() if home is None else home
    except RuntimeError:  # an account without one
        return []
    return [str(home), os.path.realpath(home)]


def _people() -> set[str]:
    """Return the names of this account, its owner and this computer."""
    found = {os.environ.get(key, "") for key in ("USER", "LOGNAME", "USERNAME", "COMPUTERNAME")}
    found.add(platform.node())
    found.add(platform.node().partition(".")[0])
    for ask in (getpass.getuser, lambda: Path.home().name, _owner):
        try:
            found.add(ask())
        except (OSError, RuntimeError, KeyError, ImportError):
            continue
    found -= {"", "localhost"}
    return found | {part for name in found for part in name.split() if len(name.split()) > 1}


def _owner() -> str:
    """Return the full name of the account's owner; Windows does not tell it."""
    import pwd

    return pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
