"""Programs that a command line names: an architecture of a space, a model of one's own, a file.

A program is written SPACE:ARCHITECTURE ("nasbench201:6111", or the string of an architecture
alone), MODULE:FACTORY or FILE.py:FACTORY for what builds a module ("torchvision.models:resnet18",
with the shapes of its inputs), or as the path of a file: a program that torch.export saved, an
ONNX model, a graph that cgraph wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cgraph.commands.factories import build_model
from cgraph.commands.inputs import INPUT_HELP as INPUT_HELP
from cgraph.commands.inputs import dtype_of, example_inputs
from cgraph.errors import (
    ArchitectureError,
    ArgumentError,
    MissingPackageError,
    UnknownNameError,
)

if TYPE_CHECKING:
    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.spaces.space import Part, Space

PROGRAM_HELP = (
    "A program: SPACE:ARCHITECTURE (nasbench201:6111) or an architecture's string; "
    "MODULE:FACTORY or FILE.py:FACTORY "
    "(torchvision.models:resnet18), which need --input; or a file: .pt2, .onnx, or a graph "
    "(.json, .graphml, ...)."
)
DTYPES = ("float32", "float64", "float16", "bfloat16")

Depth = Literal["operator", "module", "fused"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a program is made into a graph.

    Parameters
    ----------
    depth : {"operator", "module", "fused"}, default="operator"
        What a kernel is; see `cgraph.trace`.
    is_real : bool, default=False
        Whether the model computes, on values, while it is traced.
    is_train : bool, default=False
        Whether it is in train mode.
    is_meta : bool, default=False
        Whether it is built without values.
    dtype : str, default=None
        Floating-point dtype that the model and its inputs are brought to.
    part : {"cell", "network"}, default=None
        What of an architecture; "network" by default.
    is_raw : bool, default=False
        Whether an architecture keeps what is dead in it: zeros and what only feeds them.
    """

    depth: Depth = "operator"
    is_real: bool = False
    is_train: bool = False
    is_meta: bool = False
    dtype: str | None = None
    part: str | None = None
    is_raw: bool = False

    def __post_init__(self) -> None:
        if self.dtype is not None and self.dtype not in DTYPES:
            raise UnknownNameError("--dtype", self.dtype, DTYPES)
        if self.is_meta and self.is_real:
            raise ArgumentError("--meta", "be left out with --real", "both", "values are needed")


def read_program(
    text: str, inputs: Sequence[str] = (), *, depth: str = "operator", how: Reading | None = None
) -> ComputationalGraph:
    """Computational graph of a program, from how it is written on a command line.

    Parameters
    ----------
    text : str
        The program.
    inputs : sequence of str, default=()
        Shapes of the inputs of a model, as in `example_inputs`; an architecture has its own, and
        so have files.
    depth : {"operator", "module", "fused"}, default="operator"
        What a kernel is; see `cgraph.trace`. Left out where `how` is given.
    how : Reading, optional
        Everything else.

    Raises
    ------
    ArgumentError
        If there is no such program, a model comes without inputs, an architecture with some, or
        an option does not belong to what the text names.
    TraceError
        If a model cannot be captured.
    """
    if not text.strip():
        raise ArgumentError(
            "program", "be named", repr(text), "like nasbench201:6111 or FILE.py:FACTORY"
        )
    chosen = how or Reading(depth=depth)  # type: ignore[arg-type]
    found = architecture_of(text)
    if found is not None:
        space, name = found
        _refuse(chosen, ("is_real", "is_train", "is_meta", "dtype"), "an architecture")
        if inputs:
            raise ArgumentError("--input", f"be left out: {space.name} has its own", inputs[0])
        return _of_architecture(space, name, chosen)
    _refuse(chosen, ("part", "is_raw"), "what is no architecture of a space")
    if ":" not in Path(text).name and Path(text).suffix:
        return _of_file(Path(text), inputs, chosen)
    if not inputs:
        raise ArgumentError(
            "--input",
            f"give the shape of the input of {text!r}",
            "none",
            "like --input 1,3,224,224",
        )
    return _of_model(text, inputs, chosen)


