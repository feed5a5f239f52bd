"""A network under examination: one batch or several, and passes that statistics share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from cgraph.statistics.codes import Agreements, Patterns, UnitPatterns
from cgraph.statistics.nests import Nest, batch_size, fitted_to, map_tensors
from cgraph.statistics.pinning import run_pinned
from cgraph.statistics.recording import Pass, run_forward

_WIDE = 8  # channels

Observable = Literal["agreements", "patterns", "unit patterns", "input graph", "weight graph"]


class Probe:
    """A network with its batches; the pass over the first batch is run once, for all who ask.

    Parameters
    ----------
    model : nn.Module
        The network. It is changed as a forward pass changes it, and its parameters are made to
        take gradients as the observables need: give a copy where that matters.
    batches : sequence of nests of Tensor
        At least one batch.
    observes : set of Observable
        What the first pass has to provide; what nobody needs is not paid for.
    labels : sequence of Tensor, or int, optional
        Class of each sample of each batch, or a seed to draw them from.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Sequence[Nest],
        observes: frozenset[Observable],
        labels: Sequence[Tensor] | int | None = None,
    ) -> None:
        self.model = model
        self.batches = [fitted_to(model, batch) for batch in batches]
        # A batch of None is for statistics that run nothing.
        self.sizes = [0 if batch is None else batch_size(batch) for batch in self.batches]
        self.observes = observes
        self._labels = labels
        self.agreements = Agreements()
        self.smooth_agreements = Agreements()
        self.patterns = Patterns()
        self.unit_patterns = UnitPatterns()
        for parameter in model.parameters():
            if parameter.is_floating_point():
                parameter.requires_grad_("weight graph" in observes)

    @property
    def size(self) -> int:
        """Number of samples of the first batch."""
        return self.sizes[0]

    @cached_property
    def first(self) -> Pass:
        """The pass over the first batch."""
        return self._run(0, with_graph=self._with_graph)

    @cached_property
    def all(self) -> list[Pass]:
        """The passes over every batch, the first one included."""
        others = range(1, len(self.batches))
        return [self.first, *(self._run(i, with_graph=self._with_graph) for i in others)]

    def pin_first(self) -> bool:
        """Give the first pass the values of float64, if that can be done, and say whether."""
        kinds = {p.dtype for p in self.model.parameters() if p.is_floating_point()}
        if kinds != {torch.float32}:
            return kinds == {torch.float64}
        fresh = map_tensors(Tensor.detach, self.batches[0])
        pinned = run_pinned(self.model, fresh)
        if pinned is None:
            return False
        self.__dict__["first"] = pinned  # where cached_property looks
        return True

    def another(self) -> Pass:
        """One more pass over the first batch, for who has to be there while it runs."""
        return run_forward(self.model, self.batches[0], self.sizes[0], with_graph=self._with_graph)

    @property
    def _with_graph(self) -> bool:
        return bool({"input graph", "weight graph"} & self.observes)

    @property
    def ignores_input(self) -> bool:
        """Whether every sample of the first batch has the same output."""
        return self.size > 1 and all(bool((t == t[:1]).all()) for t in self.first.logits)

    def labels_of(self, i: int, n_classes: int) -> Tensor:
        """Class of each sample of batch i: those given, or drawn at random."""
        assert self._labels is not None, "labels or a seed are given where a loss is needed"
        if not isinstance(self._labels, int):
            return self._labels[i]
        rng = np.random.default_rng([self._labels, i])
        # Drawn as shares of the classes, one by one: a smaller batch has the head of a larger.
        drawn = np.floor(rng.random(self.sizes[i]) * n_classes).astype(np.int64)
        return torch.from_numpy(drawn)

    def _run(self, i: int, *, with_graph: bool = False) -> Pass:
        rectifiers: list[Agreements | Patterns | UnitPatterns] = []
        smooth: list[Agreements] = []
        if i == 0 and "agreements" in self.observes:
            rectifiers.append(self.agreements)
            smooth.append(self.smooth_agreements)
        if i == 0 and "unit patterns" in self.observes:
            rectifiers.append(self.unit_patterns)
        if "patterns" in self.observes:
            rectifiers.append(self.patterns)
        result = run_forward(
            self.model,
            self.batches[i],
            self.sizes[i],
            rectifiers=rectifiers,
            smooth=smooth,
            with_graph=with_graph,
        )
        if "patterns" in self.observes:
            self.patterns.end_batch()
        return result


def in_quick_layout(model: nn.Module) -> nn.Module:
    """The model with its weights in the layout of memory that its convolutions run quickest in.

    Where there are channels to fill a vector, channels last is about twice as quick in float32.
    """
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    if convolutions and all(
        m.out_channels >= _WIDE and m.weight.dtype == torch.float32 for m in convolutions
    ):
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
    return model


def relative_rounding(model: nn.Module) -> float:
    """Unit of rounding of a network: that of its coarsest parameter, or of float32 without one."""
    kinds = [p.dtype for p in model.parameters() if p.is_floating_point()]
    return max((torch.finfo(kind).eps for kind in kinds), default=torch.finfo(torch.float32).eps)
