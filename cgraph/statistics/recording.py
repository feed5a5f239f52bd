"""One forward pass of a network, and what is seen on the way.

Rectifiers are found by recording operator calls below autograd, wherever they are called: modules,
functions, in place, or fused with another operator. Their code is read from what the operator
wrote, at the moment it wrote it, so that later work in place does no harm.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import TorchDispatchMode

from cgraph.statistics.codes import Accumulator
from cgraph.statistics.layers import weights_of
from cgraph.statistics.narrow import NarrowBackward
from cgraph.statistics.nests import Nest, call, logits_of, map_tensors, tensors_of

Reading = Callable[[tuple[Any, ...], dict[str, Any], Tensor], "Tensor | None"]


# What a rectifier is read by: a tensor that is positive where a unit is on.


def _output(_args: tuple[Any, ...], _kwargs: dict[str, Any], out: Tensor) -> Tensor:
    return out


def _input(args: tuple[Any, ...], _kwargs: dict[str, Any], _out: Tensor) -> Tensor:
    given: Tensor = args[0]
    return given


def _above_half(_args: tuple[Any, ...], _kwargs: dict[str, Any], out: Tensor) -> Tensor:
    return out - 0.5  # exact around one half


def _clamped_at_zero(args: tuple[Any, ...], kwargs: dict[str, Any], out: Tensor) -> Tensor | None:
    low = kwargs.get("min", args[1] if len(args) > 1 else None)
    return out if _is_zero(low) else None


def _maximum_with_zero(
    args: tuple[Any, ...], _kwargs: dict[str, Any], out: Tensor
) -> Tensor | None:
    return out if _is_zero(args[0]) or _is_zero(args[1]) else None


def _hardtanh_from_zero(
    args: tuple[Any, ...], kwargs: dict[str, Any], out: Tensor
) -> Tensor | None:
    low = kwargs.get("min_val", args[1] if len(args) > 1 else -1)
    return out if low == 0 else None


def _threshold_at_zero(
    args: tuple[Any, ...], _kwargs: dict[str, Any], out: Tensor
) -> Tensor | None:
    return out if args[1] == 0 and args[2] == 0 else None


def _relu_epilogue(_args: tuple[Any, ...], kwargs: dict[str, Any], out: Tensor) -> Tensor | None:
    return None if kwargs.get("use_gelu", False) else out


def _is_zero(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not bool(value.any())
    return bool(value == 0) if isinstance(value, int | float) else False


# Operators without overload and in-place mark. Both are zero on one side or change their slope
# at zero: between kinks the network is linear.
RECTIFIERS: dict[str, Reading] = {
    "relu": _output,
    "clamp_min": _clamped_at_zero,
    "clamp": _clamped_at_zero,
    "maximum": _maximum_with_zero,
    "fmax": _maximum_with_zero,
    "hardtanh": _hardtanh_from_zero,  # what relu6 is made of
    "threshold": _threshold_at_zero,
    "leaky_relu": _output,
    "rrelu_with_noise": _output,
    "_prelu_kernel": _input,
    "_addmm_activation": _relu_epilogue,
    "_add_relu": _output,
    "cudnn_convolution_relu": _output,
    "cudnn_convolution_add_relu": _output,
    "miopen_convolution_relu": _output,
    "miopen_convolution_add_relu": _output,
}

# Smooth activations, by the sign of their input.
SMOOTH: dict[str, Reading] = {
    "elu": _output,
    "celu": _output,
    "gelu": _output,
    "silu": _output,
    "mish": _output,
    "hardswish": _output,
    "tanh": _output,
    "softplus": _input,
    "log_sigmoid_forward": _input,
    "sigmoid": _above_half,
    "hardsigmoid": _above_half,
}


@dataclass(slots=True)
class Recorded:
    """What a pass met.

    Parameters
    ----------
    n_rectifiers : int
        How many calls of rectifiers.
    smooth_names : set of str
        Which smooth activations.
    lacks_batch_axis : bool
        Whether a rectifier wrote a tensor whose first axis is not the batch.
    sequence_numbers : list of int
        For each rectifier, the number of its node in the graph of autograd; -1 without one.
    """

    n_rectifiers: int = 0
    smooth_names: set[str] = field(default_factory=set)
    lacks_batch_axis: bool = False
    sequence_numbers: list[int] = field(default_factory=list)


class RectifierRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Gives the code of every rectifier to accumulators while it is active.

    Parameters
    ----------
    batch_size : int
        Size of the first axis.
    rectifiers : sequence of Accumulator
        Take the codes of rectifiers.
    smooth : sequence of Accumulator, default=()
        Take the codes of smooth activations.
    skipped : frozenset of int, default=frozenset()
        Rectifiers, counted from 0 in the order they run, whose codes are left out.
    """

    def __init__(
        self,
        batch_size: int,
        rectifiers: Sequence[Accumulator],
        smooth: Sequence[Accumulator] = (),
        skipped: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._batch_size = batch_size
        self._rectifiers = rectifiers
        self._smooth = smooth
        self._skipped = skipped
        self.recorded = Recorded()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, then read its code if it is a rectifier."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = func.overloadpacket.__name__.rstrip("_")
        reading = RECTIFIERS.get(name)
        if reading is not None:
            values = reading(args, kwargs, out)
            if values is not None:
                self._take_rectifier(values)
                return out
        if self._smooth:
            reading = SMOOTH.get(name)
            if reading is not None:
                self._take_smooth(name, reading(args, kwargs, out))
        return out

    def _take_rectifier(self, values: Tensor) -> None:
        seen = self.recorded
        index = seen.n_rectifiers
        seen.n_rectifiers += 1
        # The node of this call was made just before the call came down here.
        seen.sequence_numbers.append(torch._C._autograd._get_sequence_nr() - 1)
        if values.dim() == 0 or len(values) != self._batch_size:
            seen.lacks_batch_axis = True
        elif index not in self._skipped:
            for accumulator in self._rectifiers:
                accumulator.add(values.detach())

    def _take_smooth(self, name: str, values: Tensor | None) -> None:
        assert values is not None, "every smooth activation has a reading"
        if values.dim() and len(values) == self._batch_size:
            self.recorded.smooth_names.add(name)
            for accumulator in self._smooth:
                accumulator.add(values.detach())


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass.

    Parameters
    ----------
    logits : list of Tensor
        Floating-point outputs.
    inputs : list of Tensor
        The floating-point inputs, leaves of the graph where gradients were asked for.
    batch_size : int
        Number of samples.
    recorded : Recorded
        What the recorder met.
    weights : list of Tensor, default=[]
        The weights of convolutions and linear layers as the pass used them, where there is a graph.
    """

    logits: list[Tensor]
    inputs: list[Tensor]
    batch_size: int
    recorded: Recorded
    weights: list[Tensor] = field(default_factory=list)

    @property
    def is_finite(self) -> bool:
        """Whether every output is a finite number."""
        return all(bool(torch.isfinite(t).all()) for t in self.logits)

    @property
    def has_batch_axis(self) -> bool:
        """Whether there is an output and the first axis of every one is the batch."""
        return bool(self.logits) and all(t.dim() and len(t) == self.batch_size for t in self.logits)

    def sums(self) -> Tensor:
        """Sum of all outputs of each sample, shape (batch,)."""
        return torch.stack([t.reshape(self.batch_size, -1).sum(1) for t in self.logits]).sum(0)

    def first_logit(self) -> Tensor:
        """The first output of each sample, shape (batch,): a network with one class."""
        return self.logits[0].reshape(self.batch_size, -1)[:, 0]


def run_forward(
    model: nn.Module,
    inputs: Nest,
    size: int,
    *,
    rectifiers: Sequence[Accumulator] = (),
    smooth: Sequence[Accumulator] = (),
    skipped: frozenset[int] = frozenset(),
    with_graph: bool = False,
) -> Pass:
    """One forward pass of a model as it stands.

    Parameters
    ----------
    model : nn.Module
        Run in its mode; what a forward pass changes (running statistics) is changed.
    inputs : nest of Tensor
        A batch.
    size : int
        Its number of samples.
    rectifiers, smooth : sequence of Accumulator
        Take the codes.
    skipped : frozenset of int
        Rectifiers whose codes are left out.
    with_graph : bool, default=False
        Whether the graph of autograd is kept, with the inputs as leaves.
    """
    floats = [t.requires_grad_(with_graph) for t in tensors_of(inputs) if t.is_floating_point()]
    if with_graph:
        # A leaf cannot be written in place, and a model may do that to its input.
        with torch.enable_grad():
            inputs = map_tensors(Tensor.clone, inputs)
    recorder = RectifierRecorder(size, rectifiers, smooth, skipped)
    narrow = NarrowBackward() if with_graph else nullcontext()
    # The fused backward pass of attention has no derivative of its own.
    plain = sdpa_kernel(SDPBackend.MATH) if with_graph else nullcontext()
    with quiet(), torch.set_grad_enabled(with_graph), plain, parametrize.cached():
        weights = weights_of(model) if with_graph else []
        with narrow, recorder:
            outputs = call(model, inputs)
    return Pass(logits_of(outputs), floats, size, recorder.recorded, weights)


@contextmanager
def quiet() -> Iterator[None]:
    """No warning of a model is shown, and fused attention is taken apart into its operators."""
    is_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fused)
