"""A small, honest training of every network, so that statistics can be seen over its course.

Stochastic gradient descent with momentum on the cross entropy, its rate falling along a cosine to
zero: what the benchmarks of architecture search train with. Budgets are steps or epochs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.statistics.course import Course, Moment, Start
from cgraph.statistics.datasets import DIGITS, LabelledData, check_data, labelled_data, split
from cgraph.statistics.nests import call, fitted_to, logits_of
from cgraph.statistics.recording import quiet
from cgraph.statistics.values import Outcome, Reason, missing

_EPOCHS = 10.0  # where neither steps nor epochs are given


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """How networks are trained, on what, and when they are looked at.

    Parameters
    ----------
    steps : int, optional
        Length T of the training in steps, one batch each.
    epochs : float, optional
        The same in passes over the training samples; 10 where `steps` is not given either.
    data : {"digits"}, tuple of (inputs, labels), or Dataset, default="digits"
        Samples and their classes: scikit-learn's 1,797 images of digits, resized to the input of
        the network; arrays or tensors; or a Dataset of PyTorch, which is read once into memory.
    test : float, or as `data`, optional
        What accuracy is measured on: samples of their own, or the share of `data` that is held
        out, drawn in the same way for every network; by default 0.2.
    at : tuple of float, default=(0.0, 0.5, 1.0)
        When networks are looked at, in parts of T: 0 is the initialisation, 1 the end.
    batch_size : int, default=64
        Samples of a step; all of them, where there are fewer.
    learning_rate : float, default=0.05
        At the first step; it falls along a cosine to zero at T.
    momentum : float, default=0.9
        Of the gradient.
    weight_decay : float, default=5e-4
        Pull of every parameter towards zero.

    Raises
    ------
    ArgumentError
        If a number is out of range, or both `steps` and `epochs` are given.

    Examples
    --------
    >>> from cgraph.statistics.evaluate import evaluate
    >>> make = lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    >>> table = evaluate({"mlp": make}, ["naswot-v2", "accuracy"], input_shape=(64,), n_draws=1,
    ...     training=Training(steps=60))
    >>> table["t"].tolist()
    [0, 30, 60, 0, 30, 60]
    >>> bool(table["value"].iloc[-1] > 80.0)  # percent of the 359 digits that are held out
    True
    """

    steps: int | None = None
    epochs: float | None = None
    data: Any = DIGITS
    test: Any = None
    at: tuple[float, ...] = (0.0, 0.5, 1.0)
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise ArgumentError("epochs", "be left out where steps are given", self.epochs)
        if self.steps is not None:
            checks.whole("steps", self.steps, 1)
        if self.epochs is not None:
            checks.number("epochs", self.epochs, above=0)
        checks.whole("batch_size", self.batch_size, 1)
        for name in ("learning_rate", "momentum", "weight_decay"):
            checks.number(name, getattr(self, name), 0)
        must = "be parts of the training, each 0 <= part <= 1"
        parts = checks.items("at", self.at, must)
        if not parts:
            raise ArgumentError("at", must, "none")
        shares = tuple(checks.number(f"at[{i}]", part, 0, 1) for i, part in enumerate(parts))
        object.__setattr__(self, "at", shares)
        check_data("data", self.data)
        if isinstance(self.test, int | float):
            checks.number("test", self.test, 0, 1)
        elif self.test is not None:
            check_data("test", self.test)

    def course(self) -> TrainingCourse:
        """The training with its data read and its length in steps."""
        training, held_out = split(labelled_data(self.data), self.test)
        size = min(self.batch_size, len(training))
        n_steps = self.steps
        if n_steps is None:
            passes = _EPOCHS if self.epochs is None else self.epochs
            n_steps = max(1, round(passes * (len(training) // size)))
        return TrainingCourse(self, training, held_out, n_steps, size)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCourse(Course):
    """A training that is ready to run.

    Parameters
    ----------
    recipe : Training
        What was asked for.
    data : LabelledData
        What is trained on.
    held_out : LabelledData
        What accuracy is measured on.
    n_steps : int
        Length of the training.
    batch_size : int
        Samples of a step.
    """

    recipe: Training
    data: LabelledData
    held_out: LabelledData
    n_steps: int
    batch_size: int

    @property
    def times(self) -> tuple[int, ...]:  # type: ignore[override]
        """Steps after which networks are looked at."""
        return tuple(sorted({round(share * self.n_steps) for share in self.recipe.at}))

    def conditions(self, source: str, t: int) -> str:
        """Source, time, length, and every choice of the training."""
        recipe = self.recipe
        return (
            f"{source}; after {t} of {self.n_steps} steps of {self.batch_size} samples, "
            f"rate {recipe.learning_rate}, momentum {recipe.momentum}, "
            f"decay {recipe.weight_decay}, trained on {self.data.id}, tested on {self.held_out.id}"
        )

    def moments(self, start: Start, times: Sequence[int]) -> Iterator[Moment]:
        """The network at some of the times; it is trained no longer than to the last of them."""
        if times[0] == 0:
            yield Moment(0, start.fresh)
        later = [t for t in times if t > 0]
        if later:
            network = start.fresh()
            for t, problem in self._train(network, start, later):
                yield Moment(t, _copy_of(network, start.seed), problem)

    def _train(
        self, network: nn.Module, start: Start, times: Sequence[int]
    ) -> Iterator[tuple[int, Outcome | None]]:
        """Train a network in place; gives each time as it comes, and why there is no network."""
        torch.manual_seed(start.seed)  # for what the network itself draws, such as dropout
        parameters = [p for p in network.parameters() if p.requires_grad]
        if not parameters:
            yield from ((t, missing(Reason.NO_WEIGHT)) for t in times)
            return
        recipe = self.recipe
        optimizer = torch.optim.SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )
        problem: Outcome | None = None
        batches = self._batches(start)
        for step in range(1, times[-1] + 1):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * cosine((step - 1) / self.n_steps)
            if problem is None:
                network.train()
                problem = self._step(network, optimizer, *next(batches), step)
            if step in times:
                yield step, problem

    def _step(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        inputs: Any,
        labels: Tensor,
        step: int,
    ) -> Outcome | None:
        """One step; gives why the network cannot be trained, if it cannot."""
        with quiet(), torch.enable_grad():
            outputs = logits_of(call(network, fitted_to(network, inputs)))
            if not outputs or outputs[0].dim() != 2 or len(outputs[0]) != len(labels):
                return missing(Reason.NO_LOGITS)
            logits = outputs[0]
            if logits.shape[1] < self.data.n_classes:
                return missing(Reason.TOO_FEW_OUTPUTS)
            loss = F.cross_entropy(logits, labels.to(logits.device))
            if not bool(torch.isfinite(loss)):
                return missing(Reason.DIVERGED, f"at step {step} of {self.n_steps}")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return None

    def _batches(self, start: Start) -> Iterator[tuple[Any, Tensor]]:
        """Batches without end: each pass over the samples is in an order of its own."""
        rng = np.random.default_rng(start.seed)
        n_batches = len(self.data) // self.batch_size
        while True:
            order = rng.permutation(len(self.data))
            for places in order[: n_batches * self.batch_size].reshape(n_batches, -1):
                yield self.data.take(places, start.input_shape), self.data.classes(places)


def cosine(part: float) -> float:
    """Share of the first learning rate after a part of the training, 1 falling to 0.

    Examples
    --------
    >>> cosine(0.0), round(cosine(0.5), 3), cosine(1.0)
    (1.0, 0.5, 0.0)
    """
    return (1 + math.cos(math.pi * part)) / 2


def _copy_of(network: nn.Module, seed: int) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        torch.manual_seed(seed)  # for statistics that draw: the same whatever came before
        return copy.deepcopy(network)

    return make
