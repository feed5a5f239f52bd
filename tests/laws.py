"""Laws that every record of a table keeps; a new record is tested with no new test."""

import numpy as np

from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

# Distances


def renumbered_population(population, seed=0):
    """The same programs with the kernels of each in another order."""
    rng = np.random.default_rng(seed)
    graphs = []
    for graph in population:
        number = rng.permutation(len(graph))
        labels = [""] * len(graph)
        for old, new in enumerate(number):
            labels[new] = graph.labels[old]
        graphs.append(KernelGraph(labels, number[graph.edges].reshape(-1, 2)))
    return Population(graphs, population.names, population.vocabulary)


def sized_population(population, macs, bytes):  # noqa: A002
    """The same programs with sizes of their kernels."""
    return Population.from_arrays(
        vocabulary=population.vocabulary,
        node_offsets=population.node_offsets,
        label_ids=population.label_ids,
        edge_offsets=population.edge_offsets,
        edges=population.edges,
        names=population.names,
        macs=macs,
        bytes=bytes,
    )


def check_zero_to_itself(distances):
    assert np.array_equal(np.diagonal(distances), np.zeros(len(distances)))


def check_symmetry(distances):
    assert np.array_equal(distances, distances.T)


def check_triangle_inequality(distances, tolerance=1e-9):
    detours = distances[:, :, None] + distances[None, :, :]  # (i, via, j)
    assert (distances[:, None, :] <= detours + tolerance).all()


def check_finite(distances):
    assert np.isfinite(distances).all()
    assert (distances >= 0).all()


# Capture


def reached_from(graph, memory):
    """The memories that depend on one, itself included."""
    found = {memory}
    readers, results = {}, {}
    for m, k in graph.reads.tolist():
        readers.setdefault(m, []).append(k)
    for k, m in graph.writes.tolist():
        results.setdefault(k, []).append(m)
    pending = [memory]
    while pending:
        for k in readers.get(pending.pop(), []):
            new = [m for m in results.get(k, []) if m not in found]
            found.update(new)
            pending += new
    return found


def check_reachability(graph, model, inputs, kwargs):
    """What autograd connects is connected in the graph; what the graph does not is not."""
    import torch

    from cgraph.tracing.record import tensors_in

    outputs = [t for t in tensors_in(model(*inputs, **kwargs)) if t.requires_grad]
    names = {name: p for name, p in model.named_parameters() if p.requires_grad}
    index = {memory.name: i for i, memory in enumerate(graph.memories)}
    total = sum(t.abs().sum() for t in outputs)
    gradients = torch.autograd.grad(total, list(names.values()), allow_unused=True)
    returned = set(graph.outputs)
    for name, gradient in zip(names, gradients, strict=True):
        is_connected = bool(returned & reached_from(graph, index[name]))
        assert is_connected == (gradient is not None), name
