"""How a network comes to its weights, and the moments of it at which it is looked at.

Without training there is one moment, the initialisation. `Training` and `Checkpoints` make the
other courses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from cgraph.statistics.datasets import LabelledData
from cgraph.statistics.values import Outcome


@dataclass(frozen=True, slots=True)
class Start:
    """Where a course begins.

    Parameters
    ----------
    fresh : callable
        Makes the network with the weights of its initialisation, the same in every call.
    skeleton : str
        Which network of a candidate it is.
    input_shape : tuple of int
        Shape of one input, without the batch.
    seed : int
        Seed of everything that the course draws.
    device : torch.device
        Where it is run.
    """

    fresh: Callable[[], nn.Module]
    skeleton: str
    input_shape: tuple[int, ...]
    seed: int
    device: torch.device


@dataclass(frozen=True, slots=True)
class Moment:
    """A network at a time.

    Parameters
    ----------
    t : int
        The time: training steps, or as checkpoints are numbered.
    make : callable
        Makes the network as it is at that time; the caller may do to it what it likes.
    problem : Outcome, default=None
        Why there is no network at that time; None where there is.
    """

    t: int
    make: Callable[[], nn.Module]
    problem: Outcome | None = None


class Course(ABC):
    """How networks come to their weights.

    Attributes
    ----------
    times : tuple of int
        When they are looked at, rising.
    held_out : LabelledData or None
        What accuracy is measured on.
    """

    times: tuple[int, ...]
    held_out: LabelledData | None

    @abstractmethod
    def conditions(self, source: str, t: int) -> str:
        """What identifies, in a store, values of a source of inputs at a time."""

    @abstractmethod
    def moments(self, start: Start, times: Sequence[int]) -> Iterator[Moment]:
        """The network at some of the times, in order.

        Each is used before the next is made, and leaves torch's generators as it found them.
        """


@dataclass(frozen=True, slots=True)
class Untrained(Course):
    """Networks at their initialisation."""

    times: tuple[int, ...] = (0,)
    held_out: None = None

    def conditions(self, source: str, t: int) -> str:
        """The source alone."""
        del t
        return source

    def moments(self, start: Start, times: Sequence[int]) -> Iterator[Moment]:
        """The network at its initialisation."""
        return (Moment(t, start.fresh) for t in times)
