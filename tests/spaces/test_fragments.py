import numpy as np
import pytest

from cgraph.graphs.kernel import KernelGraph
from cgraph.spaces.fragments import NOTHING, THROUGH, Block, Fragment, chain
from tests.naive import chained_fragments

WORDS = ["a", "b", "c", "unused"]


def random_fragment(rng):
    kind = rng.integers(6)
    if kind == 0:
        return Fragment((), (), (), THROUGH)
    if kind == 1 and rng.random() < 0.3:
        return Fragment((), (), (), NOTHING)
    n = int(rng.integers(1, 5))
    labels = tuple(str(w) for w in rng.choice(WORDS[:3], n))
    edges = tuple((u, v) for u in range(n - 1) for v in range(u + 1, n) if rng.random() < 0.5)
    entries = tuple(i for i in range(n) if rng.random() < 0.6)
    return Fragment(labels, edges, entries, n - 1)


def chained_graph(fragments, boundary):
    return KernelGraph(*chained_fragments(fragments, boundary))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("boundary", [False, True], ids=["kernels", "boundary"])
def test_chains_are_put_together_as_if_one_by_one(seed, boundary):
    rng = np.random.default_rng(seed)
    n, n_blocks = 5, int(rng.integers(1, 6))
    columns, blocks = [], []
    for _ in range(n_blocks):
        is_shared = rng.random() < 0.4
        pool = [random_fragment(rng) for _ in range(1 if is_shared else 3)]
        choice = np.zeros(n, np.int64) if is_shared else rng.integers(3, size=n)
        columns.append([pool[i] for i in choice])
        blocks.append(Block.pack(pool, WORDS, None if is_shared else choice))
    population = chain(blocks, WORDS, [f"p{i}" for i in range(n)], boundary=boundary)
    for i, found in enumerate(population):
        assert found == chained_graph([column[i] for column in columns], boundary)
    assert "unused" not in population.vocabulary


@pytest.mark.parametrize("seed", range(10))
def test_a_fragment_comes_back_from_its_graph(seed):
    fragment = random_fragment(np.random.default_rng(seed))
    assert Fragment.of(chained_graph([fragment], boundary=True)) == fragment
