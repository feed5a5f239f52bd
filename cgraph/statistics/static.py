"""Sizes of a network: baselines that no study of statistics should leave out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import nn

from cgraph.errors import TraceError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.statistics.layers import layers_of
from cgraph.statistics.nests import Nest, head
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe
from cgraph.statistics.values import Outcome


def n_parameters(probe: Probe, _options: Options) -> Outcome:
    """Number of scalar parameters, a shared one once."""
    return Outcome(float(sum(p.numel() for p in probe.model.parameters())))


def n_macs(probe: Probe, _options: Options) -> Outcome:
    """Multiply-accumulate operations for one input."""
    inputs = head(probe.batches[0], 1)
    model = probe.model
    modes = [module.training for module in model.modules()]
    model.eval()
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        try:
            graph = _traced(model, inputs, fake=True)
        except TraceError:  # what it runs depends on values
            graph = _traced(model, inputs, fake=False)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return Outcome(float(graph.macs))


def _traced(model: nn.Module, inputs: Nest, *, fake: bool) -> ComputationalGraph:
    from cgraph.tracing.record import trace

    if isinstance(inputs, Mapping):
        return trace(model, fake=fake, **inputs)
    return trace(model, *(inputs if isinstance(inputs, tuple) else (inputs,)), fake=fake)


def n_layers(probe: Probe, _options: Options) -> Outcome:
    """Number of convolutions and linear layers."""
    return Outcome(float(len(layers_of(probe.model))))
