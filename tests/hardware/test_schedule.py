import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.errors import ArgumentError, GraphError
from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.hardware.schedule import best_schedule, memory_over_time
from cgraph.hardware.spans import held_at, spans
from tests.hardware.programs import random_program
from tests.naive import every_schedule, lives_of_tensors

COUNTED = pytest.mark.parametrize("count_io", [True, False], ids=["with_io", "without_io"])


def program(seed, n_kernels=None):
    rng = np.random.default_rng(seed)
    n_kernels = int(rng.integers(1, 10)) if n_kernels is None else n_kernels
    return random_program(rng, n_kernels, reach=int(rng.integers(2, 5)))


def chain(*sizes):
    """x -> ... -> y, a kernel between each two."""
    kinds = ["input", *["activation"] * (len(sizes) - 2), "output"]
    n = len(sizes) - 1
    return ComputationalGraph(
        [
            Memory(f"m{i}", kind, (size,), "int8", size)
            for i, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
        ],
        [Kernel(f"k{i}", "any") for i in range(n)],
        [(i, i) for i in range(n)],
        [(i, i + 1) for i in range(n)],
        [n],
    )


@pytest.mark.parametrize("block", range(10))
def test_best_order_equals_brute_force_over_every_order(block):
    # 1,000 programs of 1 to 9 kernels in all, with and without input and output in turn.
    for seed in range(100 * block, 100 * block + 100):
        graph, count_io = program(seed), bool(seed % 2)
        peaks = dict(every_schedule(graph, count_io))
        best = best_schedule(graph, count_io=count_io)
        assert best.exact
        assert best.upper_bytes == min(peaks.values())
        assert peaks[tuple(best.schedule.order.tolist())] == best.upper_bytes
        traced = memory_over_time(graph, count_io=count_io)
        assert traced.peak_bytes == peaks[tuple(range(len(graph.kernels)))]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_memory_over_time_equals_a_heap_of_counted_references(seed, n_kernels):
    graph = program(seed, n_kernels)
    schedule = best_schedule(graph, budget=20).schedule
    replayed = list(lives_of_tensors(graph, schedule.order.tolist()))
    assert [k for k, _ in replayed] == schedule.order.tolist()
    assert [held for _, held in replayed] == schedule.during_bytes.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(10, 40), st.booleans())
def test_a_small_budget_gives_an_interval_around_the_exact_peak(seed, n_kernels, count_io):
    graph = program(seed, n_kernels)
    exact = best_schedule(graph, count_io=count_io)
    assert exact.exact
    lower = 0
    for budget in (0, 1, 10):
        best = best_schedule(graph, count_io=count_io, budget=budget)
        assert lower <= best.lower_bytes <= exact.upper_bytes <= best.upper_bytes
        assert best.upper_bytes <= memory_over_time(graph, count_io=count_io).peak_bytes
        assert best.n_expanded <= 2 * budget * len(graph.kernels)
        # The order is possible: the check of a given order passes and finds the same memory.
        again = memory_over_time(graph, best.schedule.order, count_io=count_io)
        assert again == best.schedule
        lower = best.lower_bytes


def test_an_interval_is_not_called_exact():
    graph = next(
        graph
        for graph in (program(seed, 40) for seed in range(100))
        if best_schedule(graph).n_expanded > 100
    )
    best = best_schedule(graph, budget=0)
    assert not best.exact
    assert best.lower_bytes < best.upper_bytes


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.booleans())
def test_without_input_and_output_never_needs_more(seed, count_io):
    graph = program(seed)
    assert (
        best_schedule(graph, count_io=False).upper_bytes
        <= best_schedule(graph, count_io=True).upper_bytes
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.booleans())
def test_spans_add_up_to_the_memory_over_time(seed, count_io):
    graph = program(seed)
    for schedule in (
        memory_over_time(graph, count_io=count_io),
        best_schedule(graph, count_io=count_io).schedule,
    ):
        found = spans(graph, schedule)
        for step, during in enumerate(schedule.during_bytes.tolist()):
            assert sum(span.bytes for span in held_at(found, step)) == during


def test_chain_by_hand():
    graph = chain(8, 6, 4)
    schedule = memory_over_time(graph)
    assert schedule.start_bytes == 8
    assert schedule.during_bytes.tolist() == [14, 10]
    assert schedule.after_bytes.tolist() == [6, 4]
    assert (schedule.peak_bytes, schedule.peak_step) == (14, 0)
    alone = memory_over_time(graph, count_io=False)
    assert alone.during_bytes.tolist() == [6, 6]
    assert alone.after_bytes.tolist() == [6, 0]
    assert best_schedule(graph).schedule == schedule
    assert repr(alone) == "Schedule(2 kernels, peak 6 bytes without input and output)"


