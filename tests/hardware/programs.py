"""Small programs with views, writes in place, weights and results that nobody reads, at random."""

from __future__ import annotations

import numpy as np

from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory


def random_program(rng: np.random.Generator, n_kernels: int, reach: int = 4) -> ComputationalGraph:
    """A program whose kernels read mostly what the last `reach` made."""
    memories: list[Memory] = []
    reads: list[tuple[int, int]] = []
    writes: list[tuple[int, int]] = []

    def add(kind: str, base: int | None = None, alias: str | None = None) -> int:
        size = int(rng.integers(1, 9)) if base is None else 0
        memories.append(
            Memory(f"m{len(memories)}", kind, (size,), "int8", size, base=base, alias=alias)
        )
        return len(memories) - 1

    current = [add("input") for _ in range(rng.integers(0, 3))]
    weights = [add(kind) for kind in ("parameter", "buffer")]
    for k in range(n_kernels):
        recent = current[-reach:]
        n_reads = min(len(recent), int(rng.choice([0, 1, 2, 3], p=[0.1, 0.5, 0.3, 0.1])))
        taken = [int(m) for m in rng.choice(recent, n_reads, replace=False)] if n_reads else []
        its_reads = taken + [w for w in weights if rng.random() < 0.3]
        reads += [(m, k) for m in its_reads]
        what = rng.random()
        if what < 0.15 and taken:
            current.append(add("activation", taken[0], "view"))
            writes.append((k, current[-1]))
        elif what < 0.35 and taken:
            changed = add("activation", taken[0], "version")
            current[current.index(taken[0])] = changed
            writes.append((k, changed))
        elif what < 0.4 and weights[1] in its_reads:
            weights[1] = add("activation", weights[1], "version")
            writes.append((k, weights[1]))
        else:
            for _ in range(1 + (rng.random() < 0.15)):
                current.append(add("activation"))
                writes.append((k, current[-1]))
    outputs = [int(m) for m in rng.choice(current, min(len(current), 2), replace=False)]
    kernels = [Kernel(f"k{k}", "any") for k in range(n_kernels)]
    return ComputationalGraph(memories, kernels, reads, writes, outputs)
