"""``tdseg fiji``: Fiji or ImageJ in a window, with the commands in its menu."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tdseg.commands.table import COMMANDS, MENU
from tdseg.errors import TdsegError
from tdseg.imagej import start
from tdseg.imagej.choice import choose_fiji
from tdseg.imagej.java import jc


def run_desktop(fiji: str | None, images: Sequence[Path] = ()) -> int:
    """Open Fiji or ImageJ with the ``TDS ...`` commands, and wait until its window is closed.

    Parameters
    ----------
    fiji
        A folder, endpoint or version; None: see `choose_fiji`.
    images
        Files to open.

    Returns
    -------
    int
        0.

    Raises
    ------
    TdsegError
        If there is no display, ImageJ cannot be started, or an image is missing.
    """
    missing = [path for path in images if not path.is_file()]
    if missing:
        raise TdsegError(f"There is no image file '{missing[0]}'.")
    chosen, reason = choose_fiji(fiji)
    print(reason, flush=True)
    # An empty string asks for embedded ImageJ, whatever the environment says.
    start(chosen, headless=False)
    install_menu()
    for path in images:
        jc.IJ.open(str(path.resolve()))
    _wait_for_the_window()
    return 0


def install_menu() -> None:
    """Put the commands into *Plugins > Trainable Deep Segmentation*, and into Find Commands."""
    window = jc.IJ.getInstance()
    if window is None:
        raise TdsegError("ImageJ has no window here; start it with headless=False.")
    menu = _submenu()
    for command in COMMANDS:
        # The listener swallows the command before ImageJ would run what stands here.
        jc.Menus.getCommands().put(command.name, f'ij.plugin.TextReader("{command.name}")')
        item = jc.MenuItem(command.name)
        item.addActionListener(window)
        menu.add(item)


def _submenu() -> Any:
    bar = jc.Menus.getMenuBar()
    for index in range(bar.getMenuCount()):
        plugins = bar.getMenu(index)
        if str(plugins.getLabel()) == "Plugins":
            break
    else:
        raise TdsegError("ImageJ's menu bar has no Plugins menu.")
    for index in range(plugins.getItemCount()):
        item = plugins.getItem(index)
        if str(item.getLabel()) == MENU:
            item.removeAll()
            return item
    menu = jc.Menu(MENU)
    plugins.add(menu)
    return menu


def _wait_for_the_window() -> None:
    """Return when the user has quit ImageJ."""
    while True:
        window = jc.IJ.getInstance()
        if window is None or not window.isDisplayable() or window.quitting():
            break
        time.sleep(0.2)
    # Windows of ImageJ close after it has been told to quit.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        window = jc.IJ.getInstance()
        if window is None or not window.isDisplayable():
            break
        time.sleep(0.1)
