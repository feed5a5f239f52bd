"""Programs of `torch.export` and graphs of `torch.fx`, made ready for the recorder.

Both keep PyTorch's own operators, so that they are replayed and recorded like any model. Names,
kinds and shapes come from their signature; what they do not tell has to be given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export import graph_signature as signatures
from torch.utils import _pytree as pytree

from cgraph.errors import TraceError
from cgraph.tracing.replay import Replay, remembers_modules

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def open_program(
    program: ExportedProgram, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Replay, Arguments]:
    """A program of `torch.export` as a model, and the arguments to run it with.

    Parameters
    ----------
    program : ExportedProgram
        Is left as it is.
    args, kwargs
        Arguments of the exported model; where there are none, those that it was exported with,
        or stand-ins of the shapes that the program tells.

    Raises
    ------
    TraceError
        If the arguments do not fit the program, or are needed and not there.
    """
    root, tensors = _root(program)
    signature = _Signature(program, tensors)
    replay = Replay(
        root,
        program.graph_module,
        _title(program.graph, "ExportedProgram"),
        signature.argument_names(),
        signature.placeholder_values,
        signature.returned,
    )
    if args or kwargs or not program.graph_signature.user_inputs:
        return replay, signature.checked(args, dict(kwargs))
    return replay, program.example_inputs or signature.told()


def open_graph(
    module: fx.GraphModule, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[nn.Module, Arguments]:
    """A graph of `torch.fx` as a model, and the arguments to run it with.

    Parameters
    ----------
    module : torch.fx.GraphModule
        Is left as it is. Where its nodes remember the modules they were made from, they are
        recorded under these.
    args, kwargs
        Its arguments; where there are none, stand-ins of the shapes that `meta["val"]` or
        `meta["tensor_meta"]` of its placeholders tell.

    Raises
    ------
    TraceError
        If there are no arguments and no shapes.
    """
    graph, code = module.graph, module.graph._codegen
    placeholders = _placeholders(graph)
    names = [str(node.target) for node in placeholders]
    spec = None
    if type(code) is fx.graph._PyTreeCodeGen:
        spec, names = code.pytree_info.in_spec, code.pytree_info.orig_args
    given: Arguments = (args, dict(kwargs))
    if not args and not kwargs:
        given = _unflattened([_told(node) for node in placeholders if not node.args], spec)
    is_own = type(code) not in (fx.graph.CodeGen, fx.graph._PyTreeCodeGen)
    if is_own or any("*" in name for name in names) or not remembers_modules(graph):
        return module, given
    replay = Replay(
        module,
        module,
        _title(graph, type(module).__name__),
        names,
        lambda args, kwargs: _flattened(args, kwargs, spec, placeholders),
        graph.process_outputs,
    )
    return replay, given


class _Signature:
    """What an exported program takes and returns.

    Parameters
    ----------
    program : ExportedProgram
        The program.
    tensors : mapping of str to Tensor
        Its parameters and buffers by name.
    """

    def __init__(self, program: ExportedProgram, tensors: Mapping[str, Tensor]) -> None:
        self.program = program
        self.tensors = tensors
        self.in_spec = program.call_spec.in_spec
        self.placeholders = _placeholders(program.graph)
        self.inputs = program.graph_signature.input_specs
        self.users = [
            node
            for node, spec in zip(self.placeholders, self.inputs, strict=True)
            if spec.kind is signatures.InputKind.USER_INPUT
        ]

    def argument_names(self) -> list[str]:
        """Names of the positional arguments, read off those of the placeholders."""
        names: dict[int, str] = {}
        example = pytree.tree_unflatten([node.name for node in self.users], self.in_spec)
        for path, name in pytree.tree_flatten_with_path(example)[0]:
            steps = [str(getattr(step, "key", getattr(step, "idx", step))) for step in path]
            if steps[0] == "0":
                # A placeholder is called like its argument and the way into it.
                names.setdefault(int(steps[1]), name.removesuffix("_".join(["", *steps[2:]])))
        n_arguments = self.in_spec.child(0).num_children
        return [names.get(i, f"input.{i}") for i in range(n_arguments)]

    def checked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        """The arguments as the program takes them.

        Raises
        ------
        TraceError
            If they do not fit.
        """
        for name in self.argument_names()[len(args) :]:
            if name in kwargs:
                args = (*args, kwargs.pop(name))
        try:
            leaves, spec = self.program._get_flat_args_with_check(args, kwargs)  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, AssertionError, TypeError) as error:
            problem = f"the inputs do not fit the program ({str(error).strip()})"
            raise TraceError("", problem, "pass inputs like those it was exported with") from error
        if spec != self.in_spec:
            names = ", ".join(node.name for node in self.users)
            problem = f"the inputs do not fit the program, which takes {names}"
            raise TraceError("", problem, "nest them as the model was exported with them")
        kept = [spec.arg for spec in self.inputs if spec.kind is signatures.InputKind.USER_INPUT]
        for argument, value in zip(kept, leaves, strict=True):
            is_fixed = isinstance(argument, signatures.ConstantArgument)
            if is_fixed and (isinstance(value, Tensor) or value != argument.value):
                problem = f"{argument.name!r} is fixed to {argument.value!r} in the program"
                raise TraceError("", problem, "export the model again for another value")
        return args, kwargs

    def told(self) -> Arguments:
        """Stand-ins for arguments, of the shapes that the program tells."""
        return _unflattened([_told(node) for node in self.users], self.in_spec)

    def placeholder_values(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """What the placeholders of the graph stand for."""
        given = iter(_flattened(args, kwargs, self.in_spec, self.users))
        found = []
        for spec in self.inputs:
            if spec.kind is signatures.InputKind.USER_INPUT:
                found.append(next(given))
            elif spec.target in self.tensors:
                found.append(self.tensors[spec.target])
            else:
                found.append(self.program.constants.get(spec.target))
        return found

    def returned(self, found: Sequence[Any]) -> list[Any]:
        """The outputs among what the graph returns; new values of buffers are written."""
        outputs = []
        for value, spec in zip(found, self.program.graph_signature.output_specs, strict=True):
            if spec.kind is signatures.OutputKind.BUFFER_MUTATION:
                self.tensors[spec.target].copy_(value)
            elif spec.kind in (
                signatures.OutputKind.USER_OUTPUT,
                signatures.OutputKind.LOSS_OUTPUT,
            ):
                outputs.append(value)
        return outputs


def _root(program: ExportedProgram) -> tuple[nn.Module, dict[str, Tensor]]:
    """A module that has the parameters and buffers of a program, and these by name.

    A file forgets that two names were one tensor, but not that they share its storage.
    """
    root = nn.Module()
    tensors: dict[str, Tensor] = {}
    known: dict[tuple[Any, ...], Tensor] = {}
    for name, is_parameter in _named(program).items():
        tensor = program.state_dict.get(name)
        if tensor is None:
            tensor = program.constants[name]
        identity = _identity(is_parameter, tensor)
        if is_parameter and not isinstance(tensor, nn.Parameter):
            tensor = nn.Parameter(tensor, requires_grad=False)
        tensor = known.setdefault(identity, tensor)
        path, _, last = name.rpartition(".")
        owner = _child(root, path)
        held: dict[str, Any] = owner._parameters if is_parameter else owner._buffers
        held[last] = tensor
        tensors[name] = tensor
    return root, tensors


def _named(program: ExportedProgram) -> dict[str, bool]:
    """Names of parameters and buffers, and whether they are parameters.

    The signature has them in the order of the model, but may lack those that are not used.
    """
    kinds = {signatures.InputKind.PARAMETER: True, signatures.InputKind.BUFFER: False}
    inputs = program.graph_signature.input_specs
    used = {str(spec.target): kinds[spec.kind] for spec in inputs if spec.kind in kinds}
    state = {name: isinstance(t, nn.Parameter) for name, t in program.state_dict.items()}
    return used if state.keys() <= used.keys() else {**state, **used}


def _identity(is_parameter: bool, tensor: Tensor) -> tuple[Any, ...]:
    if tensor.layout is not torch.strided:
        return (id(tensor),)
    storage = int(tensor.untyped_storage()._cdata)
    place = (tensor.shape, tensor.stride(), tensor.storage_offset(), tensor.dtype)
    return (is_parameter, storage, *place)


def _child(root: nn.Module, path: str) -> nn.Module:
    """The module at a dotted path, made where there is none."""
    for name in filter(None, path.split(".")):
        if name not in root._modules:
            root._modules[name] = nn.Module()
        root = root._modules[name]  # type: ignore[assignment]
    return root


def _title(graph: fx.Graph, otherwise: str) -> str:
    """Name of the class of the model that a graph was made of."""
    for node in graph.nodes:
        for name, kind in node.meta.get("nn_module_stack", {}).values():
            if name == "":
                return kind.__name__ if isinstance(kind, type) else str(kind).rpartition(".")[2]
    return otherwise


def _placeholders(graph: fx.Graph) -> list[fx.Node]:
    return [node for node in graph.nodes if node.op == "placeholder"]


def _told(node: fx.Node) -> Any:
    """What a placeholder tells of its value; a tensor without data for a tensor."""
    for key in ("val", "tensor_meta", "example_value"):
        if key in node.meta:
            value = node.meta[key]
            break
    else:
        raise TraceError(
            "", f"the graph does not tell the shape of {node.name!r}", "pass example inputs"
        )
    if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
        return _size(value, node)
    if not hasattr(value, "shape"):
        return value
    shape = [_size(n, node) for n in value.shape]
    stride = value.stride() if isinstance(value, Tensor) else value.stride
    steps = [_size(n, node) for n in stride]
    return torch.empty_strided(shape, steps, dtype=value.dtype, device="meta")


def _size(value: Any, node: fx.Node) -> Any:
    """A number, or the example of one that may vary."""
    if isinstance(value, int):
        return value
    hint = value.node.hint
    if hint is None:
        raise TraceError(
            "", f"the graph leaves a size of {node.name!r} open ({value})", "pass example inputs"
        )
    return hint


def _unflattened(values: list[Any], spec: pytree.TreeSpec | None) -> Arguments:
    if spec is None:
        return tuple(values), {}
    nest = pytree.tree_unflatten(values, spec)
    return nest if _has_keywords(spec) else (tuple(nest), {})


def _flattened(
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    spec: pytree.TreeSpec | None,
    placeholders: Sequence[fx.Node],
) -> list[Any]:
    """Values for placeholders, from arguments in the order and nest of a spec."""
    if spec is not None:
        if not _has_keywords(spec):
            return pytree.tree_leaves(args)
        return pytree.tree_leaves((args, {name: kwargs[name] for name in spec.child(1).context}))
    found = list(args)
    for node in placeholders[len(args) :]:
        if str(node.target) in kwargs:
            found.append(kwargs[str(node.target)])
        elif node.args:
            found.append(node.args[0])
        else:
            raise TypeError(f"missing a required argument: {str(node.target)!r}")
    return found


def _has_keywords(spec: pytree.TreeSpec) -> bool:
    """Whether a spec is that of (positional arguments, keyword arguments)."""
    if spec.type is not tuple or spec.num_children != 2:
        return False
    return spec.child(0).type is tuple and spec.child(1).type is dict
