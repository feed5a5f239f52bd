"""What is read off the networks of a space: their programs in numbers, batch by batch.

A batch is captured by one process, in the order of the architectures, and packed in bytes that do
not depend on which process that was, nor on what it had captured before.
"""

from __future__ import annotations

import gc
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError, CGraphError, shown
from cgraph.generators import seed_generators
from cgraph.graphs.population import Population
from cgraph.graphs.tape import Nodes, Tape, inflated, pack, unpack
from cgraph.parallel import cpu_count, parallel_map

if TYPE_CHECKING:
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.tracing.composer import Composer

# Architectures that are captured and kept together.
N_IN_BATCH = 64

# With fewer architectures, starting further processes takes longer than what they save.
_FEWEST_FOR_PROCESSES = 512
_MOST_PROCESSES = 8

Report = Callable[[int, int], None]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Buildable(Protocol):
    """A space, as far as it is captured."""

    name: str
    input_shapes: Mapping[str, tuple[int, ...]]
    batch_size: int
    example: Arguments | None
    reader: Callable[[str], ComputationalGraph] | None

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Model of an architecture."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read off some architectures that follow each other.

    Parameters
    ----------
    names : tuple of str
        Those that were captured.
    programs : tuple of str
        Digest of the program of each.
    n_parameters, macs : tuple of int
        Sizes of each.
    tapes : bytes
        Their programs, packed.
    failures : tuple of (str, str)
        Those that could not be captured, each with what went wrong.
    """

    names: tuple[str, ...]
    programs: tuple[str, ...]
    n_parameters: tuple[int, ...]
    macs: tuple[int, ...]
    tapes: bytes
    failures: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """The batch as it is kept."""
        facts = [self.names, self.programs, self.n_parameters, self.macs, self.failures]
        text = zlib.compress(json.dumps(facts).encode(), 1)
        return np.array([len(text)], dtype="<i8").tobytes() + text + self.tapes

    @staticmethod
    def from_bytes(data: bytes) -> Batch:
        """The batch that was kept so.

        Raises
        ------
        ValueError
            If the bytes are not such.
        """
        try:
            n = int(np.frombuffer(data[:8], dtype="<i8")[0])
            facts = json.loads(inflated(data[8 : 8 + n]))
            names, programs, n_parameters, macs, failures = facts
        except (zlib.error, IndexError, TypeError) as error:
            raise ValueError("no batch of architectures") from error
        return Batch(
            tuple(names), tuple(programs), tuple(n_parameters), tuple(macs), data[8 + n :],
            tuple((name, problem) for name, problem in failures),
        )  # fmt: skip


def batches_of(names: Sequence[str], size: int = N_IN_BATCH) -> list[tuple[str, ...]]:
    """The architectures in batches."""
    return [tuple(names[i : i + size]) for i in range(0, len(names), size)]


def regrouped(
    batches: Sequence[Batch], names: Sequence[str], size: int = N_IN_BATCH
) -> dict[tuple[str, ...], Batch]:
    """Batches of some of the architectures of others, by their names."""
    nodes = Nodes()
    rows: dict[str, tuple[tuple[str, int, int], Tape]] = {}
    for batch in batches:
        facts = zip(batch.programs, batch.n_parameters, batch.macs, strict=True)
        tapes = unpack(nodes, batch.tapes)
        rows.update(zip(batch.names, zip(facts, tapes, strict=True), strict=True))
    found = {}
    for group in batches_of(names, size):
        if all(name in rows for name in group):
            programs, n_parameters, macs = zip(*(rows[name][0] for name in group), strict=True)
            tapes = [rows[name][1] for name in group]
            found[group] = Batch(group, programs, n_parameters, macs, pack(nodes, tapes))
    return found


def captured(
    space: Buildable, batches: Sequence[tuple[str, ...]], n_jobs: int | None = None
) -> Iterator[Batch]:
    """Capture batches, in order, as they are done.

    Parameters
    ----------
    space : Buildable
        The space.
    batches : sequence of tuple of str
        Architectures.
    n_jobs : int, optional
        Number of processes; by default as many as the work is worth.
    """
    return parallel_map(partial(_capture, space), batches, n_jobs=n_workers(space, batches, n_jobs))


def n_workers(space: Buildable, batches: Sequence[Sequence[str]], n_jobs: int | None) -> int:
    """Processes that are worth starting for some work; 1 where the space cannot be sent to one."""
    # Where a batch is small, an architecture is much work.
    if sum(map(len, batches)) * N_IN_BATCH < _FEWEST_FOR_PROCESSES * space.batch_size:
        return 1
    if n_jobs is None:
        n_jobs = min(cpu_count(), _MOST_PROCESSES)
    return n_jobs if n_jobs == 1 or _is_sent(space) else 1


def _is_sent(space: Buildable) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(space)
    except Exception:
        return False
    return True


def population_of(
    batches: Sequence[Batch], *, is_live: bool, boundary: bool, n_jobs: int | None = None
) -> Population:
    """Kernel graphs of what was captured, packed; names are those of the architectures."""
    names = [name for batch in batches for name in batch.names]
    is_many = len(names) >= _FEWEST_FOR_PROCESSES
    jobs = 1 if n_jobs is None or not is_many else n_jobs
    work = partial(_projected, is_live=is_live, boundary=boundary)
    parts = list(parallel_map(work, [batch.tapes for batch in batches], n_jobs=jobs))
    words = sorted({label for part in parts for label in part.labels})
    place = {label: i for i, label in enumerate(words)}
    renumbered = [
        np.array([place[label] for label in part.labels], dtype=np.int32) for part in parts
    ]
    ids = [table[part.label_ids] for table, part in zip(renumbered, parts, strict=True)]
    return Population.from_arrays(
        vocabulary=words,
        node_offsets=_offsets([part.n_nodes for part in parts]),
        label_ids=_joined(ids, np.int32),
        edge_offsets=_offsets([part.n_edges for part in parts]),
        edges=_joined([part.edges for part in parts], np.int64).reshape(-1, 2),
        names=names,
        macs=_joined([part.macs for part in parts], np.int64),
        bytes=_joined([part.bytes for part in parts], np.int64),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Kernel graphs of a batch in arrays; labels are numbered in their own list."""

    labels: tuple[str, ...]
    n_nodes: NDArray[np.int64]
    n_edges: NDArray[np.int64]
    label_ids: NDArray[np.int32]
    edges: NDArray[np.int32]
    macs: NDArray[np.int64]
    bytes: NDArray[np.int64]


