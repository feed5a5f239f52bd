import math

import numpy as np
import pytest

from cgraph.distances.edit import open_pairs, tables
from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_distance, edit_intervals
from cgraph.distances.edit.matrix import edit_plan, fill_distances
from cgraph.distances.edit.packing import needs_deletions, to_grid
from cgraph.distances.edit.skeletons import NO_SKELETON, find_skeletons, sort_by_skeleton
from cgraph.distances.matrix import distance_table
from cgraph.distances.plans import Certainty, DistanceOptions
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells, random_graph
from tests.distances.edit.models import COSTS
from tests.laws import renumbered_population

CELLS = Population(random_cells(220, seed=11))
WORDS = CELLS.vocabulary


def searched(population, rows, columns, costs):
    pairs = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    found = edit_intervals(population, pairs, costs, n_jobs=1)
    assert found.exact.all()
    return found.upper.reshape(len(rows), len(columns))


def always_tables(monkeypatch):
    monkeypatch.setattr("cgraph.distances.edit.matrix._SEARCH_NS", 1e12)
    monkeypatch.setattr("cgraph.distances.edit.matrix._PAIRS_A_TASK", 500)  # several tasks


@pytest.mark.parametrize("name", ["uniform", "heuristic", "tenths"])
def test_tables_equal_searches_on_cells(name, monkeypatch):
    costs = {
        "uniform": EditCosts.uniform(),
        "heuristic": EditCosts.heuristic(),
        "tenths": EditCosts.uniform(0.3, 0.7),
    }[name]
    rows, columns = np.arange(60), np.arange(40, 100)
    wanted = searched(CELLS, rows, rows, costs.over(WORDS))
    wanted_other = searched(CELLS, rows, columns, costs.over(WORDS))
    always_tables(monkeypatch)
    for n_jobs in (1, 2):
        out = np.full((60, 60), np.nan)
        fill_distances(CELLS, rows, None, costs, out, n_jobs=n_jobs)
        assert np.array_equal(out, wanted)
        fill_distances(CELLS, rows, columns, costs, out, n_jobs=n_jobs)
        assert np.array_equal(out, wanted_other)


@pytest.mark.parametrize("name", COSTS)
def test_tables_equal_searches_for_any_costs(name, monkeypatch):
    rng = np.random.default_rng(0)
    shapes = [random_graph(rng, n) for n in (0, 1, 2, 3, 3, 4, 4, 5)]
    graphs = [
        KernelGraph(rng.choice(list("abc"), len(shape)).tolist(), shape.edges)
        for shape in shapes
        for _ in range(5)
    ]
    population = Population(graphs)
    everything = np.arange(len(graphs))
    wanted = searched(population, everything, everything, COSTS[name])
    always_tables(monkeypatch)
    out = np.full(wanted.shape, np.nan)
    fill_distances(population, everything, None, COSTS[name], out)
    assert np.allclose(out, wanted, rtol=0, atol=1e-9)


def test_maps_that_are_beaten_are_dropped_at_no_loss(monkeypatch):
    few = np.arange(30)
    kept = np.empty((30, 30))
    dropped = np.empty((30, 30))
    always_tables(monkeypatch)
    costs = EditCosts.uniform()
    fill_distances(CELLS, few, None, costs, kept)
    rows = np.repeat(few, 40)  # enough members for maps to be dropped
    large = np.empty((1200, 1200))
    fill_distances(CELLS, rows, None, costs, large)
    dropped[:] = large[::40, ::40]
    assert np.array_equal(kept, dropped)


def test_cells_have_few_skeletons():
    apart = needs_deletions(to_grid(EditCosts.heuristic(WORDS)))[1]
    assert [word for word, alone in zip(WORDS, apart, strict=True) if alone] == ["input", "output"]
    skeletons = find_skeletons(CELLS, apart)
    assert len(skeletons.n_kernels) <= 14
    members = sort_by_skeleton(skeletons, np.arange(len(CELLS)))
    assert sorted(members.graphs.tolist()) == list(range(len(CELLS)))
    assert (skeletons.of_graph != NO_SKELETON).all()


def test_costs_that_are_too_fine_are_searched():
    fine = EditCosts.uniform(math.pi, 1.0, WORDS)
    assert not tables.fits_tables(to_grid(fine))
    few = np.arange(10)
    out = np.empty((10, 10))
    fill_distances(CELLS, few, None, fine, out)
    assert np.array_equal(out, searched(CELLS, few, few, fine))


def test_graphs_too_large_for_tables_are_searched():
    rng = np.random.default_rng(4)
    graphs = [random_graph(rng, n) for n in (3, 9, 10, 3)]
    population = Population(graphs)
    out = np.full((4, 4), np.nan)
    fill_distances(population, np.arange(4), None, EditCosts.uniform(), out)
    costs = EditCosts.uniform(vocabulary=list("abc"))
    assert np.array_equal(out, searched(population, np.arange(4), np.arange(4), costs))


def test_a_pair_that_is_not_proved_is_the_middle_of_its_interval():
    rng = np.random.default_rng(5)
    population = Population([random_graph(rng, n, density=0.5) for n in (12, 12, 70)])
    out = np.empty((3, 3))
    found = fill_distances(population, np.arange(3), None, EditCosts.uniform(), out, budget=5)
    assert np.array_equal(out, out.T)
    assert not out.diagonal().any()
    assert found.n_pairs == found.n_open == 3
    assert 0 < found.mean_width <= found.widest
    for i, j in ((0, 1), (0, 2), (1, 2)):
        exact = edit_distance(population[i], population[j], EditCosts.uniform())
        assert abs(out[i, j] - exact.lower) <= found.widest / 2
        assert abs(out[i, j] - exact.upper) <= found.widest
    # Whoever asks gets the same, in any numbering.
    again = np.empty((2, 3))
    turned = renumbered_population(population)
    fill_distances(
        turned, np.array([2, 0]), np.arange(3), EditCosts.uniform(), again, budget=5, n_jobs=2
    )
    assert np.array_equal(again, out[[2, 0]])


def test_the_work_of_a_plan_is_limited(monkeypatch):
    rng = np.random.default_rng(6)
    population = Population([random_graph(rng, 10) for _ in range(12)])
    whole = distance_table(population, "edit")
    assert whole.certainty == Certainty(66)
    monkeypatch.setattr(open_pairs, "TOTAL_EXPANSIONS", 40_000)
    quick = distance_table(population, "edit", progress=lambda *_: None)
    certainty = quick.certainty
    assert 0 < certainty.n_open < certainty.n_pairs == 66
    assert (np.abs(quick.values - whole.values) <= certainty.widest / 2).all()
    other = distance_table(population, "edit")
    assert np.array_equal(other.values, quick.values)
    assert other.certainty.n_open == certainty.n_open


def test_the_plan_looks_at_each_program_once():
    graphs = [CELLS[0], CELLS[1], CELLS[0]]
    plan = edit_plan(Population(graphs), None, DistanceOptions(np.dtype(np.float64)))
    assert plan.rows.tolist() == [0, 1, 0]
    assert plan.shape == (2, 2)
    other = Population([CELLS[3]])
    plan = edit_plan(Population(graphs), other, DistanceOptions(np.dtype(np.float64)))
    assert plan.shape == (2, 1)
    assert plan.columns.tolist() == [0]
