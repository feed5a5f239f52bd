"""How the time of what is done to one graph grows with the graph: per kernel, it should not.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_scale.py

Residual blocks of ten kernels, one after the other, as a computational graph of 10,000, 100,000
and 1,000,000 kernels. A ratio is the time per kernel over that of the smallest graph, in the same
run. The garbage collector, whose rounds over all objects are no work of ours, is off.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

from cgraph.graphs.canonical import certificate
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory
from cgraph.graphs.fusion import contract, fused
from cgraph.graphs.kernel import project
from cgraph.graphs.passes import flatten_sums, live, remove_dead, remove_identities
from cgraph.graphs.population import Population
from cgraph.graphs.tensor import adjacency_tensor, from_adjacency_tensor

SHAPE, N_BYTES = (1, 8, 4, 4), 512
CONVOLUTION = Attributes(kernel_size=(3, 3), groups=1)
# What a kernel of a block does, and what it reads beside the result before it.
BLOCK = (
    *(("conv2d", CONVOLUTION), ("batch_norm", Attributes()), ("relu", Attributes())),
    *(("conv2d", CONVOLUTION), ("batch_norm", Attributes())),
    *(("dropout", Attributes(p=0.5, train=False)), ("add", Attributes()), ("add", Attributes())),
    *(("view", Attributes()), ("relu", Attributes())),
)


def program(n_kernels: int) -> dict[str, Any]:
    """The arguments of a computational graph."""
    memories = [Memory("x", "input", SHAPE, "float32", N_BYTES)]
    kernels, reads, writes = [], [], []
    block_input = inner = current = 0
    for k in range(n_kernels):
        operation, attributes = BLOCK[k % 10]
        if k % 10 == 0:
            block_input = current
        kernels.append(Kernel(f"k{k}", operation, attributes, "", int(operation == "conv2d")))
        reads.append((current, k))
        if operation == "conv2d":
            reads.append((len(memories), k))
            memories.append(Memory(f"w{k}", "parameter", (8, 8, 3, 3), "float32", 2304))
        elif operation == "batch_norm":
            for i, kind in enumerate(("parameter", "parameter", "buffer", "buffer")):
                reads.append((len(memories), k))
                memories.append(Memory(f"b{k}.{i}", kind, (8,), "float32", 32))
        elif operation == "add":
            reads.append((block_input if k % 10 == 6 else inner, k))
        is_view = operation in ("dropout", "view")
        base, alias, size = (current, "view", 0) if is_view else (None, None, N_BYTES)
        current = len(memories)
        inner = current if k % 10 == 2 else inner
        kind = "output" if k == n_kernels - 1 else "activation"
        memories.append(Memory(f"o{k}", kind, SHAPE, "float32", size, "", base, alias))
        writes.append((k, current))
    return {
        "memories": memories,
        "kernels": kernels,
        "reads": reads,
        "writes": writes,
        "outputs": [current],
    }


def stages(n_kernels: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is timed, by name."""
    parts = program(n_kernels)
    yield "ComputationalGraph", lambda: ComputationalGraph(**parts)
    graph = ComputationalGraph(**parts)
    blocks = [(range(k, k + 10), Kernel(f"block{k}", "block")) for k in range(0, n_kernels - 9, 10)]
    yield "remove_identities", lambda: remove_identities(graph)
    yield "remove_dead", lambda: remove_dead(graph)
    yield "flatten_sums", lambda: flatten_sums(graph)
    yield "live", lambda: live(graph)
    yield "fused", lambda: fused(graph)
    yield "contract", lambda: contract(graph, blocks)
    yield "summary", graph.summary
    yield "project", lambda: project(graph)
    yield "project, boundary", lambda: project(graph, boundary=True)
    kernels = project(graph)
    vocabulary = sorted(set(kernels.labels))
    yield "Population", lambda: Population([kernels])
    yield "adjacency_tensor", lambda: adjacency_tensor(kernels)
    tensor = adjacency_tensor(kernels)
    yield "from_adjacency_tensor", lambda: from_adjacency_tensor(tensor, vocabulary)
    yield "certificate", lambda: certificate(kernels)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e4, 1e5, 1e6])
    given = parser.parse_args(arguments)
    sizes = [int(size) for size in given.sizes]
    for _, function in stages(5000):
        function()  # compiles, imports
    table: dict[str, list[float]] = {}
    gc.disable()
    for n in sizes:
        for name, function in stages(n):
            start = time.perf_counter()
            function()
            table.setdefault(name, []).append(1e6 * (time.perf_counter() - start) / n)
    gc.enable()
    print(f"{'microseconds per kernel':<24}" + "".join(f"{n:>12,}" for n in sizes) + "   ratios")
    for name, row in table.items():
        ratios = "  ".join(f"{value / row[0]:.2f}" for value in row[1:])
        print(f"{name:<24}" + "".join(f"{value:>12.2f}" for value in row) + f"   {ratios}")


if __name__ == "__main__":
    main()
