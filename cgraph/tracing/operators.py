"""What PyTorch's operators are called here, what they write, and which attributes they have.

An `Operator` is what there is to know about an overload before it is called, read off its
schema; `attributes_of` adds what a call says (window, stride, a scalar operand).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cgraph.graphs.computational import Attribute, Attributes


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Operators of ATen that are another's with a different calling convention.
SYNONYMS = {
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "to_copy": "to",
    "unsafe_view": "view",
    "softmax_backward_data": "softmax_backward",
    "numpy_T": "t",
    "mT": "transpose",
    "mH": "transpose",
    "matrix_H": "transpose",
}

# Functional in their schema, yet they update these arguments where the flag is set.
STATISTICS = {
    "aten::batch_norm": ("training", ("running_mean", "running_var")),
    "aten::instance_norm": ("use_input_stats", ("running_mean", "running_var")),
}

# In-place operators whose result does not depend on what stood there before.
OVERWRITING = _words(
    "copy zero fill uniform normal bernoulli random exponential geometric cauchy log_normal "
    "set resize"
)

# Arguments that say where and how a result is laid out, not what is computed.
LAYOUT_ARGUMENTS = _words(
    "device layout pin_memory memory_format non_blocking generator copy cudnn_enabled cudnn_enable "
    "cudnn_deterministic cudnn_allow_tf32 benchmark deterministic allow_tf32 requires_grad"
)


@dataclass(frozen=True, slots=True)
class Operator:
    """An overload of an operator, as its schema describes it.

    Parameters
    ----------
    name : str
        Base name without overload, leading underscores and in-place mark: "relu".
    qualified : str
        Name in the schema: "aten::relu_".
    arguments : tuple of str
        Names of the arguments in order.
    n_positional : int
        How many of them may be given by position.
    defaults : mapping
        Values of the arguments that have one.
    writes : tuple of str
        Names of the arguments whose memory it writes.
    overwrites : bool
        Whether what stood in the written arguments has no influence on the result.
    takes_device : bool
        Whether it has an argument `device`.
    is_view : bool
        Whether its schema says that a result may share memory with an argument.
    is_pure : bool
        Whether its schema says that it makes new tensors and touches no others.
    returns_tensors : bool
        Whether any result may be a tensor.
    is_composite : bool
        Whether PyTorch defines it by other operators.
    is_random : bool
        Whether it draws numbers.
    """

    name: str
    qualified: str
    arguments: tuple[str, ...]
    n_positional: int
    defaults: Mapping[str, Any]
    writes: tuple[str, ...]
    overwrites: bool
    takes_device: bool
    is_view: bool
    is_pure: bool
    returns_tensors: bool
    is_composite: bool
    is_random: bool


@functools.cache
def operator_of(overload: torch._ops.OpOverload[Any, Any]) -> Operator:
    """What the schema of an overload says.

    Parameters
    ----------
    overload : torch._ops.OpOverload
        As `torch.ops.aten.relu_.default`.

    Returns
    -------
    Operator
        Cached for each overload.

    Examples
    --------
    >>> operator_of(torch.ops.aten.relu_.default).name
    'relu'
    >>> operator_of(torch.ops.aten.relu_.default).writes
    ('self',)
    """
    schema = overload._schema
    arguments = schema.arguments
    written = tuple(a.name for a in arguments if a.alias_info is not None and a.alias_info.is_write)
    name = base_name(schema.name)
    is_view = any(r.alias_info is not None for r in schema.returns)
    only_out = bool(written) and all(a.is_out for a in arguments if a.name in written)
    return Operator(
        name=name,
        qualified=schema.name,
        arguments=tuple(a.name for a in arguments),
        n_positional=sum(not a.kwarg_only for a in arguments),
        defaults={a.name: a.default_value for a in arguments if a.has_default_value()},
        writes=written,
        overwrites=only_out or name in OVERWRITING,
        takes_device=any(a.name == "device" for a in arguments),
        is_view=is_view,
        is_pure=not is_view and not written,
        returns_tensors=any("Tensor" in str(r.type) for r in schema.returns),
        is_composite=torch._C._dispatch_has_kernel_for_dispatch_key(
            overload._name, torch._C.DispatchKey.CompositeImplicitAutograd
        ),
        is_random=torch.Tag.nondeterministic_seeded in overload.tags,
    )


def base_name(qualified: str) -> str:
    """Name of an operator without namespace, underscores at its ends and variants.

    Examples
    --------
    >>> base_name("aten::add_"), base_name("aten::_softmax"), base_name("aten::__and__")
    ('add', 'softmax', 'bitwise_and')
    """
    name = qualified.rpartition("::")[2].strip("_")
    return SYNONYMS.get(name, name)


def bind(operator: Operator, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call by name, defaults left out."""
    return {**dict(zip(operator.arguments, args, strict=False)), **kwargs}


