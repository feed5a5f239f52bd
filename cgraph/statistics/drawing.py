"""One draw of a candidate: a fresh network, a batch, and every statistic asked of them.

Statistics that ask for the same skeleton and initialisation share the network, its training if
there is one, and the batch; those with the same batch size and mode share a forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from cgraph.errors import ArgumentError
from cgraph.generators import seed_generators, untouched_generators
from cgraph.parallel import one_thread
from cgraph.statistics.candidate import FULL, Candidate
from cgraph.statistics.course import Course, Moment, Start
from cgraph.statistics.datasets import LabelledData
from cgraph.statistics.initialising import INITIALISERS
from cgraph.statistics.inputs import InputSource
from cgraph.statistics.measuring import statistic_of
from cgraph.statistics.methods import STATISTICS, Protocol
from cgraph.statistics.nests import Nest, head
from cgraph.statistics.probing import Probe, in_quick_layout
from cgraph.statistics.seeds import seed_of
from cgraph.statistics.values import Outcome, Reason, Statistic

_TEST_BATCH = 256  # samples; how many there are makes no difference in evaluation mode


@dataclass(frozen=True, slots=True)
class Draw:
    """What is to be drawn.

    Parameters
    ----------
    candidate : Candidate
        Of which program.
    index : int
        Which draw.
    wanted : tuple of (int, tuple of str)
        Times, rising, and the ids of the statistics to compute at each.
    seed : int
        Seed of the whole evaluation.
    source : InputSource
        Where batches come from.
    course : Course
        How the network comes to its weights.
    device : torch.device
        Where it is run.
    """

    candidate: Candidate
    index: int
    wanted: tuple[tuple[int, tuple[str, ...]], ...]
    seed: int
    source: InputSource
    course: Course
    device: torch.device


@dataclass(frozen=True, slots=True)
class Drawn:
    """Values of one draw.

    Parameters
    ----------
    program : str
        Digest of the program.
    index : int
        Which draw.
    values : tuple of (int, tuple of (Statistic, float))
        At each time, one for each protocol asked for, and the seconds that it took on one thread;
        what several share, training included, is counted for the first of them.
    """

    program: str
    index: int
    values: tuple[tuple[int, tuple[tuple[Statistic, float], ...]], ...]


def draw_statistics(draw: Draw) -> Drawn:
    """Compute the statistics of one draw, on one thread.

    Raises
    ------
    Exception
        What building or running the model raises; a note says which candidate it was.
    """
    names = list(dict.fromkeys(name for _, names in draw.wanted for name in names))
    found: dict[tuple[int, str], tuple[Statistic, float]] = {}
    try:
        with untouched_generators(draw.device), _one_thread():
            for protocols in _groups(names, ("skeleton", "initialisation")):
                found |= _draw_network(draw, protocols)
    except Exception as error:
        error.add_note(f"while evaluating {draw.candidate.name!r}, draw {draw.index}")
        raise
    values = tuple((t, tuple(found[t, name] for name in names)) for t, names in draw.wanted)
    return Drawn(draw.candidate.program, draw.index, values)


def killed(draw: Draw) -> Drawn:
    """What is known of a draw whose process was killed."""
    values = tuple(
        (t, tuple((Statistic(None, Reason.WORKER_KILLED, name), 0.0) for name in names))
        for t, names in draw.wanted
    )
    return Drawn(draw.candidate.program, draw.index, values)


def _draw_network(
    draw: Draw, protocols: Sequence[Protocol]
) -> Iterator[tuple[tuple[int, str], tuple[Statistic, float]]]:
    """The statistics that share a skeleton and an initialisation, at all times."""
    ours = {p.name for p in protocols}
    wanted = {t: [name for name in names if name in ours] for t, names in draw.wanted}
    times = [t for t, names in wanted.items() if names]
    first = protocols[0]
    if first.skeleton not in draw.candidate.input_shapes:
        for t in times:
            yield from _failed(t, wanted[t], Outcome(None, Reason.NO_SKELETON))
        return
    key = (draw.seed, draw.candidate.program, draw.index, first.skeleton, first.initialisation)
    start = Start(
        partial(fresh_network, draw.candidate, first, seed_of("network", *key), draw.device),
        first.skeleton,
        draw.candidate.input_shapes[first.skeleton],
        seed_of("training", *key),
        draw.device,
    )
    since = time.perf_counter()
    for moment in draw.course.moments(start, times):
        if moment.problem is not None:
            yield from _failed(moment.t, wanted[moment.t], moment.problem)
            continue
        with untouched_generators():
            for name, value in _measured(draw, moment, wanted[moment.t], seed_of("labels", *key)):
                now = time.perf_counter()
                yield (moment.t, name), (value, now - since)
                since = now


def _failed(
    t: int, names: Sequence[str], problem: Outcome
) -> Iterator[tuple[tuple[int, str], tuple[Statistic, float]]]:
    """The same missing value for several protocols."""
    for name in names:
        yield (t, name), (Statistic(None, problem.reason, name, note=problem.note), 0.0)


def _measured(
    draw: Draw, moment: Moment, names: Sequence[str], label_seed: int
) -> Iterator[tuple[str, Statistic]]:
    """Statistics of a network at a time."""
    protocols = [p for p in (STATISTICS[n] for n in names) if "training" not in p.needs]
    for group in _groups(
        names, ("batch_size", "n_batches", "image_size", "mode", "shares_batch", "takes_over")
    ):
        network = moment.make()
        if "training" in group[0].needs:
            held_out = draw.course.held_out
            assert held_out is not None, "asked for where there is something to test on"
            shape = draw.candidate.input_shapes[group[0].skeleton]
            batches, labels = _all_of(held_out, shape)
        else:
            batches, labels = _batches(draw, protocols, group[0])
        network.train(group[0].mode == "train")
        observes = frozenset().union(*(p.observes for p in group))
        probe = Probe(network, batches, observes, labels or label_seed)
        for protocol in group:
            yield protocol.name, statistic_of(probe, protocol)


def fresh_network(
    candidate: Candidate, protocol: Protocol, seed: int, device: torch.device
) -> nn.Module:
    """A network with the weights of a seed, the same on every device."""
    seed_generators(seed)
    network = candidate.build(protocol.skeleton)
    INITIALISERS[protocol.initialisation].function(network)
    return in_quick_layout(network).to(device)


def _batches(
    draw: Draw, protocols: Sequence[Protocol], protocol: Protocol
) -> tuple[list[Nest], list[Tensor]]:
    """Batches of one protocol, heads of the largest that its network needs, and their labels."""
    shape = draw.candidate.input_shapes[protocol.skeleton]
    if protocol.image_size is not None and len(shape) == 3:
        shape = (shape[0], protocol.image_size, protocol.image_size)
    source = draw.source
    n_needed = protocol.n_batches * protocol.batch_size
    is_limited = source.n_samples is not None and protocol.skeleton == FULL
    if is_limited and protocol.n_batches > 1 and (source.n_samples or 0) < n_needed:
        raise ArgumentError(
            "inputs", f"hold at least {n_needed} samples for {protocol.name}", source.n_samples
        )
    program = "" if protocol.shares_batch else draw.candidate.program
    largest = max(p.batch_size for p in protocols if p.shares_batch == protocol.shares_batch)
    batches, labels = [], []
    for i in range(protocol.n_batches):
        seed = seed_of("batch", draw.seed, program, draw.index, protocol.skeleton, i)
        batch = source.draw(np.random.default_rng(seed), largest, shape)
        batches.append(head(batch, protocol.batch_size))
        if source.labels is not None and "labels" in protocol.needs:
            labels.append(source.labels(np.random.default_rng(seed), protocol.batch_size))
    return batches, labels


def _all_of(data: LabelledData, shape: tuple[int, ...]) -> tuple[list[Nest], list[Tensor]]:
    """All samples, in batches, and their labels."""
    parts = np.split(np.arange(len(data)), range(_TEST_BATCH, len(data), _TEST_BATCH))
    return [data.take(part, shape) for part in parts], [data.classes(part) for part in parts]


def _groups(names: Sequence[str], fields: tuple[str, ...]) -> list[list[Protocol]]:
    groups: dict[tuple[object, ...], list[Protocol]] = {}
    for name in names:
        protocol = STATISTICS[name]
        key = tuple(getattr(protocol, f) for f in fields)
        groups.setdefault(key, []).append(protocol)
    return list(groups.values())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch and linear algebra use one thread: two on one small network waste both.

    The last digits of a sum depend on how many there are, and a worker has one. The number is that
    of the process, so it is set where no other thread sets it: with the generators held.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_thread():
            yield
    finally:
        torch.set_num_threads(before)
