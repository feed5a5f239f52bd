"""Files of `torch.export`, read without running what is in them.

PyTorch's own loader unpickles example inputs and odd weights, evaluates the text of symbolic
sizes, imports the modules that a nest of arguments names, loads compiled libraries, and writes
names into code that it runs. Here an archive is copied first, and only what is known goes into
the copy: the program with every text in it checked, weights as bare elements, and example inputs
as plain data and tensors. PyTorch loads the copy.
"""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from cgraph.errors import TraceError, of_file
from cgraph.files import archives
from cgraph.files.reading import told
from cgraph.files.source import BrokenFileError
from cgraph.files.tensors import load_tensors

_HINT = "write it with torch.export.save(torch.export.export(model, inputs), path)"
_TRUST = (
    "if you trust whoever made it, load it with torch.export.load(path) and trace what that gives"
)

# Members that are copied as they are, that are read and written anew, and that hold no program.
_AS_THEY_ARE = frozenset(("archive_format", "archive_version", "byteorder", "version"))
_ELEMENTS = re.compile(r"data/(weights|constants)/(weight|tensor)_\d+")
_VALUES = re.compile(r"data/(weights|constants|sample_inputs)/\w+\.pt")
_CONFIGURATIONS = re.compile(r"data/(weights|constants)/\w+_config\.json")
_PROGRAM = re.compile(r"models/\w+\.json")
_LEFT_OUT = re.compile(r"extra/.*|\.data/.*|.*/")

# Operators that compute. The others of these names write files or print.
_NAMESPACES = "aten|prims|quantized|quantized_decomposed|torchvision"
_OPERATOR = re.compile(rf"torch\.ops\.(?:{_NAMESPACES})\.(\w+)(?:\.\w+)?")
_EFFECTS = frozenset(("from_file", "save", "warn", "_print"))
_HIGHER = "cond while_loop map map_impl scan associative_scan wrap strict_mode invoke_subgraph"
_WRAPS = "wrap_with_set_grad_enabled wrap_with_autocast tag_activation_checkpoint flex_attention"
_OF_SIZES = "eq ne le ge lt gt neg pos mul add sub floordiv mod pow truediv and_ or_ lshift rshift"
_OPERATORS = frozenset(
    (
        *(f"torch.ops.higher_order.{name}" for name in f"{_HIGHER} {_WRAPS}".split()),
        *(f"_operator.{name}" for name in (*_OF_SIZES.split(), "getitem")),
        *(f"torch.sym_{name}" for name in ["not", "int", "float", "ite", "max", "min", "sqrt"]),
        *("math.trunc", "math.ceil", "math.floor"),
    )
)

