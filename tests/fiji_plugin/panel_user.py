"""What tests do with a driven panel again and again."""

from __future__ import annotations

from own_jvm import Driven

QUICK = (
    "features=classical",
    "sigma_max=2",
    "classifier=random_forest",
    "trees=10",
    "augment=none",
)
"""Settings with which training takes a moment."""


def label(panel: Driven, selection: str, group: int) -> None:
    """Select by a macro's call, and add to a class by its button."""
    panel.macro(f"{selection};")
    panel("click", f"add {group}")


def draw(panel: Driven, corners: str, group: int) -> None:
    """Draw a rectangle by mouse, and add it to a class by its button."""
    panel.macro('setTool("rectangle");')
    panel("draw", corners)
    panel("click", f"add {group}")


def settings(panel: Driven, *values: str) -> None:
    """Choose settings of training in their dialog."""
    panel("click", "Settings")
    panel("dialog", "TDS Train...")
    for value in values:
        panel("set", value)
    panel("press", "OK")
    panel("ended", "TDS dialog")


def create_class(panel: Driven, name: str) -> None:
    """Make a class by its button."""
    panel("click", "Create new class")
    panel("type", name)
    panel("press", "OK")


def file_of(panel: Driven, button: str, path: str) -> None:
    """Press a button that asks for a file, and choose it."""
    panel.macro('setOption("JFileChooser", true);')
    panel("click", button)
    panel("file", path)
    panel("ended", "TDS dialog")
    panel("rest")