def written_arguments(operator: Operator, bound: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the arguments that a call writes, running statistics included."""
    if operator.qualified in STATISTICS:
        flag, names = STATISTICS[operator.qualified]
        if bound.get(flag):
            return tuple(name for name in names if bound.get(name) is not None)
    return operator.writes


def attributes_of(operator: Operator, bound: Mapping[str, Any]) -> Attributes:
    """The attributes of a call: everything but tensors, layout and what is left at its default.

    A convolution gets "kernel_size", "stride", "padding", "dilation", "groups" (a size for each
    dimension) and, where each channel is a group of its own, "depthwise"; pooling the same
    without groups.
    """
    found: dict[str, Attribute] = {}
    for name, value in bound.items():
        if name in LAYOUT_ARGUMENTS:
            continue
        plain = _plain(value)
        if plain is not None and not _is_default(operator, name, value):
            found[name] = plain
    if "conv" in operator.name:
        _describe_convolution(operator, bound, found)
    elif "pool" in operator.name and isinstance(found.get("kernel_size"), tuple):
        _describe_pooling(operator, found)
    return Attributes(found)


def _is_default(operator: Operator, name: str, value: Any) -> bool:
    """Whether an argument is given, but what it would have been anyway."""
    default = operator.defaults.get(name)
    return default is not None and type(default) is type(value) and bool(default == value)


def weight_of(bound: Mapping[str, Any]) -> torch.Tensor | None:
    """The weight of a convolution, also where it is packed for a quantised one."""
    weight = bound.get("weight")
    packed = bound.get("packed_weight")
    if isinstance(weight, torch.Tensor):
        return weight
    return packed_tensors(packed)[0] if isinstance(packed, torch.ScriptObject) else None


def packed_tensors(packed: torch.ScriptObject) -> list[torch.Tensor]:
    """Weight and bias of packed parameters of a quantised layer; none where they are hidden."""
    if "unpack" not in packed._method_names():  # type: ignore[attr-defined]
        return []
    return [t for t in packed.unpack() if isinstance(t, torch.Tensor)]  # type: ignore[attr-defined]


def _describe_convolution(
    operator: Operator, bound: Mapping[str, Any], found: dict[str, Attribute]
) -> None:
    weight = weight_of(bound)
    if weight is None or weight.dim() < 3 or operator.name == "conv_tbc":
        return
    window = tuple(weight.shape[2:])
    found["kernel_size"] = window
    packed = bound.get("packed_weight")
    if packed is not None:
        for name in ("stride", "padding", "dilation"):
            found[name] = tuple(getattr(packed, name)())
        found["groups"] = packed.groups()
    for name, default in (("stride", 1), ("padding", 0), ("dilation", 1), ("output_padding", 0)):
        if name in operator.arguments:
            found[name] = _spread(found.get(name, default), len(window))
    groups = found.setdefault("groups", 1)
    is_transposed = "transpose" in operator.name or bool(bound.get("transposed"))
    channels = weight.shape[0] if is_transposed else weight.shape[1] * int(str(groups))
    if groups == channels and channels > 1:
        found["depthwise"] = True


def _describe_pooling(operator: Operator, found: dict[str, Attribute]) -> None:
    n_dims = int(operator.name[-2]) if operator.name[-2:-1].isdigit() else 2
    window = _spread(found["kernel_size"], n_dims)
    found["kernel_size"] = window
    stride = found.get("stride", ())
    found["stride"] = window if stride == () else _spread(stride, n_dims)
    for name, default in (("padding", 0), ("dilation", 1)):
        if name in operator.arguments:
            found[name] = _spread(found.get(name, default), n_dims)


def _spread(value: Attribute, n_dims: int) -> Attribute:
    """A size for each dimension; a word ("same") stays."""
    if isinstance(value, str):
        return value
    sizes = value if isinstance(value, tuple) else (int(value),)
    return sizes * n_dims if len(sizes) == 1 else sizes


def _plain(value: Any) -> Attribute | None:
    """A value as an attribute; None where it is none."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, list | tuple) and not any(isinstance(v, torch.Tensor) for v in value):
        if all(isinstance(v, int) for v in value):
            return tuple(int(v) for v in value)
        if all(isinstance(v, int | float) for v in value):
            return "x".join(map(str, value))
    return None
