"""A forward pass in single precision that holds the values of one in double precision.

Deep networks with batch norm in train mode amplify rounding from layer to layer, so that the
masks of rectifiers, and with them gradients, differ between two ways to add up in float32. A
backward pass does not: it is linear. Here the values are computed once in float64, and put into
the graph of a float32 pass layer by layer; the many backward passes then cost what they cost in
float32.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cgraph.statistics import many, winograd
from cgraph.statistics.copying import copy_of
from cgraph.statistics.nests import Nest, batch_size, call, map_tensors
from cgraph.statistics.recording import Pass, quiet, run_forward
from cgraph.statistics.rounding import widened

_MANY_INPUTS = 64  # channels from which on the libraries are quicker than `many`

# Where sums are taken, and so where rounding comes from.
_LAYERS = frozenset(
    {
        torch.conv1d,
        torch.conv2d,
        torch.conv3d,
        torch.matmul,
        torch.batch_norm,
        F.linear,
        F.batch_norm,
        F.layer_norm,
        F.group_norm,
    }
)


def run_pinned(model: nn.Module, inputs: Nest) -> Pass | None:
    """A pass of a float32 model with its graph, its values those of float64.

    Parameters
    ----------
    model : nn.Module
        In float32; its running statistics are moved as by one pass.
    inputs : nest of Tensor
        A batch.

    Returns
    -------
    Pass or None
        None where the two passes cannot be kept together: the model draws random numbers, or runs
        other layers in the other precision.
    """
    size = batch_size(inputs)
    exact = copy_of(model).double()
    for parameter in exact.parameters():
        # Channels last is the slower layout in double precision.
        parameter.data = parameter.data.contiguous()
    before = torch.get_rng_state()
    workspace = winograd.Workspace()
    recorder = _Record(workspace, is_channels_last=_is_channels_last(model))
    with quiet(), torch.no_grad(), recorder, widened():
        call(exact, map_tensors(_to_double, inputs))
    if not torch.equal(before, torch.get_rng_state()):
        return None
    pin = _Pin(recorder.values, workspace)
    with pin:
        result = run_forward(model, inputs, size, with_graph=True)
    return result if pin.fits and not pin.values else None


def _to_double(tensor: Tensor) -> Tensor:
    return tensor.detach().double() if tensor.is_floating_point() else tensor


def _is_channels_last(model: nn.Module) -> bool:
    """Whether the weights of convolutions are laid out with channels innermost."""
    last = torch.channels_last
    return any(
        isinstance(m, nn.Conv2d)
        and m.weight.is_contiguous(memory_format=last)
        and not m.weight.is_contiguous()
        for m in model.modules()
    )


class _Value(NamedTuple):
    """What a layer gave for an input of a shape, in float32."""

    layer: Any
    shape: torch.Size
    value: Tensor


class _Record(TorchFunctionMode):
    """Keeps what layers give, rounded to float32, in order."""

    def __init__(self, workspace: winograd.Workspace, *, is_channels_last: bool) -> None:
        super().__init__()
        self.values: list[_Value] = []
        self._workspace = workspace
        self._is_channels_last = is_channels_last

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and keep the value of a layer."""
        del types
        kwargs = kwargs or {}
        call = _convolution_call(*args, **kwargs) if func is torch.conv2d else None
        if call is None or not _is_quick(call):
            out = func(*args, **kwargs)
        elif _is_wide(call):
            out = winograd.convolve(*call[:3], workspace=self._workspace)
        elif call[1].shape[1] < _MANY_INPUTS:
            out = many.convolve(call[0].contiguous(), *call[1:3])
        else:
            out = func(*args, **kwargs)
        if func in _LAYERS:
            is_last = self._is_channels_last and out.dim() == 4
            layout = torch.channels_last if is_last else torch.preserve_format
            value = out.to(torch.float32, memory_format=layout)
            self.values.append(_Value(func, _first(args, kwargs).shape, value))
        return out


class _Pin(TorchFunctionMode):
    """Puts kept values in place of what layers give, behind the back of autograd."""

    def __init__(self, values: list[_Value], workspace: winograd.Workspace) -> None:
        super().__init__()
        self.values = values[::-1]
        self._workspace = workspace
        self.fits = True

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and replace the value of a layer."""
        del types
        kwargs = kwargs or {}
        if func not in _LAYERS or not self.fits:
            return func(*args, **kwargs)
        pinned = self.values.pop() if self.values else None
        self.fits = (
            pinned is not None
            and pinned.layer is func
            and pinned.shape == _first(args, kwargs).shape
        )
        if not self.fits or pinned is None:
            return func(*args, **kwargs)
        if func is torch.conv2d:
            call = _convolution_call(*args, **kwargs)
            if call is not None:
                return _Convolution.apply(pinned, self._workspace, *call)  # type: ignore[no-untyped-call]
        out = func(*args, **kwargs)
        self.fits = pinned.value.shape == out.shape
        if self.fits:
            out.data.copy_(pinned.value)
        return out


def _is_quick(call: tuple[Any, ...]) -> bool:
    """Whether there is code of ours for a convolution; what does not fit is for torch to refuse."""
    x, weight = call[:2]
    is_plain = tuple(weight.shape[2:]) == (3, 3) and call[3:] == ((1, 1), (1, 1), (1, 1), 1)
    fits = x.shape[1] == weight.shape[1] and x.dtype == weight.dtype
    is_ours = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    return is_plain and fits and is_ours


def _is_wide(call: tuple[Any, ...]) -> bool:
    """Whether a convolution has the channels that tiles pay for."""
    n_out, n_in = call[1].shape[:2]
    return bool(min(n_out, n_in) >= winograd.LEAST)


def _first(args: Any, kwargs: Any) -> Tensor:
    """The first argument of a layer."""
    first: Tensor = args[0] if args else kwargs["input"]
    return first


def _convolution_call(
    input: Tensor,  # noqa: A002 (what it is called by)
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> tuple[Any, ...] | None:
    """Arguments for `_Convolution`; None for a call that it is not for."""
    if isinstance(padding, str) or input.dim() != 4:
        return None
    return input, weight, bias, *(_pair(v) for v in (stride, padding, dilation)), groups


class _Convolution(torch.autograd.Function):
    """A convolution whose value is known, so that only its gradients are computed."""

    @staticmethod
    def forward(
        ctx: Any,
        pinned: _Value,
        workspace: winograd.Workspace,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        *options: Any,
    ) -> Tensor:
        """The value that is known."""
        ctx.save_for_backward(x, weight)
        ctx.options, ctx.has_bias = options, bias is not None
        call = (x, weight, bias, *options)
        is_in_tiles = _is_quick(call) and _is_wide(call)
        ctx.transposed = winograd.Transposed(weight, workspace) if is_in_tiles else None
        return pinned.value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients with respect to input, weight and bias."""
        (g,) = gradients
        x, weight = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.options
        needed = ctx.needs_input_grad[2:5]
        if ctx.transposed is not None:
            in_tiles = ctx.transposed.gradients(g, x, needs_input=needed[0], needs_weight=needed[1])
            grad_bias = g.sum((0, 2, 3)) if needed[2] else None
            return None, None, *in_tiles, grad_bias, *[None] * len(ctx.options)
        sizes = [len(weight)] if ctx.has_bias else None
        found = torch.ops.aten.convolution_backward(
            g, x, weight, sizes, stride, padding, dilation, False, (0, 0), groups, needed
        )
        return None, None, *found, *[None] * len(ctx.options)


def _pair(value: Any) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(int(v) for v in value)
    return values if len(values) == 2 else (values[0], values[0])
