"""The shape of the package: no import circle, and imports that go down (pyproject.toml)."""

from __future__ import annotations

import ast
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "tdseg"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, known: set[str]) -> set[str]:
    """Modules of ours that a file imports anywhere, functions included, but for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{name.name}" for name in node.names}
            found |= inner & known
            if inner - known:
                found.add(str(node.module))
    return found & known


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of a circle, or none, by depth-first search."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph[module]):
            circle = visit(other, [*path, module])
            if circle:
                return circle
        done.add(module)
        return []

    return next((circle for module in sorted(graph) if (circle := visit(module, []))), [])


def test_the_search_finds_circles():
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_module_imports_itself_by_way_of_others():
    files = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    graph = {name: imported(path, set(files)) - {name} for name, path in files.items()}
    assert sum(map(len, graph.values())) > 300, "imports were read"
    assert " -> ".join(find_circle(graph)) == ""


def test_imports_go_down(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    failed = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert not failed, capsys.readouterr().out


ASKS = {"exists", "is_file", "is_dir", "expanduser"}
ONE_PLACE = {"runtime/files.py": ASKS, "labels/roi_bytes.py": {"is_dir"}}  # a member of a zip


def test_what_stands_under_a_name_is_asked_in_one_place():
    """`Path.exists` and its like raise for long names and closed folders (`runtime/files.py`)."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ASKS - ONE_PLACE.get(file, set())
                and not ast.unparse(node.func).startswith("os.path.")  # these never raise
            ):
                found.append(f"{file}:{node.lineno} {ast.unparse(node.func)}")
    assert found == []
