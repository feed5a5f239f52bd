"""A cell space of one's own: composed from pieces, against tracing every network.

    python tests/benchmarks/bench_own_space.py [--networks 4096] [--traced 20]

Ten cells of six edges with four operations, written as the guide says. Traces some networks,
compares their graphs with what is composed, and captures the space in a process of its own:
kernel graphs, sizes and programs, with the memory of all its processes together.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.spaces import ChoiceSpace
from cgraph.tracing.record import trace

OPERATIONS = ("conv3", "conv1", "pool", "skip")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
N_CELLS = 10
DOWN = (3, 7)  # cells with a reduction before them


def operation(word: str, width: int) -> nn.Module:
    """Module of an edge."""
    if word == "pool":
        return nn.AvgPool2d(3, stride=1, padding=1)
    if word == "skip":
        return nn.Identity()
    size = int(word[-1])
    conv = nn.Conv2d(width, width, size, padding=size // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(width))


class Cell(nn.Module):
    """Four nodes; each is the sum of its incoming edges, the first is the input."""

    def __init__(self, words: list[str], width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(operation(word, width) for word in words)

    def forward(self, x: Tensor) -> Tensor:
        """Value of the last node."""
        nodes = [x]
        for node in range(1, 4):
            terms = [
                edge(nodes[source])
                for (source, target), edge in zip(EDGES, self.edges, strict=True)
                if target == node
            ]
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            nodes.append(total)
        return nodes[-1]


class Reduction(nn.Module):
    """Twice the channels, half the size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """The smaller map."""
        return torch.relu(self.norm(self.conv(x)))


class TenCells(ChoiceSpace):
    """Ten cells in a row, all of the same six operations, at one of the widths."""

    name, summary, source = "ten-cells", "ten cells of six edges", "a benchmark"
    input_shapes = {"full": (3, 32, 32)}  # noqa: RUF012

    def __init__(self, n_widths: int = 1) -> None:
        widths = tuple(str(16 + 2 * i) for i in range(n_widths))
        self.choices = (widths,) + (OPERATIONS,) * len(EDGES)

    def build(self, arch: str, skeleton: str) -> nn.Module:  # noqa: ARG002
        """Stem, cells with two reductions, head."""
        first, *words = arch.split("|")
        width = int(first)
        blocks: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)]
        for i in range(N_CELLS):
            if i in DOWN:
                blocks.append(Reduction(width))
                width *= 2
            blocks.append(Cell(words, width))
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
        return nn.Sequential(*blocks, *head)


def all_of(n_networks: int) -> None:
    """What a process of its own does: everything that the line asks of the networks first."""
    space = TenCells(-(-n_networks // 4096))
    population, sizes, programs = space.population(), space.sizes(), space.programs()
    print(len(population), int(sizes["macs"].sum()), len(set(programs.tolist())))
    print(f"{population.n_kernels.mean():.0f} kernels alive in a network")


def compared(n_traced: int) -> float:
    """Seconds to build, trace and project a network; what is composed is compared."""
    space = TenCells()
    chosen = np.random.default_rng(0).choice(len(space), n_traced, replace=False).tolist()
    x = torch.empty(1, 3, 32, 32)
    trace(space.model(0), x)  # the first trace loads what tracing needs
    start = time.perf_counter()
    graphs = [trace(space.model(i), x) for i in chosen]
    projected = [project(live(graph)) for graph in graphs]
    seconds = (time.perf_counter() - start) / n_traced
    few = TenCells()
    names = few.architectures()
    few.__dict__["architectures"] = lambda: tuple(names[i] for i in chosen)
    population = few.population()
    for i, (graph, shown) in enumerate(zip(graphs, projected, strict=True)):
        assert few.graph(i) == graph
        found = population[i]
        assert found.labels == shown.labels
        assert np.array_equal(found.edges, shown.edges)
        assert np.array_equal(found.macs, shown.macs)
        assert np.array_equal(found.bytes, shown.bytes)
    return seconds


def own_process(n_networks: int) -> tuple[float, int]:
    """Seconds of a process that captures so many, and the most bytes of it and its children."""
    code = f"from tests.benchmarks.bench_own_space import all_of; all_of({n_networks})"
    most = 0
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        done = threading.Event()

        def watch() -> None:
            nonlocal most
            while not done.wait(0.5):
                most = max(most, sum(map(_shared_out_bytes, _family(process.pid))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        process.wait()
        done.set()
        watcher.join()
    assert process.returncode == 0
    return time.perf_counter() - start, most


def _family(pid: int) -> list[int]:
    """A process and those that it has started."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        found += [other for child in children for other in _family(int(child))]
    return found


def _shared_out_bytes(pid: int) -> int:
    """Memory of a process; what several share is counted once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, nargs="+", default=[4096], help="how many")
    parser.add_argument("--traced", type=int, default=20, help="how many to trace plainly")
    given = parser.parse_args(arguments)
    traced = compared(given.traced)
    print(f"{'networks':>9}{'traced':>12}{'composed':>12}{'ratio':>8}{'memory':>12}")
    for n_networks in given.networks:
        seconds, memory = own_process(n_networks)
        plain = traced * n_networks
        print(
            f"{n_networks:9,}{plain:10,.0f} s{seconds:10,.1f} s{plain / seconds:8.0f}"
            f"{memory / 2**20:8,.0f} MiB"
        )


if __name__ == "__main__":
    main()
