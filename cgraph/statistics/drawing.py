"""One draw of a candidate: a fresh network, a batch, and every statistic asked of them.

Statistics that ask for the same skeleton and initialisation share the network and the batch, and
those with the same batch size and mode share a forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cgraph.statistics.candidate import Candidate
from cgraph.statistics.initialising import INITIALISERS
from cgraph.statistics.inputs import InputSource
from cgraph.statistics.measuring import statistic_of
from cgraph.statistics.methods import STATISTICS, Protocol
from cgraph.statistics.nests import Nest, head
from cgraph.statistics.probing import Probe, in_quick_layout
from cgraph.statistics.seeds import seed_of
from cgraph.statistics.values import Reason, Statistic


@dataclass(frozen=True, slots=True)
class Draw:
    """What is to be drawn.

    Parameters
    ----------
    candidate : Candidate
        Of which program.
    index : int
        Which draw.
    protocols : tuple of str
        Ids of the statistics to compute.
    seed : int
        Seed of the whole evaluation.
    source : InputSource
        Where batches come from.
    """

    candidate: Candidate
    index: int
    protocols: tuple[str, ...]
    seed: int
    source: InputSource


@dataclass(frozen=True, slots=True)
class Drawn:
    """Values of one draw.

    Parameters
    ----------
    program : str
        Digest of the program.
    index : int
        Which draw.
    values : tuple of Statistic
        One for each protocol asked for.
    seconds : tuple of float
        What each took on one thread; what several share is counted for the first of them.
    """

    program: str
    index: int
    values: tuple[Statistic, ...]
    seconds: tuple[float, ...]


def draw_statistics(draw: Draw) -> Drawn:
    """Compute the statistics of one draw, on one thread.

    Raises
    ------
    Exception
        What building or running the model raises; a note says which candidate it was.
    """
    found: dict[str, tuple[Statistic, float]] = {}
    try:
        with one_thread(), torch.random.fork_rng(devices=[]):
            for protocols in _groups(draw.protocols, ("skeleton", "initialisation")):
                found |= _draw_network(draw, protocols)
    except Exception as error:
        error.add_note(f"while evaluating {draw.candidate.name!r}, draw {draw.index}")
        raise
    return Drawn(
        draw.candidate.program,
        draw.index,
        tuple(found[name][0] for name in draw.protocols),
        tuple(found[name][1] for name in draw.protocols),
    )


def _draw_network(
    draw: Draw, protocols: Sequence[Protocol]
) -> Iterator[tuple[str, tuple[Statistic, float]]]:
    """The statistics that share a skeleton and an initialisation."""
    first = protocols[0]
    if first.skeleton not in draw.candidate.input_shapes:
        reason = Statistic(None, Reason.NO_SKELETON, first.name)
        return ((p.name, (reason_for(p, reason), 0.0)) for p in protocols)
    return _measured(draw, protocols)


def reason_for(protocol: Protocol, statistic: Statistic) -> Statistic:
    """The same missing value under the id of another protocol."""
    return Statistic(None, statistic.reason, protocol.name)


def _measured(
    draw: Draw, protocols: Sequence[Protocol]
) -> Iterator[tuple[str, tuple[Statistic, float]]]:
    first = protocols[0]
    key = (draw.seed, draw.candidate.program, draw.index, first.skeleton, first.initialisation)
    for group in _groups(
        [p.name for p in protocols],
        ("batch_size", "n_batches", "image_size", "mode", "shares_batch", "takes_over"),
    ):
        start = time.perf_counter()
        network = fresh_network(draw.candidate, first, seed_of("network", *key))
        batches = _batches(draw, protocols, group[0])
        network.train(group[0].mode == "train")
        observes = frozenset().union(*(p.observes for p in group))
        probe = Probe(network, batches, observes, seed_of("labels", *key))
        for protocol in group:
            value = statistic_of(probe, protocol)
            now = time.perf_counter()
            yield protocol.name, (value, now - start)
            start = now


def fresh_network(candidate: Candidate, protocol: Protocol, seed: int) -> nn.Module:
    """A network with the weights of a seed."""
    torch.manual_seed(seed)
    network = candidate.build(protocol.skeleton)
    INITIALISERS[protocol.initialisation].function(network)
    return in_quick_layout(network)


def _batches(draw: Draw, protocols: Sequence[Protocol], protocol: Protocol) -> list[Nest]:
    """Batches of one protocol: heads of the largest that its network needs."""
    shape = draw.candidate.input_shapes[protocol.skeleton]
    if protocol.image_size is not None and len(shape) == 3:
        shape = (shape[0], protocol.image_size, protocol.image_size)
    program = "" if protocol.shares_batch else draw.candidate.program
    largest = max(p.batch_size for p in protocols if p.shares_batch == protocol.shares_batch)
    batches = []
    for i in range(protocol.n_batches):
        seed = seed_of("batch", draw.seed, program, draw.index, protocol.skeleton, i)
        batch = draw.source.draw(np.random.default_rng(seed), largest, shape)
        batches.append(head(batch, protocol.batch_size))
    return batches


def _groups(names: Sequence[str], fields: tuple[str, ...]) -> list[list[Protocol]]:
    groups: dict[tuple[object, ...], list[Protocol]] = {}
    for name in names:
        protocol = STATISTICS[name]
        key = tuple(getattr(protocol, f) for f in fields)
        groups.setdefault(key, []).append(protocol)
    return list(groups.values())


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch uses one thread: two on one small network waste both."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
