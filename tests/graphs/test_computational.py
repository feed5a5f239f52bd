import pickle

import pytest
from hypothesis import given

from cgraph.errors import GraphError
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory
from tests.strategies import computational_graphs

X = Memory("x", "input", (2,), "float32", 8)
W = Memory("w", "parameter", (2, 3), "float16", 12)
Y = Memory("y", "output", (2,), "float32", 8)
RELU, ADD = Kernel("relu", "relu", macs=2), Kernel("add", "add", macs=3)


@given(computational_graphs())
def test_writers_are_the_writes(program):
    writer = program.writers()
    written = {m: k for k, m in program.writes.tolist()}
    assert writer.tolist() == [written.get(m, -1) for m in range(len(program.memories))]


@given(computational_graphs())
def test_pickle_keeps_everything(program):
    again = pickle.loads(pickle.dumps(program))
    assert again == program
    assert hash(again) == hash(program)


def test_totals():
    shared = Memory("v", "parameter", (2, 3), "float16", 0, base=1, alias="view")
    program = ComputationalGraph([X, W, shared, Y], [RELU, ADD], [(0, 0), (2, 1)], [(0, 3)], [3])
    assert program.inputs == (0,)
    assert program.parameter_bytes == 12
    assert program.n_parameters == 6
    assert program.macs == 5


def test_an_empty_program():
    program = ComputationalGraph([], [], [], [])
    assert program.macs == program.n_parameters == 0
    assert program.reads.shape == program.writes.shape == (0, 2)


def test_names_and_order_matter():
    program = ComputationalGraph([X, W, Y], [ADD], [(0, 0), (1, 0)], [(0, 2)], [2])
    swapped = ComputationalGraph([X, W, Y], [ADD], [(1, 0), (0, 0)], [(0, 2)], [2])
    named = ComputationalGraph([X, W, Y], [ADD], [(0, 0), (1, 0)], [(0, 2)], [2], name="a")
    assert program not in (swapped, named)


@pytest.mark.parametrize(
    ("fields", "quoted"),
    [
        ({"reads": [(3, 0)]}, r"reads must hold indices below \(3, 2\), got \(3, 0\)"),
        ({"writes": [(0, -1)]}, r"writes must hold indices below \(2, 3\), got \(0, -1\)"),
        ({"reads": [(0, 0), (0, 0)]}, "name each pair once, got 2 rows"),
        ({"writes": [(0, 2), (1, 2)]}, "one writer for each memory, got two for 'y'"),
        ({"writes": [(1, 2)], "reads": [(2, 0)]}, "'relu' reading 'y' before it is written"),
        ({"writes": [(0, 2)], "reads": [(2, 0)]}, "'relu' reading 'y' before it is written"),
        ({"outputs": [3]}, "be memories, 0 <= m < 3, got 3"),
        ({"kernels": [RELU, RELU]}, "be unique in a graph, got 'relu' twice"),
        ({"memories": [X, W, Memory("z", "weight", (), "int8", 1)]}, "be one of input.*weight"),
        (
            {"memories": [X, W, Memory("z", "activation", (), "int8", 1, base=2, alias="view")]},
            r"an earlier memory than 'z' \(number 2\), got 2",
        ),
    ],
    ids=["read", "write", "twice", "writers", "late", "itself", "output", "name", "kind", "base"],
)
def test_errors(fields, quoted):
    valid = {"memories": [X, W, Y], "kernels": [RELU, ADD], "reads": [], "writes": []}
    with pytest.raises(GraphError, match=quoted):
        ComputationalGraph(**(valid | fields))


def test_attributes_are_a_value():
    a = Attributes(kernel_size=(3, 3), groups=1)
    b = Attributes({"groups": 1, "kernel_size": (3, 3)})
    assert a == b == {"groups": 1, "kernel_size": (3, 3)}
    assert hash(a) == hash(b)
    assert pickle.loads(pickle.dumps(a)) == a
    assert repr(b) == "Attributes(groups=1, kernel_size=(3, 3))"
    with pytest.raises(KeyError, match="stride"):
        a["stride"]
    with pytest.raises(TypeError):
        a["stride"] = 1
