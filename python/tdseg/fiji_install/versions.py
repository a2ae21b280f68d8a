"""Plugin and package are updated apart; they work together when they are of one version."""

from __future__ import annotations

import re

from tdseg._version import __version__


def version_problem(plugin: str, package: str = __version__) -> str | None:
    """Return one sentence that says which of the two to update, None if they agree.

    Parameters
    ----------
    plugin, package
        Their versions.
    """
    if plugin == package:
        return None
    told = f"The plugin is version {plugin} and the Python package tdseg is {package}: "
    if _numbers(plugin) > _numbers(package):
        return told + "update the package, with 'pip install -U tdseg'."
    return told + "update the plugin, with 'tdseg install-fiji' and the folder of this Fiji."


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:4])
