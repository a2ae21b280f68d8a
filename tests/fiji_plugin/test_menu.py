"""The plugin's menu and version are those of the Python package."""

import re
from pathlib import Path

import tdseg
from tdseg.commands.table import COMMANDS, MENU

PLUGIN = Path(__file__).parents[2] / "fiji-plugin"


def test_the_menu_has_all_commands_in_their_order():
    lines = (PLUGIN / "src/main/resources/plugins.config").read_text().splitlines()
    # The panel is no command of a macro: what is done with it is recorded as commands.
    assert lines.pop(0) == f'Plugins>{MENU}, "TDS Panel...", tdseg.fiji.panel.TdsPanel'
    assert lines == [
        f'Plugins>{MENU}, "{command.name}", tdseg.fiji.TdsCommand("{command.name}")'
        for command in COMMANDS
    ]


def test_the_plugin_has_the_packages_version():
    pom = (PLUGIN / "pom.xml").read_text()
    assert re.search("<version>(.*)</version>", pom)[1] == tdseg.__version__
