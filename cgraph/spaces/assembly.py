"""Computational graphs put together from traced pieces.

What is assembled is what `trace` gives for the whole, names included: memories that are given come
first, then what the kernels write; a name that is taken gets the first free number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory, MemoryKind


@dataclass(frozen=True, slots=True)
class Step:
    """A piece that runs in a program.

    Parameters
    ----------
    scope : str
        Dotted name of its module in the program.
    piece : ComputationalGraph
        What runs; it returns one memory.
    sources : tuple of int
        The values that it is given: those below n are the n inputs of the program, n + i is what
        step i returns.
    whole : ComputationalGraph, optional
        What the piece is a part of: kernels that have been cut take names too. The piece itself
        by default.
    """

    scope: str
    piece: ComputationalGraph
    sources: tuple[int, ...]
    whole: ComputationalGraph | None = None


def assemble(steps: Sequence[Step], name: str, inputs: Sequence[Memory]) -> ComputationalGraph:
    """Graph of a program that runs pieces one after the other and returns what the last makes.

    Parameters
    ----------
    steps : sequence of Step
        In the order they run, which is that of the modules in the program.
    name : str
        Name of the graph.
    inputs : sequence of Memory
        What the program is given.
    """
    given, places = _given_memories(steps, inputs)
    assembly = _Assembly(given)
    values = list(range(len(inputs)))
    for step, place in zip(steps, places, strict=True):
        sources = [values[source] for source in step.sources]
        place.update(zip(step.piece.inputs, sources, strict=True))
        assembly.run(step, place)
        values.append(place[step.piece.outputs[0]])
    return assembly.graph(values[-1], name)


def join(scope: str, name: str) -> str:
    """Dotted name of what is called `name` in a module.

    Examples
    --------
    >>> join("head", "linear"), join("", "linear"), join("head", "")
    ('head.linear', 'linear', 'head')
    """
    return f"{scope}.{name}" if scope and name else scope or name


def _given_memories(
    steps: Sequence[Step], inputs: Sequence[Memory]
) -> tuple[list[Memory], list[dict[int, int]]]:
    """Inputs, parameters and buffers of a program; and where those of each step stand."""
    memories = list(inputs)
    places: list[dict[int, int]] = [{} for _ in steps]
    for kind in ("parameter", "buffer"):
        for step, place in zip(steps, places, strict=True):
            for i, memory in enumerate(step.piece.memories):
                if memory.kind == kind:
                    place[i] = len(memories)
                    name = join(step.scope, memory.name)
                    memories.append(_moved(memory, step.scope, name, memory.kind, memory.base))
    return memories, places


class _Assembly:
    """The memories, kernels and relations of the steps so far."""

    def __init__(self, given: list[Memory]) -> None:
        self.memories = given
        self.kernels: list[Kernel] = []
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.names: Counter[str] = Counter()

    def run(self, step: Step, place: dict[int, int]) -> None:
        """Append a step; `place` has where its given memories stand, and gets the others."""
        piece, offset = step.piece, len(self.kernels)
        names = self._names(step.whole or piece)
        for kernel in piece.kernels:
            name, scope = names[kernel.name], join(step.scope, kernel.scope)
            self.kernels.append(
                Kernel(name, kernel.operation, kernel.attributes, scope, kernel.macs)
            )
        for k, m in piece.writes.tolist():
            memory = piece.memories[m]
            place[m] = len(self.memories)
            self.writes.append((offset + k, place[m]))
            base = None if memory.base is None else place[memory.base]
            name = names[memory.name]
            self.memories.append(_moved(memory, step.scope, name, "activation", base))
        self.reads += [(place[m], offset + k) for m, k in piece.reads.tolist()]

    def graph(self, output: int, name: str) -> ComputationalGraph:
        """The graph of a program that returns a memory."""
        if (memory := self.memories[output]).kind == "activation":
            self.memories[output] = _moved(memory, "", memory.name, "output", memory.base)
        # The same memory given twice to a sum is read once.
        reads = np.array(list(dict.fromkeys(self.reads)), dtype=np.int64)
        return ComputationalGraph(
            self.memories, self.kernels, reads, self.writes, [output], name=name
        )

    def _names(self, piece: ComputationalGraph) -> dict[str, str]:
        """Free names for the kernels of a piece and for what they write, by their names in it."""
        names = {kernel.name: self._free(kernel.operation) for kernel in piece.kernels}
        for k, m in piece.writes.tolist():
            kernel, memory = piece.kernels[k], piece.memories[m]
            names[memory.name] = self._free(f"{names[kernel.name]}.out")
        return names

    def _free(self, name: str) -> str:
        n = self.names[name]
        self.names[name] += 1
        return f"{name}_{n}" if n else name


def _moved(memory: Memory, scope: str, name: str, kind: MemoryKind, base: int | None) -> Memory:
    """A memory of a piece as it stands in the program."""
    # By position: there are hundreds in a network, and `replace` takes twice as long.
    return Memory(
        name,
        kind,
        memory.shape,
        memory.dtype,
        memory.bytes,
        join(scope, memory.scope),
        base,
        memory.alias,
    )
