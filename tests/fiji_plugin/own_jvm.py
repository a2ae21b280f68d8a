"""A real ImageJ in a Java of its own, with the plugin and its worker."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MARK = "TDSEG_STARTED_BY_TEST"
"""Environment variable of all that is started here."""

OPTIONS = ["-Xmx1g", "--add-opens=java.base/java.lang=ALL-UNNAMED"]


@dataclass(frozen=True)
class OwnImageJ:
    """An ImageJ that is started anew for each macro.

    Attributes
    ----------
    java
        The executable.
    folder
        Holds ``plugins`` with the plugin, and ``plugins/jars``.
    jars
        ImageJ itself, patched to run without a display; and without the patches.
    """

    java: Path
    folder: Path
    patched: tuple[Path, ...]
    plain: Path

    def command(self, *arguments: str, display: bool = False) -> list[str]:
        """Return the command line of an ImageJ, with windows or without."""
        # Each its own preferences: a second ImageJ with those of the first talks to that one.
        home = self.folder / ("home with windows" if display else "home")
        home.mkdir(exist_ok=True)
        options = [*OPTIONS, f"-Dplugins.dir={self.folder}", f"-Duser.home={home}"]
        if display:  # ImageJ finds the plugin itself
            return [str(self.java), *options, "-cp", str(self.plain), "ij.ImageJ", *arguments]
        # As a Fiji without a display, whose launcher puts all jars on the class path.
        jars = [*self.patched, *sorted(self.folder.glob("plugins/**/*.jar"))]
        path = os.pathsep.join(map(str, jars))
        options.append("-Djava.awt.headless=true")
        return [str(self.java), *options, "-cp", path, "ij.ImageJ", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which this Python, and this checkout, is the worker."""
        package = str(Path(__file__).parents[2] / "python")
        worker = {"TDSEG_PYTHON": sys.executable, "PYTHONPATH": package, MARK: str(os.getpid())}
        return {**os.environ, **worker, **more}

    def start_macro(
        self, text: str, argument: str = "", **environment: str
    ) -> subprocess.Popen[str]:
        """Start a macro without a display; what it prints, errors too, can be read."""
        # A file of its own: another ImageJ may not have read its macro yet.
        macro = Path(tempfile.mkdtemp(dir=self.folder)) / "macro.ijm"
        macro.write_text(text, encoding="utf-8")
        return subprocess.Popen(
            self.command("-batch", str(macro), argument),
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run_macro(self, text: str, argument: str = "", **environment: str) -> str:
        """Run a macro without a display and return what was printed, errors too."""
        with self.start_macro(text, argument, **environment) as imagej:
            try:
                printed, _ = imagej.communicate(timeout=300)
            except BaseException:
                imagej.kill()
                raise
        assert imagej.returncode == 0, printed
        return printed


class Driven:
    """An ImageJ with windows that does what a user does, by ``tdseg.fiji.DrivenImageJ``.

    Attributes
    ----------
    pid
        Of the Java process.
    """

    def __init__(
        self,
        imagej: OwnImageJ,
        classes: str,
        display: str,
        main: str = "DrivenImageJ",
        home: Path | None = None,
        **environment: str,
    ) -> None:
        command = imagej.command(display=True)
        at = command.index("-cp") + 1
        command[at] = classes
        command[at + 1 :] = [f"tdseg.fiji.{main}"]
        if home is not None:  # preferences of its own; the last option counts
            command[at - 1 : at - 1] = [f"-Duser.home={home}"]
        self._folder = imagej.folder
        self._process = subprocess.Popen(
            command,
            env=imagej.environment(DISPLAY=display, **environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

        self.pid = self._process.pid

    def __call__(self, verb: str, argument: str = "") -> str:
        """Do one thing and return what there is to tell of it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{verb} {argument}\n")
        stdin.flush()
        told: list[str] = []
        for line in stdout:
            line = line.rstrip("\n")
            if line == "ok":
                return "\n".join(told)
            if line.startswith("failed: "):
                raise AssertionError(f"{verb} {argument}: {line}")
            told.append(line)
        raise AssertionError(f"ImageJ ended at {verb} {argument}: {told}")

    def macro(self, text: str) -> str:
        """Run a macro."""
        path = self._folder / "driven.ijm"
        path.write_text(text, encoding="utf-8")
        return self("macro", str(path))

    def kill(self) -> None:
        """End ImageJ as a crash does."""
        self._process.kill()
        self._process.wait(30)

    def end(self) -> None:
        """Close ImageJ."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
