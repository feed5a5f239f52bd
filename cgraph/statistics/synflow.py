"""Synaptic flow (Tanaka, Kunin, Yamins and Ganguli, 2020, NeurIPS): a statistic without data."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from cgraph.statistics.layers import weights_of
from cgraph.statistics.nests import call, head, logits_of, map_tensors
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe
from cgraph.statistics.recording import quiet
from cgraph.statistics.rounding import is_rounding, norm_of, widened
from cgraph.statistics.values import Outcome, Reason, missing

_ROUNDING = torch.finfo(torch.float64).eps


def synflow(probe: Probe, _options: Options) -> Outcome:
    """Log of sum |W dR/dW|: parameters by their size, no batch norm, an input of ones, R = sum f.

    In float64: over networks it spans tens of powers of ten.
    """
    model = copy.deepcopy(probe.model).double()
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    _remove_parametrizations(model)
    weights = weights_of(model)
    if not weights:
        return missing(Reason.NO_WEIGHT)
    ones = map_tensors(_ones, head(probe.batches[0], 1))
    with quiet(), torch.enable_grad():
        for parameter in model.parameters():
            parameter.data.abs_()
        with _WithoutBatchNorm(), widened():
            outputs = logits_of(call(model, ones))
        if not outputs:
            return missing(Reason.NO_LOGITS)
        total = torch.stack([t.sum() for t in outputs]).sum()
        if not total.requires_grad:
            return missing(Reason.IGNORES_INPUT)
        gradients = torch.autograd.grad(
            total, weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )
    if not bool(torch.isfinite(total)):
        return missing(Reason.OVERFLOW)
    flow = sum(float((w.detach() * g).abs().sum()) for w, g in zip(weights, gradients, strict=True))
    if not math.isfinite(flow):
        return missing(Reason.OVERFLOW)
    if flow > 0 and is_rounding(norm_of(gradients), outputs, weights, _ROUNDING):
        return missing(Reason.CANCELLED)
    return Outcome(math.log(flow)) if flow > 0 else missing(Reason.IGNORES_INPUT)


def _remove_parametrizations(model: nn.Module) -> None:
    """Make the weights that a model computes its parameters."""
    for module in list(model.modules()):
        if parametrize.is_parametrized(module):
            assert isinstance(module.parametrizations, nn.ModuleDict)
            for name in list(module.parametrizations):
                parametrize.remove_parametrizations(module, name)


class _WithoutBatchNorm(TorchFunctionMode):
    """While it is active, batch norm gives back its input."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, unless it is batch norm."""
        del types
        kwargs = kwargs or {}
        if func in (torch.nn.functional.batch_norm, torch.batch_norm):
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def _ones(tensor: Tensor) -> Tensor:
    return torch.ones_like(tensor, dtype=torch.float64) if tensor.is_floating_point() else tensor
