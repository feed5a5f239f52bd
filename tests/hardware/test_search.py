import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.hardware.lifetimes import lifetimes
from cgraph.hardware.pieces import Local, Piece, split
from cgraph.hardware.search import lower_bound, order_piece
from tests.hardware.programs import random_program
from tests.naive import least_peak_of_piece, peak_of_piece


def random_piece(rng, n_tasks, density):
    """Tasks with several results each; some results outlive the piece."""
    predecessors = [0] * n_tasks
    found = []
    for maker in range(-1, n_tasks):
        for _ in range(int(rng.integers(0, 3))):
            users = {t for t in range(maker + 1, n_tasks) if rng.random() < density}
            for t in users:
                predecessors[t] |= 1 << maker if maker >= 0 else 0
            users |= {maker} if maker >= 0 else set()
            ends = bool(users) and rng.random() < 0.9
            found.append(Local(int(rng.integers(1, 10)), maker, sum(1 << t for t in users), ends))
    return Piece(tuple(predecessors), tuple(found))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([0.1, 0.2, 0.4]))
def test_the_order_of_a_piece_equals_a_walk_over_all_sets(seed, n_tasks, density):
    piece = random_piece(np.random.default_rng(seed), n_tasks, density)
    found = order_piece(piece, 0, 100_000)
    assert found.lower_bytes == found.upper_bytes == least_peak_of_piece(piece)
    assert peak_of_piece(piece, found.order) == found.upper_bytes
    assert lower_bound(piece) <= found.upper_bytes


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 10), st.integers(0, 60))
def test_a_floor_spares_work_and_hides_nothing(seed, n_tasks, floor):
    piece = random_piece(np.random.default_rng(seed), n_tasks, 0.2)
    found = order_piece(piece, floor, 100_000)
    best = least_peak_of_piece(piece)
    assert peak_of_piece(piece, found.order) == found.upper_bytes
    assert max(floor, found.lower_bytes) == max(floor, found.upper_bytes) == max(floor, best)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(8, 14), st.integers(0, 30))
def test_a_budget_leaves_a_proven_interval(seed, n_tasks, budget):
    piece = random_piece(np.random.default_rng(seed), n_tasks, 0.15)
    found = order_piece(piece, 0, budget)
    exact = order_piece(piece, 0, 100_000)
    assert exact.lower_bytes == exact.upper_bytes
    assert found.lower_bytes <= exact.upper_bytes <= found.upper_bytes
    assert peak_of_piece(piece, found.order) == found.upper_bytes
    assert found.n_expanded <= 2 * budget


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_pieces_hold_every_kernel_that_counts_once(seed, n_kernels):
    graph = random_program(np.random.default_rng(seed), n_kernels, reach=2)
    lives = lifetimes(graph)
    parts = split(lives)
    inside = [k for part in parts for task in part.tasks for k in task]
    counting = [k for k in range(n_kernels) if any(lives.bytes[s] for s in lives.touched[k])]
    assert sorted(inside) == counting
    assert all(len(part.tasks) == part.piece.n_tasks for part in parts)


def test_equal_blocks_give_equal_pieces():
    # Two residual blocks: split where everything has to pass.
    memories, reads, writes = [("x", "input")], [], []
    current = 0
    for _ in range(2):
        for sources in ((current,), (current, len(memories))):
            kernel = len(writes)
            reads += [(m, kernel) for m in sources]
            writes.append((kernel, len(memories)))
            memories.append((f"m{len(memories)}", "activation"))
        current = len(memories) - 1
    graph = ComputationalGraph(
        [Memory(name, kind, (4,), "int8", 4) for name, kind in memories],
        [Kernel(f"k{k}", "any") for k in range(len(writes))],
        reads,
        writes,
        [current],
    )
    parts = split(lifetimes(graph))
    assert [part.tasks for part in parts] == [((0,),), ((1,),), ((2,),), ((3,),)]
    assert parts[0].piece == parts[2].piece