def test_views_cost_nothing_and_keep_their_base():
    graph = ComputationalGraph(
        [
            Memory("x", "input", (8,), "int8", 8),
            Memory("h", "activation", (6,), "int8", 6),
            Memory("v", "activation", (2, 3), "int8", 0, base=1, alias="view"),
            Memory("y", "output", (3,), "int8", 3),
        ],
        [Kernel("a", "relu"), Kernel("b", "view"), Kernel("c", "sum")],
        [(0, 0), (1, 1), (2, 2)],
        [(0, 1), (1, 2), (2, 3)],
        [3],
    )
    assert memory_over_time(graph).during_bytes.tolist() == [14, 6, 9]


def test_a_write_in_place_costs_nothing_and_waits_for_all_who_read_before():
    # h is read by b and then overwritten by c: b may not move behind c.
    graph = ComputationalGraph(
        [
            Memory("x", "input", (8,), "int8", 8),
            Memory("h", "activation", (6,), "int8", 6),
            Memory("s", "activation", (5,), "int8", 5),
            Memory("h2", "activation", (6,), "int8", 0, base=1, alias="version"),
            Memory("y", "output", (1,), "int8", 1),
        ],
        [Kernel("a", "conv2d"), Kernel("b", "relu"), Kernel("c", "relu"), Kernel("d", "cat")],
        [(0, 0), (1, 1), (1, 2), (2, 3), (3, 3)],
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        [4],
    )
    assert memory_over_time(graph).during_bytes.tolist() == [14, 11, 11, 12]
    with pytest.raises(GraphError, match="order must run 'b' before 'c'"):
        memory_over_time(graph, [0, 2, 1, 3])


def test_an_input_that_is_returned_is_held_to_the_end():
    graph = ComputationalGraph([Memory("x", "input", (8,), "int8", 8)], [], [], [], [0])
    assert best_schedule(graph).upper_bytes == 8
    assert best_schedule(graph, count_io=False).upper_bytes == 0
    assert memory_over_time(graph).peak_step is None


def test_a_result_that_nobody_reads_is_held_while_it_is_made():
    graph = ComputationalGraph(
        [
            Memory("x", "input", (8,), "int8", 8),
            Memory("y", "output", (1,), "int8", 1),
            Memory("mask", "activation", (8,), "int8", 8),
        ],
        [Kernel("a", "dropout")],
        [(0, 0)],
        [(0, 1), (0, 2)],
        [1],
    )
    schedule = memory_over_time(graph)
    assert schedule.during_bytes.tolist() == [17]
    assert schedule.after_bytes.tolist() == [1]


def test_constants_made_early_move_to_where_they_are_used():
    # Two tables are made first and used one after the other.
    graph = ComputationalGraph(
        [
            Memory("x", "input", (2,), "int8", 2),
            Memory("t1", "activation", (9,), "int8", 9),
            Memory("t2", "activation", (9,), "int8", 9),
            Memory("h", "activation", (2,), "int8", 2),
            Memory("y", "output", (2,), "int8", 2),
        ],
        [Kernel("a", "arange"), Kernel("b", "arange"), Kernel("c", "mul"), Kernel("d", "mul")],
        [(0, 2), (1, 2), (3, 3), (2, 3)],
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        [4],
    )
    assert memory_over_time(graph).peak_bytes == 22
    best = best_schedule(graph)
    assert (best.upper_bytes, best.exact, best.n_expanded) == (13, True, 0)
    assert best.schedule.order.tolist() == [0, 2, 1, 3]


def test_other_types_scale_floats_and_leave_integers():
    graph = ComputationalGraph(
        [
            Memory("x", "input", (8,), "float32", 32),
            Memory("i", "input", (8,), "int64", 64),
            Memory("y", "output", (8,), "bfloat16", 16),
        ],
        [Kernel("a", "take")],
        [(0, 0), (1, 0)],
        [(0, 2)],
        [2],
    )
    assert memory_over_time(graph).peak_bytes == 112
    assert memory_over_time(graph, dtype="int8").peak_bytes == 80
    assert best_schedule(graph, dtype="fp16").upper_bytes == 96


@COUNTED
def test_a_program_without_kernels_has_an_empty_schedule(count_io):
    best = best_schedule(ComputationalGraph([], [], [], []), count_io=count_io)
    assert (best.upper_bytes, best.lower_bytes, best.exact) == (0, 0, True)
    assert best.schedule.order.tolist() == []


def test_errors_quote_what_came():
    graph = chain(1, 2, 3)
    with pytest.raises(GraphError, match=r"each of the 2 kernels once, got \[0, 0\]"):
        memory_over_time(graph, [0, 0])
    with pytest.raises(GraphError, match=r"run 'k0' before 'k1', got \[1, 0\]"):
        memory_over_time(graph, [1, 0])
    with pytest.raises(ArgumentError, match="budget must be a whole number, 0 or more, got -1"):
        best_schedule(graph, budget=-1)
    with pytest.raises(ArgumentError, match=r"dtype must be one of int1, .*, got 'int3'"):
        best_schedule(graph, dtype="int3")
