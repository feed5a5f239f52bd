"""A schedule in, who holds its memory from when to when out: for figures and for questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgraph.graphs.computational import ComputationalGraph
from cgraph.hardware.lifetimes import lifetimes, without_io
from cgraph.hardware.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Span:
    """A storage while it is held.

    Parameters
    ----------
    memory : int
        Index of the memory that has the storage.
    bytes : int
        Its size.
    first_step, last_step : int
        The first and the last position in the order at which it is held, both included.
    """

    memory: int
    bytes: int
    first_step: int
    last_step: int


def spans(
    graph: ComputationalGraph, schedule: Schedule, *, dtype: str | None = None
) -> tuple[Span, ...]:
    """From when to when each storage is held, so that the spans over a step add up to its bytes.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.
    schedule : Schedule
        An order of its kernels.
    dtype : str, optional
        As it was given for the schedule.

    Returns
    -------
    tuple of Span
        In order of the first step; storages that do not count are left out.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> from cgraph.hardware.schedule import memory_over_time
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "int8", 8), Memory("h", "activation", (8,), "int8", 8),
    ...      Memory("y", "output", (2,), "int8", 2)],
    ...     [Kernel("relu", "relu"), Kernel("linear", "linear")],
    ...     reads=[(0, 0), (1, 1)], writes=[(0, 1), (1, 2)], outputs=[2],
    ... )
    >>> for span in spans(graph, memory_over_time(graph)):
    ...     print(graph.memories[span.memory].name, span.first_step, span.last_step)
    x 0 0
    h 0 1
    y 1 1
    """
    lives = lifetimes(graph, dtype=dtype)
    if not schedule.counts_io:
        lives = without_io(lives)
    step = np.argsort(schedule.order).tolist()
    found = []
    for s, size in enumerate(lives.bytes):
        steps = [step[k] for k in lives.users[s]]
        if not size or not (steps or lives.is_kept[s]):
            continue
        first = 0 if lives.makers[s] < 0 else step[lives.makers[s]]
        last = lives.n_kernels - 1 if lives.is_kept[s] else max(steps)
        found.append(Span(lives.memories[s], size, first, last))
    return tuple(sorted(found, key=lambda span: (span.first_step, span.memory)))


def held_at(of: tuple[Span, ...], step: int) -> tuple[Span, ...]:
    """What is held at a step of an order, the largest first.

    Parameters
    ----------
    of : tuple of Span
        From `spans`.
    step : int
        Position in the order; `schedule.peak_step` for the peak.

    Returns
    -------
    tuple of Span

    Examples
    --------
    >>> held_at((Span(0, 8, 0, 0), Span(1, 9, 0, 1)), 0)[0].memory
    1
    """
    held = [span for span in of if span.first_step <= step <= span.last_step]
    return tuple(sorted(held, key=lambda span: (-span.bytes, span.memory)))
