"""All cells of NAS-Bench-101: enumerated, hashed, as kernel graphs; against the plain script.

    python tests/benchmarks/bench_nasbench101.py [--vertices N] [--peer N]

Enumerates the cells of at most `--vertices` vertices and prints seconds; the benchmark's own way
(an MD5 hash for each labelled graph, in Python) is timed up to `--peer` vertices, where both are
compared.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeVar

import numpy as np

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench101 import channels, enumeration, hashing, kernels
from cgraph.spaces.nasbench101.cells import Cell, decode, encode
from cgraph.spaces.nasbench101.notation import format_cell, parse

Result = TypeVar("Result")


def timed(function: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that a call takes, and what it gives."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def plain_script(max_vertices: int) -> list[Cell]:
    """The first cell of each module hash, from every labelled graph."""
    found: dict[str, Cell] = {}
    for n in range(2, max_vertices + 1):
        for edges, *operations in product(range(2 ** (n * (n - 1) // 2)), *[range(3)] * (n - 2)):
            try:
                cell = Cell(tuple(operations), edges)
            except ArchitectureError:
                continue
            found.setdefault(hashing.module_hash(cell), cell)
    return list(found.values())


def show(what: str, seconds: float, note: str = "") -> None:
    """Print a line of the report."""
    print(f"{what:<34}{seconds:9.3f} s{note}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vertices", type=int, default=7, help="vertices of the largest cells")
    parser.add_argument("--peer", type=int, default=5, help="the same for the plain script")
    options = parser.parse_args(arguments)

    small = enumeration.enumerate_codes(3)
    loading, _ = timed(lambda: (hashing.module_hashes(small), channels.network_sizes(small)))
    show("kernels loaded or compiled", loading)
    seconds, found = timed(lambda: enumeration.enumerate_codes(options.peer))
    plain, expected = timed(lambda: plain_script(options.peer))
    assert [encode(cell) for cell in expected] == found.tolist()
    show(f"script, up to {options.peer} vertices", plain)
    show("enumerated, the same", seconds, f", {plain / seconds:,.0f} times as fast")

    seconds, codes = timed(lambda: enumeration.enumerate_codes(options.vertices))
    show(f"enumerated, {len(codes):,} cells", seconds)
    seconds, hashes = timed(lambda: hashing.module_hashes(codes))
    show("module hashes", seconds, f", {len(np.unique(hashes, axis=0)):,} distinct")
    seconds, _ = timed(lambda: channels.network_sizes(codes))
    show("parameters and MACs", seconds)
    names = [format_cell(decode(code)) for code in codes]
    seconds, read = timed(lambda: [encode(parse(name)) for name in names])
    assert read == codes.tolist()
    show("every string read back", seconds)
    kernels.cell_population(codes[:10], names[:10])
    seconds, population = timed(lambda: kernels.cell_population(codes, names))
    show("live kernel graphs", seconds)
    seconds, classes = timed(population.classes)
    show("classes by certificate", seconds, f", {classes.max() + 1:,} distinct")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process        {peak:9.2f} GiB")


if __name__ == "__main__":
    main()
