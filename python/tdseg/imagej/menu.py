"""The commands, and the plugin's panel, in the menu of an ImageJ with windows."""

from __future__ import annotations

from typing import Any

import jpype

from tdseg.commands.table import COMMANDS, MENU
from tdseg.imagej.ask import plugin_dialogs
from tdseg.imagej.java import jc

PANEL = "TDS Panel..."
"""The entry that is no command of a macro."""


def open_panel() -> bool:
    """Open the plugin's panel, or bring it to the front; return whether its jar is there."""
    if plugin_dialogs() is None:
        return False
    # By Python's class path: ImageJ's own loader may know no plugin, or start a worker for it.
    jpype.JClass("tdseg.fiji.panel.TdsPanel")().run("")
    return True


def install_menu() -> None:
    """Put the commands into *Plugins > Trainable Deep Segmentation*, and into Find Commands."""
    names = [command.name for command in COMMANDS]
    if plugin_dialogs() is not None:
        names.insert(0, PANEL)
    window, menu = jc.IJ.getInstance(), _submenu()
    for name in names:
        # The listener swallows the commands before ImageJ would run what stands here.
        jc.Menus.getCommands().put(name, f'ij.plugin.TextReader("{name}")')
        if menu is not None:
            item = jc.MenuItem(name)
            item.addActionListener(window)
            menu.add(item)


def _submenu() -> Any:
    """Return our menu, empty; None where ImageJ's own menu bar is not shown."""
    bar = jc.Menus.getMenuBar()
    menus = [] if bar is None else [bar.getMenu(i) for i in range(bar.getMenuCount())]
    plugins = next((menu for menu in menus if str(menu.getLabel()) == "Plugins"), None)
    if plugins is None:
        return None
    for index in range(plugins.getItemCount()):
        item = plugins.getItem(index)
        if str(item.getLabel()) == MENU:
            item.removeAll()
            return item
    menu = jc.Menu(MENU)
    plugins.add(menu)
    return menu
