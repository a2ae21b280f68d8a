"""A real ImageJ in a Java of its own, with the plugin and its worker."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
        home = self.folder / "home"
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
        return {**os.environ, "TDSEG_PYTHON": sys.executable, "PYTHONPATH": package, **more}

    def run_macro(self, text: str, argument: str = "", **environment: str) -> str:
        """Run a macro without a display and return what was printed, errors too."""
        macro = self.folder / "macro.ijm"
        macro.write_text(text, encoding="utf-8")
        done = subprocess.run(
            self.command("-batch", str(macro), argument),
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=True,
        )
        return done.stdout