def architecture_of(text: str) -> tuple[Space, str] | None:
    """Space and architecture of SPACE:ARCHITECTURE; None where the text names none.

    The architecture is given by its string or by its place in the official order. A string that
    only one space reads needs no prefix.
    """
    from cgraph.spaces import available, get

    if text.startswith("zoo:"):
        zoo = get(text)
        if len(zoo) != 1:
            raise ArgumentError(
                "program", "name one model of a zoo, like zoo:transformers/bert",
                f"{text!r}, which names {len(zoo)}",
            )  # fmt: skip
        return zoo, zoo.architectures()[0]
    prefix, colon, rest = text.partition(":")
    if not colon:
        return _of_the_only_reader(text)
    if prefix not in available():
        return None
    space = get(prefix)
    return space, space.spelled(int(rest) if rest.isdigit() else rest)


def _of_the_only_reader(text: str) -> tuple[Space, str] | None:
    from cgraph.spaces import available, get

    if text.isidentifier() or Path(text).suffix:  # a space, a file
        return None
    readers = {}
    for name in available():
        with suppress(ArchitectureError, MissingPackageError):
            space = get(name)
            readers[name] = (space, space.spelled(text))
    if len(readers) > 1:
        raise ArgumentError(
            "program", f"name its space, one of {', '.join(readers)}", repr(text), "as SPACE:TEXT"
        )
    return next(iter(readers.values()), None)


def _of_model(text: str, inputs: Sequence[str], how: Reading) -> ComputationalGraph:
    from cgraph.tracing.record import trace

    dtype = None if how.dtype is None else dtype_of(how.dtype)
    args, kwargs = example_inputs(inputs, dtype, is_drawn=how.is_real)
    model = build_model(text, is_meta=how.is_meta)
    if dtype is not None:
        model = model.to(dtype)
    model.train(how.is_train)
    return trace(model, *args, depth=how.depth, fake=not how.is_real, **kwargs)


def _of_file(path: Path, inputs: Sequence[str], how: Reading) -> ComputationalGraph:
    from cgraph.export.graph_files import PROGRAM_ENDINGS, read_graph
    from cgraph.graphs.computational import ComputationalGraph

    _refuse(how, ("is_train", "is_meta", "dtype"), "a file")
    if path.suffix in PROGRAM_ENDINGS:
        return _of_saved_program(path, inputs, how)
    _refuse(how, ("is_real",), "a file that holds a graph")
    if inputs:
        raise ArgumentError("--input", "be left out: a graph has its own", inputs[0])
    graph = read_graph(path)
    if not isinstance(graph, ComputationalGraph):
        raise ArgumentError(
            "program", "be a file that holds a computational graph", f"{path}, a {graph!r}"
        )
    return _at_depth(graph, how.depth, f"the graph in {path}")


def _of_saved_program(path: Path, inputs: Sequence[str], how: Reading) -> ComputationalGraph:
    from cgraph.tracing.record import trace

    if not path.is_file():
        raise ArgumentError("program", "name a file that is there", repr(str(path)))
    program: Any = path
    args, kwargs = example_inputs(inputs, is_drawn=how.is_real)
    return trace(program, *args, depth=how.depth, fake=not how.is_real, **kwargs)


def _of_architecture(space: Space, name: str, how: Reading) -> ComputationalGraph:
    import torch

    from cgraph.tracing.record import trace

    part: Part = how.part or "network"  # type: ignore[assignment]
    if part != "network" or how.depth == "operator":
        graph = space.graph(name, part, "raw" if how.is_raw else "live")
        return _at_depth(graph, how.depth, f"the {part} of an architecture")
    # The network in eval mode, where batch norms can be folded; all that is in it is shown.
    with torch.device("meta"):
        model = space.model(name).eval()
    shape = space.input_shapes["full"]
    return trace(model, torch.empty(1, *shape, device="meta"), depth=how.depth)


def _at_depth(graph: ComputationalGraph, depth: Depth, what: str) -> ComputationalGraph:
    """A graph at a depth that needs no model."""
    from cgraph.graphs.fusion import fused

    if depth == "operator":
        return graph
    if depth == "fused":
        return fused(graph)
    raise ArgumentError("--depth", f"be operator or fused for {what}", repr(depth))


def _refuse(how: Reading, names: Sequence[str], what: str) -> None:
    """Raise where an option was given that has no meaning for a kind of program."""
    for name in names:
        if getattr(how, name):
            option = "--" + name.removeprefix("is_")
            raise ArgumentError(option, f"be left out for {what}", "it")
