"""The shape of the package: levels, light imports, docstrings that match signatures."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cgraph

PACKAGE = Path(cgraph.__file__).parent

# A module imports modules of lower levels, and of its own package.
LEVELS = {
    "errors": 0,
    "checks": 1,
    "registry": 2,
    "files": 2,
    "generators": 2,
    "parallel": 3,
    "graphs": 3,
    "tracing": 4,
    "hardware": 4,
    "distances": 4,
    "clustering": 5,
    "statistics": 5,
    "spaces": 6,
    "ranking": 6,
    "export": 7,
    "report": 7,
    "study": 8,
    "commands": 9,
    "__init__": 9,
    "cli": 10,
    "__main__": 11,
}

MODULES = [
    info.name
    for info in pkgutil.walk_packages([str(PACKAGE)], prefix="cgraph.")
    if not info.name.endswith("__main__")
]


def piece(module):
    """The part of the package that a dotted module name belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported_pieces(path):
    """(line, piece) of every import of cgraph in a file, lazy ones included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "cgraph":
                for name in node.names:
                    yield node.lineno, name.name if name.name in LEVELS else "__init__"
            elif node.module.startswith("cgraph."):
                yield node.lineno, piece(node.module)
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "cgraph":
                    yield node.lineno, piece(name.name)


def test_every_piece_has_a_level():
    found = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir()}
    found = {name for name in found if not name.startswith("__pycache__") and name != "py"}
    assert found - {"py.typed"} <= set(LEVELS)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_go_down_the_levels(path):
    relative = path.relative_to(PACKAGE)
    own = relative.parts[0] if len(relative.parts) > 1 else relative.stem
    for line, other in imported_pieces(path):
        assert other == own or LEVELS[other] < LEVELS[own], f"{relative}:{line} imports {other}"


def loaded_by(statement):
    code = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("statement", ["import cgraph", "import cgraph.cli"])
def test_import_loads_nothing_heavy(statement):
    heavy = {"torch", "sklearn", "torch_geometric", "numba", "matplotlib", "pandas", "scipy"}
    assert not loaded_by(statement) & heavy


def test_every_exported_name_is_there():
    for name in cgraph.__all__:
        assert getattr(cgraph, name) is not None
    assert set(cgraph.__all__) <= set(dir(cgraph))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tracee'"):
        cgraph.tracee  # noqa: B018


def public_objects():
    """Every public function and class that a module of the package defines."""
    for name in MODULES:
        module = importlib.import_module(name)
        for attribute, value in sorted(vars(module).items()):
            is_own = getattr(value, "__module__", None) == name
            if is_own and not attribute.startswith("_") and inspect.isroutine(value):
                yield f"{name}.{attribute}", value
            if is_own and not attribute.startswith("_") and inspect.isclass(value):
                yield f"{name}.{attribute}", value


def documented_parameters(docstring):
    """Names in the Parameters section of a numpydoc docstring; None where there is none."""
    match = re.search(r"\n(\s*)Parameters\n\1-+\n(.*?)(?=\n\1\w[\w ]*\n\1-+\n|\Z)", docstring, re.S)
    if not match:
        return None
    indent = match.group(1)
    heads = re.findall(rf"^{indent}(\*{{0,2}}\w[\w, *]*?)(?: :.*)?$", match.group(2), re.M)
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def signature_parameters(value):
    try:
        signature = inspect.signature(value)
    except ValueError:
        return None
    return [name for name in signature.parameters if name not in ("self", "cls")]


PUBLIC = list(public_objects())


@pytest.mark.parametrize(("name", "value"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_docstring_matches_signature(name, value):
    docstring = inspect.getdoc(value) or ""
    assert docstring, f"{name} has no docstring"
    documented = documented_parameters("\n" + docstring)
    if documented is not None and not (inspect.isclass(value) and issubclass(value, Exception)):
        assert documented == signature_parameters(value), name


@pytest.mark.parametrize("name", cgraph.__all__)
def test_exported_functions_document_their_parameters(name):
    value = getattr(cgraph, name)
    if not callable(value):
        pytest.skip(f"{name} is a module: its names are checked where they are defined")
    docstring = inspect.getdoc(value) or ""
    if signature_parameters(value):
        assert documented_parameters("\n" + docstring), f"{name} does not document its parameters"