# What the text of a size may call.
_CALLED = (
    "Symbol Integer Float Rational Add Mul Max Min Abs Mod And Or Not Equality Unequality Eq Ne Ge "
    "Gt Le Lt GreaterThan LessThan StrictGreaterThan StrictLessThan FloorDiv ModularIndexing Where "
    "PythonMod CleanDiv CeilToInt FloorToInt CeilDiv PowByNatural Pow FloatPow FloatTrueDiv "
    "IntTrueDiv TruncToFloat TruncToInt RoundToInt RoundDecimal ToFloat Identity "
    "IsNonOverlappingAndDenseIndicator"
)
_FUNCTIONS = frozenset(_CALLED.split())
_POWERS = frozenset(("Pow", "PowByNatural", "FloatPow"))
_ARITHMETIC = (
    *(ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.UnaryOp),
    *(ast.USub, ast.UAdd, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
_LONGEST_SIZE = 2_000
_MOST_POWERS = 2

_NESTS = frozenset(
    (
        *("builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"),
        *("collections.namedtuple", "collections.deque"),
        *(f"torch.fx.immutable_collections.immutable_{kind}" for kind in ("list", "dict")),
    )
)

_WORD = re.compile(r"[\w.+/@: -]{0,1000}")
_SYMBOL = re.compile(r"[a-z]{1,3}\d{1,5}")
_NUMBER_OR_SYMBOL = re.compile(rf"{_SYMBOL.pattern}|-?\d{{1,20}}(\.\d{{1,40}})?(e[+-]?\d{{1,3}})?")


def read_program(path: Path) -> ExportedProgram:
    """The program of a file that `torch.export.save` wrote.

    Parameters
    ----------
    path : Path
        The file. Nothing in it is run.

    Raises
    ------
    TraceError
        If it is not such a file, damaged, or holds what could only be read by running it: weights
        or example inputs that are no plain tensors, operators of one's own, compiled libraries.
    """
    if not zipfile.is_zipfile(path):
        raise _refused(path, "is no archive of torch.export, or cut off", _HINT)
    log = torch.export.log
    was_disabled, log.disabled = log.disabled, True  # we raise what it logs
    try:
        _refuse_others(path)
        with archives.opened(path) as archive:
            copy = _copied(archive)
        return torch.export.load(copy)
    except _ForeignError as error:
        raise _refused(path, f"holds {error}, which is not read from a file", _TRUST) from error
    except TraceError:
        raise
    except Exception as error:  # a damaged file fails wherever it is damaged
        raise _refused(path, f"cannot be loaded ({told(error)})", _HINT) from error
    finally:
        log.disabled = was_disabled


class _ForeignError(ValueError):
    """Something that could do more than compute."""


def _refused(path: Path, problem: str, hint: str) -> TraceError:
    return TraceError("", of_file(path, problem), hint)


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Names of the members, by their names without the folder that all of them are in."""
    return {name.partition("/")[2]: name for name in archive.namelist()}


def _refuse_others(path: Path) -> None:
    """Raise for an archive that PyTorch wrote of something else."""
    with zipfile.ZipFile(path) as archive:
        members = _members(archive)
    if "archive_format" in members:
        return
    hint = _HINT
    if "constants.pkl" in members:
        hint = "it is TorchScript: pass torch.jit.load(path)"
    elif "data.pkl" in members:
        hint = "torch.save wrote it: pass the model that it belongs to"
    raise _refused(path, "is no archive of torch.export", hint)


def _copied(archive: zipfile.ZipFile) -> io.BytesIO:
    """An archive of what is known in an archive, checked."""
    members = _members(archive)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as copy:
        for short, name in members.items():
            if short and not _LEFT_OUT.fullmatch(short):
                copy.writestr(f"archive/{short}", _checked(short, archive.read(name), archive))
        # Files of torch.export have it here, and some hold a second one.
        if ".data/version" in members:
            copy.writestr("archive/.data/version", archive.read(members[".data/version"]))
    stream.seek(0)
    return stream


def _checked(name: str, content: bytes, archive: zipfile.ZipFile) -> bytes:
    """What goes into the copy for a member."""
    if name in _AS_THEY_ARE or _ELEMENTS.fullmatch(name):
        return content
    if _VALUES.fullmatch(name):
        return _as_plain_values(content)
    if _CONFIGURATIONS.fullmatch(name):
        sizes = {n: archive.getinfo(whole).file_size for n, whole in _members(archive).items()}
        return _check_weights(name, json.loads(content), sizes)
    if _PROGRAM.fullmatch(name):
        return json.dumps(_Check().of(json.loads(content), "", ""), allow_nan=False).encode()
    raise _ForeignError(f"the member {name!r}")


def _as_plain_values(content: bytes) -> bytes:
    """What `torch.save` wrote, written again of what we read."""
    if not content:
        return content
    try:
        value = load_tensors(io.BytesIO(content))
    except BrokenFileError as error:
        raise _ForeignError(f"values that are no plain data ({told(error)})") from error
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def _check_weights(name: str, content: Any, sizes: Mapping[str, int]) -> bytes:
    """The table of the weights or constants: each of bare elements, and no more than there are."""
    folder = name.rpartition("/")[0]
    for key, entry in content["config"].items():
        file = f"{folder}/{entry['path_name']}"
        if entry["use_pickle"] or not _ELEMENTS.fullmatch(file):
            raise _ForeignError(f"{key!r}, which is no plain tensor,")
        numel = 1
        for size in entry["tensor_meta"]["sizes"]:
            numel *= size["as_int"]
        if numel and not sizes[file]:  # PyTorch would make all of them
            raise BrokenFileError(f"{numel:,} elements of {key!r} without any bytes")
    return json.dumps(_Check().of(content, "", "")).encode()


class _Check:
    """A program of JSON with every text of it checked, by the field that it stands in."""

    def of(self, value: Any, field: str, owner: str) -> Any:
        """The value of a field, of the field `owner`; texts that nobody needs are left out."""
        if field in _FIELDS:
            return _FIELDS[field](self, value)
        if isinstance(value, str):
            return _word(value)
        if isinstance(value, list):
            return [self.of(entry, field, owner) for entry in value]
        if isinstance(value, dict):
            for key in value:
                _word(key)
                if field == "range_constraints" and not _SYMBOL.fullmatch(key):
                    raise _ForeignError(f"a size of the name {key!r}")
            return {key: self.of(entry, key, field) for key, entry in value.items()}
        return value


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise _ForeignError(f"the text {text[:60]!r}")
    return text


def _name(_: _Check, value: Any) -> Any:
    """A name of a value, which PyTorch writes into code."""
    if value is not None and value != "":
        is_name = isinstance(value, str) and value.isidentifier() and not keyword.iskeyword(value)
        if not is_name or value.startswith("__"):
            raise _ForeignError(f"a value of the name {str(value)[:60]!r}")
    return value


def _names(check: _Check, value: Any) -> Any:
    return None if value is None else [_name(check, name) for name in value]


def _target(_: _Check, value: Any) -> Any:
    found = _OPERATOR.fullmatch(str(value))
    if value not in _OPERATORS and (found is None or found[1] in _EFFECTS):
        raise _ForeignError(f"the operator {str(value)[:60]!r}")
    return value


def _size(_: _Check, value: Any) -> Any:
    """The text of a size, which PyTorch evaluates: arithmetic of known functions and symbols."""
    if not isinstance(value, str) or len(value) > _LONGEST_SIZE:
        raise _ForeignError("a size that is no text")
    n_powers = 0
    for node in ast.walk(ast.parse(value.strip(), mode="eval")):
        if isinstance(node, ast.Call):
            is_known = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
            n_powers += is_known and node.func.id in _POWERS  # type: ignore[attr-defined]
        elif isinstance(node, ast.Constant):
            is_known = _is_small(node.value)
        elif isinstance(node, ast.Name):
            is_known = not node.id.startswith("_")
        else:
            is_known = isinstance(node, _ARITHMETIC)
        if not is_known or n_powers > _MOST_POWERS:
            raise _ForeignError(f"the size {value[:60]!r}")
    return value


def _is_small(value: object) -> bool:
    """Whether a constant is a number that takes no time, a symbol, or the text of a number."""
    if isinstance(value, str):
        return (
            re.fullmatch(r"[a-z]{1,3}\d{1,5}|-?\d{1,20}(\.\d{1,40})?(e[+-]?\d{1,3})?", value)
            is not None
        )
    if isinstance(value, int):
        return abs(value) < 2**64
    return value is None or isinstance(value, float)


def _nest(_: _Check, value: Any) -> Any:
    """How arguments are nested: in containers of Python alone."""

    def visit(spec: Any) -> None:
        context = spec["context"]
        if spec["type"] is not None and spec["type"] not in _NESTS:
            raise _ForeignError(f"arguments in a {str(spec['type'])[:60]}")
        # The loader imports what such a context names.
        if isinstance(context, str) and "__enum__" in json.dumps(json.loads(context)):
            raise _ForeignError("arguments by an enumeration")
        if not isinstance(context, str | None):
            raise _ForeignError("arguments in a nest of another form")
        for child in spec["children_spec"]:
            visit(child)

    if value:
        visit(json.loads(value)[1])
    return value


def _results(check: _Check, value: Any) -> Any:
    """How results are nested; a container of a package becomes a tuple, whatever class it is.

    Models of Hugging Face give such ones, and a graph needs what is in them, in order.
    """

    def visit(spec: Any) -> Any:
        children = [visit(child) for child in spec["children_spec"]]
        if spec["type"] is None or spec["type"] in _NESTS:
            return {**spec, "children_spec": children}
        return {"type": "builtins.tuple", "context": "null", "children_spec": children}

    if not value:
        return value
    version, spec = json.loads(value)
    return _nest(check, json.dumps([version, visit(spec)]))


def _metadata(_: _Check, value: Any) -> Any:
    """Of what is told of a node, the modules that it comes from."""
    kept = value.get("nn_module_stack") if isinstance(value, dict) else None
    return {"nn_module_stack": kept} if isinstance(kept, str) else {}


def _nothing(what: str) -> Callable[[_Check, Any], Any]:
    def check(_: _Check, value: Any) -> Any:
        if value:
            raise _ForeignError(what)
        return value

    return check


# Fields by how they are checked; every other text is a plain word.
_FIELDS: dict[str, Callable[[_Check, Any], Any]] = {
    "target": _target,
    "as_operator": _target,
    "expr_str": _size,
    "in_spec": _nest,
    "out_spec": _results,
    "metadata": _metadata,
    "guards_code": lambda _, value: [] if value is not None else None,
    "name": _name,
    "as_name": _name,
    "forward_arg_names": _names,
    "as_string": lambda _, value: value,
    "as_strings": lambda _, value: value,
    "custom_obj_values": _nothing("objects of one's own"),
    "as_custom_obj": _nothing("objects of one's own"),
}
