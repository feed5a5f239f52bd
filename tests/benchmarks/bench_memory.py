"""Best orders of NAS-Bench-201's networks: how many are exact, how long they take, beside a peer.

    python tests/benchmarks/bench_memory.py            # 100 networks, one worker
    python tests/benchmarks/bench_memory.py 15625 2    # the whole space, two workers

The peer is the memoised recursion of Liberis and Lane (2019) as it is published: over sets of
live tensors, without reductions, on blocks of parallel branches.
"""

from __future__ import annotations

import functools
import sys
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.hardware.lifetimes import lifetimes
from cgraph.hardware.schedule import best_schedule, memory_over_time
from cgraph.parallel import parallel_map
from cgraph.spaces.nasbench201 import graphs, notation

CHUNK = 125


def recursion_peak(graph: ComputationalGraph) -> int:
    """Least peak by the recursion over sets of live tensors, from the outputs back."""
    lives = lifetimes(graph)
    touched = list(enumerate(lives.touched))
    made = {k: frozenset(s for s in its if lives.makers[s] == k) for k, its in touched}
    needed = {k: frozenset(s for s in its if lives.makers[s] != k) for k, its in touched}
    maker = {s: k for k, its in made.items() for s in its}
    ancestors: dict[int, set[int]] = {}
    for k, before in enumerate(lives.predecessors):
        ancestors[k] = set(before).union(*(ancestors[p] for p in before))

    @functools.cache
    def least(live: frozenset[int]) -> int:
        last = {maker[s] for s in live if s in maker}
        if not last:
            return sum(lives.bytes[s] for s in live)
        found = []
        for k in last:
            if any(k in ancestors[maker[s]] for s in live if s in maker and maker[s] != k):
                continue  # something live is computed from what k makes: k is not the last
            rest = live - made[k] | {s for s in needed[k] if lives.bytes[s]}
            during = sum(lives.bytes[s] for s in live | made[k] | needed[k])
            found.append(max(during, least(rest)))
        return min(found)

    return least(frozenset(s for s, kept in enumerate(lives.is_kept) if kept))


def branches(n_branches: int, depth: int) -> ComputationalGraph:
    """A block of parallel chains between one tensor and their concatenation."""
    memories, reads, writes = [Memory("x", "input", (4,), "int8", 4)], [], []
    ends = []
    for _ in range(n_branches):
        current = 0
        for _ in range(depth):
            reads.append((current, len(writes)))
            current = len(memories)
            writes.append((len(writes), current))
            memories.append(Memory(f"m{current}", "activation", (4,), "int8", 4))
        ends.append(current)
    reads += [(m, len(writes)) for m in ends]
    writes.append((len(writes), len(memories)))
    size = 4 * n_branches
    memories.append(Memory("y", "output", (size,), "int8", size))
    kernels = [Kernel(f"k{k}", "any") for k in range(len(writes))]
    return ComputationalGraph(memories, kernels, reads, writes, [len(memories) - 1])


def networks(indices: np.ndarray) -> Iterator[ComputationalGraph]:
    """Graphs of networks by their official index."""
    for index in indices:
        yield graphs.compose_network(tuple(notation.operations_table()[index].tolist()))


def measure(indices: np.ndarray) -> Counter[str]:
    """Work on some networks: seconds and how many are exact, better than traced, ..."""
    found: Counter[str] = Counter()
    start = time.perf_counter()
    for graph in networks(indices):
        composed = time.perf_counter()
        found["seconds to compose"] += composed - start  # type: ignore[assignment]
        for count_io in (True, False):
            best = best_schedule(graph, count_io=count_io)
            found["orders"] += 1
            found["exact"] += best.exact
            found["states expanded"] += best.n_expanded
            traced = memory_over_time(graph, count_io=count_io).peak_bytes
            found["better than as traced"] += best.upper_bytes < traced
        start = time.perf_counter()
        found["seconds to order"] += start - composed  # type: ignore[assignment]
    return found


def main(n: int = 100, n_jobs: int = 1, most_branches: int = 5) -> Counter[str]:
    """Print the figures; returns the sums."""
    indices = np.random.default_rng(0).permutation(15_625)[:n]
    chunks = [indices[i : i + CHUNK] for i in range(0, n, CHUNK)]
    start = time.perf_counter()
    total: Counter[str] = Counter()
    for found in parallel_map(measure, chunks, n_jobs=n_jobs):
        total.update(found)
    print(f"{n} networks, {n_jobs} workers: {time.perf_counter() - start:.1f} s of wall time")
    for name, value in total.items():
        print(f"  {name}: {value:,.1f}")
    best_schedule(branches(1, 1))  # what is loaded at first use is not counted
    for n_branches in range(2, most_branches + 1):
        block = branches(n_branches, 4)
        start = time.perf_counter()
        best = best_schedule(block)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        assert recursion_peak(block) == best.upper_bytes
        theirs = time.perf_counter() - start
        print(
            f"{n_branches} branches of 4 kernels: recursion {theirs:.4f} s, here {ours:.4f} s, "
            f"{theirs / ours:.0f} times as fast"
        )
    return total


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
