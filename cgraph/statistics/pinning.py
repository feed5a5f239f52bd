"""A forward pass in single precision that holds the values of one in double precision.

Deep networks with batch norm in train mode amplify rounding from layer to layer, so that the
masks of rectifiers, and with them gradients, differ between two ways to add up in float32. A
backward pass does not: it is linear. Here the values are computed once in float64, and put into
the graph of a float32 pass layer by layer; the many backward passes then cost what they cost in
float32.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cgraph.statistics.nests import Nest, batch_size, call, map_tensors
from cgraph.statistics.recording import Pass, quiet, run_forward

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
    exact = copy.deepcopy(model).double()
    for parameter in exact.parameters():
        # Channels last is the slower layout in double precision.
        parameter.data = parameter.data.contiguous()
    before = torch.get_rng_state()
    recorder = _Record()
    with quiet(), torch.no_grad(), recorder:
        call(exact, map_tensors(_to_double, inputs))
    if not torch.equal(before, torch.get_rng_state()):
        return None
    pin = _Pin(recorder.values)
    with pin:
        result = run_forward(model, inputs, size, with_graph=True)
    return result if pin.fits and not pin.values else None


def _to_double(tensor: Tensor) -> Tensor:
    return tensor.detach().double() if tensor.is_floating_point() else tensor


class _Record(TorchFunctionMode):
    """Keeps what layers give, rounded to float32, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and keep the value of a layer."""
        del types
        out = func(*args, **(kwargs or {}))
        if func in _LAYERS:
            self.values.append(out.float())
        return out


class _Pin(TorchFunctionMode):
    """Puts kept values in place of what layers give, behind the back of autograd."""

    def __init__(self, values: list[Tensor]) -> None:
        super().__init__()
        self.values = values[::-1]
        self.fits = True

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and replace the value of a layer."""
        del types
        out = func(*args, **(kwargs or {}))
        if func in _LAYERS and self.fits:
            self.fits = bool(self.values) and self.values[-1].shape == out.shape
            if self.fits:
                out.data.copy_(self.values.pop())
        return out
