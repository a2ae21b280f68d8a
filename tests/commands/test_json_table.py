"""The plugin's copy of the table of commands is that of this package."""

import json
import re
from pathlib import Path

from tdseg.commands.json_table import as_text, json_table
from tdseg.commands.parsing import parse_options
from tdseg.commands.table import BY_NAME

FILE = Path(__file__).resolve().parents[2] / "fiji-plugin" / "src/main/resources" / "commands.json"


def test_the_plugins_file_is_up_to_date():
    remedy = (
        "run: python -m tdseg.commands.json_table > fiji-plugin/src/main/resources/commands.json"
    )
    assert FILE.read_text(encoding="utf-8") == as_text(), remedy


def test_the_text_is_the_table():
    assert json.loads(as_text()) == json_table()


def test_every_default_is_a_value_that_the_key_takes():
    for command in json.loads(as_text())["commands"]:
        known = BY_NAME[command["name"]]
        for key in command["keys"]:
            if key["default"] in (None, ""):  # absent, or no text
                continue
            line = known.key(key["name"]).format(key["default"])
            assert parse_options(line, known.keys, known.name) == {key["name"]: key["default"]}


def test_what_a_command_cannot_do_without_is_marked():
    needed = {
        (command["name"], key["name"])
        for command in json_table()["commands"]
        for key in command["keys"]
        if key.get("needed")
    }
    # Independent of the declarations: the keys that the commands' functions ask for.
    folder = Path(__file__).resolve().parents[2] / "python" / "tdseg" / "commands"
    found = set()
    for name, command in BY_NAME.items():
        module, _, function = command.function.partition(":")
        source = (folder / f"{module}.py").read_text(encoding="utf-8")
        body = re.split(rf"\ndef {function}\b", source)[1].split("\n\n\n")[0]
        found |= {(name, key) for key in re.findall(r'required\("(\w+)"\)', body)}
        if re.search(r"request\.(path\(suffix|path\(\)|existing_path\(\"[.a-z]+\"\))", body):
            found.add((name, "path"))
    assert needed == found
