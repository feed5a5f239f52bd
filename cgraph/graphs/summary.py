"""What a computational graph holds, as a table to read."""

from __future__ import annotations

from collections import Counter

from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.labels import OTHER, family_of, label_with_attributes


def summarise(graph: ComputationalGraph, n_memories: int = 5) -> str:
    """Lines of text: kernels by label, sizes, and the `n_memories` largest activations."""
    counts: Counter[str] = Counter()
    n_other = sum(family_of(kernel.operation) == OTHER for kernel in graph.kernels)
    macs: Counter[str] = Counter()
    for kernel in graph.kernels:
        label = label_with_attributes(kernel)
        counts[label] += 1
        macs[label] += kernel.macs
    width = max([len(label) for label in counts] + [len("kernel")])
    lines = [repr(graph), "", f"{'kernel':<{width}}  {'count':>8}  {'MACs':>18}"]
    for label in sorted(counts, key=lambda label: (-macs[label], -counts[label], label)):
        lines.append(f"{label:<{width}}  {counts[label]:>8,}  {macs[label]:>18,}")
    if n_other:
        lines.append(f"{n_other:,} of the kernels are of no known family (other)")
    lines += ["", f"parameters  {graph.n_parameters:,} ({graph.parameter_bytes:,} bytes)"]
    made = [m for m in graph.memories if m.kind in ("activation", "output") and m.base is None]
    lines.append(f"activations {len(made):,} ({sum(m.bytes for m in made):,} bytes in all)")
    largest = sorted(made, key=lambda m: -m.bytes)[:n_memories]
    if largest:
        lines += ["", "largest activations"]
        width = max(len(m.name) for m in largest)
        for memory in largest:
            shape = "x".join(map(str, memory.shape)) or "scalar"
            lines.append(
                f"  {memory.name:<{width}}  {shape} {memory.dtype}, {memory.bytes:,} bytes"
            )
    return "\n".join(lines)
