"""What hypothesis draws."""

from hypothesis import strategies as st

from cgraph.errors import ArchitectureError
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.spaces.nasbench101 import cells

# NAS-Bench-101


@st.composite
def nasbench101_matrices(draw, max_vertices=7):
    """Any upper triangular matrix with its operations, pruned or not, valid or not."""
    n = draw(st.integers(2, max_vertices))
    matrix = [[0] * n for _ in range(n)]
    for x in range(n):
        for y in range(x + 1, n):
            matrix[x][y] = draw(st.integers(0, 1))
    names = st.sampled_from(cells.OPERATIONS)
    return matrix, draw(st.lists(names, min_size=n - 2, max_size=n - 2))


@st.composite
def nasbench101_cells(draw, max_vertices=7):
    """A cell, from a chain of vertices with further edges."""
    n = draw(st.integers(2, max_vertices))
    numbers = st.integers(0, len(cells.OPERATIONS) - 1)
    operations = tuple(draw(st.lists(numbers, min_size=n - 2, max_size=n - 2)))
    # One source for each vertex first: what then feeds nobody feeds the output.
    edges = {(draw(st.integers(0, y - 1)), y) for y in range(1, n)}
    edges |= {(x, n - 1) for x in range(n - 1) if all(source != x for source, _ in edges)}
    spare = [(x, y) for y in range(n) for x in range(y) if (x, y) not in edges]
    if spare:
        room = cells.MAX_EDGES - len(edges)
        edges |= set(draw(st.lists(st.sampled_from(spare), max_size=max(room, 0), unique=True)))
    try:
        return cells.Cell(operations, sum(1 << cells.edge_bit(x, y) for x, y in edges))
    except ArchitectureError:
        assert len(edges) > cells.MAX_EDGES
        return cells.Cell((), 1)


# Graphs


@st.composite
def kernel_graphs(draw, max_kernels=6, labels="abc"):
    """A labelled acyclic graph, in any numbering: empty, of one kernel, disconnected, dense."""
    n = draw(st.integers(0, max_kernels))
    words = draw(st.lists(st.sampled_from(labels), min_size=n, max_size=n))
    number = draw(st.permutations(range(n)))
    pairs = [(number[u], number[v]) for v in range(n) for u in range(v)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    parallel = edges if draw(st.booleans()) else []  # edges are a set: twice is once
    return KernelGraph(words, edges + parallel)


@st.composite
def renumbered(draw):
    """A graph and the same program with its kernels in another order."""
    graph = draw(kernel_graphs())
    number = draw(st.permutations(range(len(graph))))
    labels = [""] * len(graph)
    for old, new in enumerate(number):
        labels[new] = graph.labels[old]
    return graph, KernelGraph(labels, [(number[u], number[v]) for u, v in graph.edges.tolist()])


@st.composite
def populations(draw, min_size=0, max_size=6, max_kernels=5, labels="abc"):
    """Several graphs, often some of them equal."""
    pool = draw(st.lists(kernel_graphs(max_kernels, labels), min_size=1, max_size=max_size))
    chosen = draw(st.lists(st.sampled_from(pool), min_size=min_size, max_size=max_size))
    return Population(chosen, vocabulary=draw(st.permutations(labels)))


@st.composite
def computational_graphs(draw, max_kernels=5):
    """A program whose kernels read any earlier memories and write one or two new ones."""
    memories = [Memory("x0", "input", (2, 3), "float32", 24)]
    memories += [
        Memory(f"w{i}", draw(st.sampled_from(["parameter", "buffer", "constant"])), (3,), "int8", 3)
        for i in range(draw(st.integers(0, 2)))
    ]
    kernels, reads, writes = [], [], []
    for k in range(draw(st.integers(0, max_kernels))):
        sources = st.lists(st.integers(0, len(memories) - 1), max_size=3, unique=True)
        reads += [(m, k) for m in draw(sources)]
        attributes = (
            Attributes(kernel_size=(3, 3), bias=True) if draw(st.booleans()) else Attributes()
        )
        kernels.append(Kernel(f"k{k}", draw(st.sampled_from("abc")), attributes, "block", k))
        for i in range(draw(st.integers(1, 2))):
            writes.append((k, len(memories)))
            base = draw(st.none() | st.integers(0, len(memories) - 1))
            alias = None if base is None else draw(st.sampled_from(["view", "version"]))
            size = 0 if base is not None else 4
            memories.append(
                Memory(f"y{k}.{i}", "activation", (), "float32", size, "block", base, alias)
            )
    outputs = draw(st.lists(st.integers(0, len(memories) - 1), max_size=3))
    return ComputationalGraph(memories, kernels, reads, writes, outputs, draw(st.text("ab")))


# Capture

INSTRUCTIONS = ("relu", "linear", "scale", "row", "columns", "turn", "flat", "clone")
INSTRUCTIONS_IN_PLACE = ("relu_", "scale_", "copy_")


@st.composite
def tensor_programs(draw, max_length=10):
    """Instructions (name, i, j) over a growing list of tensors that starts with two inputs.

    Instruction n makes tensor n + 2 from tensors i and j; one in place gives tensor i again.
    """
    program = []
    names = st.sampled_from(INSTRUCTIONS + INSTRUCTIONS_IN_PLACE)
    for n in range(draw(st.integers(1, max_length))):
        earlier = st.integers(0, n + 1)
        program.append((draw(names), draw(earlier), draw(earlier)))
    return program


LEAVES = ("scale", "affine", "relu_", "half_", "nothing")


@st.composite
def module_trees(draw, n_leaves=4):
    """Kinds of a pool of leaf modules, and a nest of ("chain" or "branch", parts) over the pool.

    A part is a nest, or the number of a leaf: a leaf that stands twice is a shared module.
    """
    leaves = draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=n_leaves))
    leaf = st.integers(0, len(leaves) - 1)
    nest = st.recursive(
        leaf,
        lambda part: st.tuples(
            st.sampled_from(("chain", "branch")), st.lists(part, min_size=1, max_size=3)
        ),
        max_leaves=6,
    )
    parts = draw(st.lists(nest, min_size=1, max_size=3))
    return leaves, ("chain", parts)
