"""Programs that a command line names: an architecture of a space, a model of one's own.

A program is written SPACE:ARCHITECTURE ("nasbench201:6111"), or MODULE:FACTORY and FILE.py:FACTORY
for what builds a module ("torchvision.models:resnet18", with the shapes of its inputs).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cgraph.errors import ArgumentError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.spaces.space import Space

PROGRAM_HELP = (
    "A program: SPACE:ARCHITECTURE (nasbench201:6111), or MODULE:FACTORY or FILE.py:FACTORY "
    "(torchvision.models:resnet18), which need --input."
)
INPUT_HELP = "Shape of an input, like 1,3,224,224 or int64:1,128; once for each, in order."


def read_program(
    text: str, inputs: Sequence[str] = (), *, depth: str = "operator"
) -> ComputationalGraph:
    """Computational graph of a program, from how it is written on a command line.

    Parameters
    ----------
    text : str
        The program.
    inputs : sequence of str, default=()
        Shapes of the inputs of a model, as in `example_input`; an architecture has its own.
    depth : {"operator", "module", "fused"}, default="operator"
        What a kernel is; see `cgraph.trace`.

    Raises
    ------
    ArgumentError
        If there is no such program, a model comes without inputs, or an architecture with some.
    """
    found = architecture_of(text)
    if found is not None:
        space, name = found
        if inputs:
            raise ArgumentError("--input", f"be left out: {space.name} has its own", inputs[0])
        return _trace_architecture(space, name, depth)
    from cgraph.tracing.record import trace

    if not inputs:
        raise ArgumentError(
            "--input",
            f"give the shape of the input of {text!r}",
            "none",
            "like --input 1,3,224,224",
        )
    model = build_model(text)
    return trace(model, *(example_input(shape) for shape in inputs), depth=depth)  # type: ignore[arg-type]


def architecture_of(text: str) -> tuple[Space, str] | None:
    """Space and architecture of SPACE:ARCHITECTURE; None where the text begins with no space.

    The architecture is given by its string or by its place in the official order.
    """
    from cgraph.spaces import available, get

    prefix, colon, rest = text.partition(":")
    if not colon or prefix not in available():
        return None
    space = get(prefix)
    return space, space.architectures()[space.index(int(rest) if rest.isdigit() else rest)]


def build_model(text: str) -> nn.Module:
    """Module of MODULE:FACTORY or FILE.py:FACTORY, in eval mode.

    The factory is a class or a function that needs no arguments, or a module that is there.
    """
    from torch import nn

    home, colon, name = text.rpartition(":")
    if not colon or not home or not name:
        raise ArgumentError("program", "be SPACE:ARCHITECTURE or MODULE:FACTORY", repr(text))
    found: Any = _module_of(home)
    for part in name.split("."):
        if not hasattr(found, part):
            near = UnknownNameError("factory", part, [n for n in dir(found) if n[0] != "_"]).near
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise ArgumentError("program", f"name a factory in {home}", repr(name), hint)
        found = getattr(found, part)
    model = found if isinstance(found, nn.Module) or not callable(found) else found()
    if not isinstance(model, nn.Module):
        raise ArgumentError(
            "program", "name what builds a torch.nn.Module", f"{text!r}, a {type(model).__name__}"
        )
    return model.eval()


def example_input(text: str) -> Tensor:
    """Tensor of zeros of a shape, in float32 or in a dtype before a colon.

    Examples
    --------
    >>> example_input("int64:1,128").shape
    torch.Size([1, 128])
    """
    import torch

    dtype_name, _, sizes = text.rpartition(":")
    dtype = getattr(torch, dtype_name or "float32", None)
    parts = sizes.split(",") if sizes else []
    if not isinstance(dtype, torch.dtype) or not all(part.strip().isdigit() for part in parts):
        raise ArgumentError("--input", "be a shape like 1,3,224,224 or int64:1,128", repr(text))
    return torch.zeros([int(part) for part in parts], dtype=dtype)


def _trace_architecture(space: Space, name: str, depth: str) -> ComputationalGraph:
    import torch

    from cgraph.tracing.record import trace

    if depth == "operator":
        return space.graph(name, "network", "live")
    with torch.device("meta"):
        model = space.model(name).eval()
    shape = space.input_shapes["full"]
    return trace(model, torch.empty(1, *shape, device="meta"), depth=depth)  # type: ignore[arg-type]


def _module_of(home: str) -> ModuleType:
    if home.endswith(".py"):
        path = Path(home)
        if not path.is_file():
            raise ArgumentError("program", "name a file that is there", repr(home))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # the command itself is started from elsewhere
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as error:
        if error.name and not home.startswith(error.name):
            raise  # a module that is there needs one that is not
        from cgraph.spaces import available

        near = UnknownNameError("space", home, available()).near
        hint = f"did you mean {near[0]}?" if near else ""
        raise ArgumentError(
            "program", "name a space or a module that can be imported", repr(home), hint
        ) from error
