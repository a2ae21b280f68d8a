"""pyproject.toml, constraints.txt, environment.yml and the hooks say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tdseg.fiji_install.artifacts import APPOSE

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Packages that conda-forge names otherwise, and what it brings that PyPI does not.
CONDA_NAMES = {"pytorch": "torch"}
CONDA_ONLY = {"python", "pip", "openjdk", "maven"}


def by_name(lines: list[str]) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r for r in requirements}


def pinned() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return by_name([line for line in lines if not line.startswith("#")])


@pytest.mark.parametrize("extra", ["", "onnx", "test", "docs"])
def test_constraints_hold_a_version_that_pyproject_allows(extra):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    pins = pinned()
    for name, requirement in by_name(lines).items():
        versions = [specifier.version for specifier in pins[name].specifier]
        assert len(versions) == 1, name
        assert requirement.specifier.contains(versions[0]), name


def test_constraints_are_exact_versions_and_name_no_place():
    for requirement in pinned().values():
        assert re.fullmatch(r"==[\w.+!]+", str(requirement.specifier)), requirement
        assert requirement.url is None


def test_the_conda_environment_has_what_pyproject_asks_for():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip[-1] == "."
    names = [re.match(r"[\w-]+", entry)[0] for entry in conda]
    there = by_name(
        [
            CONDA_NAMES.get(name, name) + entry[len(name) :]
            for name, entry in zip(names, conda, strict=True)
            if name not in CONDA_ONLY
        ]
        + pip[:-1]
    )
    wanted = by_name(PROJECT["dependencies"])
    assert {k: str(r.specifier) for k, r in there.items()} == {
        k: str(r.specifier) for k, r in wanted.items()
    }
    assert f"python{PROJECT['requires-python']}" in conda


def test_the_hooks_run_the_checks_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = config["repos"]
    hooks = {" ".join(hook["entry"].split()[:2]) for hook in repository["hooks"]}
    tools = {Path(entry.split()[0]).name for entry in hooks}
    check = makefile.split("\ncheck: setup\n")[1].split("\n\n")[0]
    assert tools == {re.search(r"\$\(BIN\)/([\w-]+)", line)[1] for line in check.splitlines()}


def test_the_list_of_what_others_made_names_every_package_and_carried_jar():
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    packages = text.split("## Python packages")[1].split("## ")[0]
    named = {
        canonicalize_name(name)
        for row in re.findall(r"^\| ([a-z].*?) \|", packages, re.MULTILINE)
        for name in row.split(", ")
        if name != "package"
    }
    assert named == set(by_name(PROJECT["dependencies"]))
    # The jar is the one that a wheel is given.
    artifact, version = APPOSE.split(":")[1:]
    assert f"| {artifact.title()} {version} for Java" in text
