import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cgraph.distances._loops import distinct_rows
from cgraph.distances.matrix import distance_table, pairwise_distances
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

COUNTS = np.random.default_rng(0).integers(0, 3, (200, 4))


@given(
    arrays(
        st.sampled_from([np.float64, np.float32]),
        st.tuples(st.integers(0, 20), st.integers(1, 3)),
        elements=st.sampled_from([0.0, 1.0, 0.5]),
    )
)
def test_distinct_rows(rows):
    first, index = distinct_rows(rows)
    assert np.array_equal(rows[first][index], rows)
    assert len(np.unique(rows, axis=0)) == len(first)
    assert (np.diff(first) > 0).all()
    assert np.array_equal(index[first], np.arange(len(first)))


def test_a_population_is_its_counts():
    population = Population(
        [KernelGraph(list("aab"), []), KernelGraph(["b"], []), KernelGraph([], [])]
    )
    wanted = pairwise_distances(population.usage(), "jensen-shannon")
    assert np.array_equal(pairwise_distances(population, "jensen-shannon"), wanted)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("counts", [COUNTS, np.unique(COUNTS, axis=0)], ids=["copies", "distinct"])
def test_out_is_filled_and_returned(counts, dtype):
    out = np.full((len(counts), len(counts)), -1, dtype)
    found = pairwise_distances(counts, "kl", out=out)
    assert found is out
    assert np.array_equal(out, pairwise_distances(counts, "kl", dtype=dtype))


def test_out_may_lie_on_disk(tmp_path):
    out = np.lib.format.open_memmap(tmp_path / "d.npy", "w+", np.float32, (200, 200))
    pairwise_distances(COUNTS, out=out)
    out.flush()
    found = np.load(tmp_path / "d.npy")
    assert np.array_equal(found, pairwise_distances(COUNTS, dtype=np.float32))


def test_a_table_holds_distinct_programs_once():
    table = distance_table(COUNTS, other=COUNTS[:7])
    n_distinct = len(np.unique(COUNTS / np.maximum(COUNTS.sum(1, keepdims=True), 1), axis=0))
    assert table.values.shape[0] == n_distinct
    assert len(table.rows) == 200
    assert len(table.columns) == 7
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 1


def test_no_programs():
    assert pairwise_distances(np.empty((0, 3))).shape == (0, 0)
    assert pairwise_distances(np.empty((0, 3)), other=[[1, 2, 3]]).shape == (0, 1)
    assert pairwise_distances(Population([])).shape == (0, 0)
    assert pairwise_distances(np.empty((2, 0)), "kl").tolist() == [[0, 0], [0, 0]]


POPULATION = Population([KernelGraph(list("ab"), [])])


@pytest.mark.parametrize(
    ("arguments", "options", "quoted"),
    [
        (([[1, -2]],), {}, r"population must hold finite numbers, 0 or more, got -2 at \(0, 1\)"),
        (([[1, np.nan]],), {}, r"got nan at \(0, 1\)"),
        (([[1, 2]], "kl", [[np.inf, 0]]), {}, r"other must hold finite numbers.*got inf"),
        (([1, 2],), {}, r"shape \(n_graphs, K\), got shape \(2,\)"),
        (("cells",), {}, "a Population or counts of shape .*, got 'cells'"),
        (([KernelGraph(list("ab"), [])],), {}, r"got shape \(1,\); Population\(graphs\) is one"),
        (
            ([KernelGraph(["a"], [])], "edit"),
            {},
            r"got list; Population\(graphs\) is one",
        ),
        (([[1, 2]], "kl", [[1]]), {}, "have 2 columns as population has, got 1"),
        ((POPULATION, "kl", [[1, 2]]), {}, "be a Population as population is, got ndarray"),
        (([[1, 2]], "kl"), {"dtype": np.int64}, "dtype must be float64 or float32, got int64"),
        (([[1, 2]], "kl"), {"n_jobs": 0}, "n_jobs must be a number of workers"),
        (([[1, 2]], "kl"), {"costs": 1}, "costs must go with a metric of graphs, got metric 'kl'"),
        (([[1, 2]],), {"out": np.empty((2, 1))}, r"shape \(1, 1\).*got shape \(2, 1\)"),
        (
            ([[1, 2]],),
            {"out": np.empty((1, 1)), "dtype": np.float32},
            "dtype float32, got shape .* dtype float64",
        ),
        (
            ([[1, 2], [3, 4]],),
            {"out": np.empty((2, 4))[:, ::2]},
            "out must be C-contiguous and writeable",
        ),
    ],
)
def test_errors(arguments, options, quoted):
    with pytest.raises(ArgumentError, match=quoted):
        pairwise_distances(*arguments, **options)


def test_an_unknown_metric():
    with pytest.raises(UnknownNameError, match="'helinger'; did you mean 'hellinger'"):
        pairwise_distances(POPULATION, "helinger")