def _projected(tapes: bytes, *, is_live: bool, boundary: bool) -> _Part:
    nodes = Nodes()
    with _uncollected():
        found = [
            tape.project(nodes, is_live=is_live, boundary=boundary) for tape in unpack(nodes, tapes)
        ]
    place: dict[str, int] = {}
    ids = [place.setdefault(label, len(place)) for graph in found for label in graph.labels]
    return _Part(
        labels=tuple(place),
        n_nodes=np.array([len(graph.labels) for graph in found], dtype=np.int64),
        n_edges=np.array([len(graph.edges) for graph in found], dtype=np.int64),
        label_ids=np.array(ids, dtype=np.int32),
        edges=np.array([e for graph in found for e in graph.edges], dtype=np.int32).reshape(-1, 2),
        macs=np.array([m for graph in found for m in graph.macs], dtype=np.int64),
        bytes=np.array([m for graph in found for m in graph.bytes], dtype=np.int64),
    )


def _offsets(counts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.concatenate([np.empty(0, np.int64), *counts]))])


def _joined(parts: Sequence[NDArray[np.generic]], dtype: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate([np.empty((0, *parts[0].shape[1:]) if parts else 0, dtype), *parts])


def _capture(space: Buildable, names: tuple[str, ...]) -> Batch:
    """Capture a batch in this process."""
    from cgraph.tracing.restoring import process_restored

    composer = _composer()
    tapes: list[Tape] = []
    kept: list[str] = []
    failures: list[tuple[str, str]] = []
    was_enabled = gc.isenabled()
    gc.disable()  # models hold no cycles, and are looked through again and again
    try:
        with process_restored(), composer.working():
            for name in names:
                try:
                    tapes.append(_tape(composer, space, name))
                    kept.append(name)
                except Exception as error:
                    failures.append((name, _told(error)))
    finally:
        if was_enabled:
            gc.enable()
    nodes = composer.nodes
    totals = [tape.totals(nodes) for tape in tapes]
    return Batch(
        names=tuple(kept),
        programs=tuple(tape.digest(nodes) for tape in tapes),
        n_parameters=tuple(n for n, _ in totals),
        macs=tuple(macs for _, macs in totals),
        tapes=pack(nodes, tapes),
        failures=tuple(failures),
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """A context without searches for cycles: there are none, and they go through all of PyTorch."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def graph_of(space: Buildable, name: str) -> ComputationalGraph:
    """Computational graph of an architecture, as `trace` gives it."""
    from cgraph.tracing.record import trace
    from cgraph.tracing.restoring import process_restored

    if space.reader is not None:
        return space.reader(name)
    args, kwargs = arguments_of(space)
    composer = _composer(named=True)
    with process_restored():
        try:
            with composer.working():
                return composer.graph(partial(_built_anew, space, name), *args, **kwargs)
        except Exception:
            return trace(_built_anew(space, name), *args, **kwargs)


def arguments_of(space: Buildable) -> Arguments:
    """What the models of a space are given: its example, or a batch of one, without values."""
    import torch

    if space.example is None:
        return (torch.empty(1, *space.input_shapes["full"], device="meta"),), {}
    return space.example


def _tape(composer: Composer, space: Buildable, name: str) -> Tape:
    from cgraph.tracing.record import trace

    if space.reader is not None:
        return Tape.of(composer.nodes, space.reader(name))
    args, kwargs = arguments_of(space)
    build = partial(_built_anew, space, name)
    try:
        return composer.tape(build, *args, **kwargs)
    except Exception:
        return Tape.of(composer.nodes, trace(build(), *args, **kwargs))


def _built_anew(space: Buildable, name: str) -> nn.Module:
    seed_generators(0)
    return built(space, name)


def built(space: Buildable, name: str, skeleton: str = "full") -> nn.Module:
    """Model of an architecture, in train mode.

    Raises
    ------
    ArgumentError
        If `build` gives something else.
    """
    from torch import nn

    model = space.build(name, skeleton)
    if not isinstance(model, nn.Module):
        raise ArgumentError(
            f"build({name!r})", "give an nn.Module", f"a {type(model).__name__}",
            "return the model, not its class or its output",
        )  # fmt: skip
    return model if _is_training(model) else model.train()


def _is_training(module: nn.Module) -> bool:
    """Whether `train()` would change nothing."""
    from torch import nn

    if not module.training or type(module).train is not nn.Module.train:
        return False
    return all(child is None or _is_training(child) for child in module._modules.values())


@cache
def _composer(*, named: bool = False) -> Composer:
    """The composer of this process."""
    from cgraph.tracing.composer import Composer

    return Composer(named=named)


def _told(error: Exception) -> str:
    """What went wrong, in a line."""
    text = shown(str(error).strip() or "no message", 500)
    return text if isinstance(error, CGraphError) else f"{type(error).__name__}: {text}"
