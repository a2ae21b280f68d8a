from pathlib import Path

from tdseg.commands.docs import commands_markdown


def test_the_page_of_commands_is_up_to_date():
    page = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
    assert page.read_text(encoding="utf-8") == commands_markdown()
