import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.errors import UnknownNameError
from cgraph.spaces.nasbench201 import equivalences, network, notation, programs
from cgraph.spaces.nasbench201.space import NASBench201
from tests.naive import nasbench201_ways

operations = st.tuples(*[st.integers(0, 4)] * 6)


@given(operations)
def test_what_is_alive_lies_on_a_way(cell):
    table = np.array([cell])
    ways = nasbench201_ways(cell)
    alive = {edge for way in ways for edge in way}
    expected = [k if edge in alive else notation.NONE for edge, k in enumerate(cell)]
    assert programs.cut_dead(table)[0].tolist() == expected
    assert programs.ignores_input(table)[0] == (not ways)


def test_341_cells_ignore_their_input():
    ignoring = NASBench201().ignores_input()
    assert ignoring.sum() == 341


def test_the_cells_without_a_published_score_ignore_their_input(shared_data):
    import pandas as pd

    scores = pd.read_parquet(shared_data / "nasbench201_naswot_v1.parquet").sort_values("index")
    column = scores.select_dtypes("float").iloc[:, 0]
    np.testing.assert_array_equal(column.isna(), NASBench201().ignores_input())


@given(operations)
@settings(deadline=None)
def test_the_sums_compute_the_cell(cell):
    (live,) = programs.cut_dead(np.array([cell])).tolist()
    torch.manual_seed(0)
    module = network.Cell(live, 2).double()
    x = torch.randn(4, 2, 3, 3, dtype=torch.float64)
    values = {programs.INPUT: x}
    totals = programs.sums(tuple(live))
    for edge, (source, _) in enumerate(notation.EDGES):
        if live[edge] not in (notation.NONE, notation.SKIP):
            terms = totals[source].items()
            values[edge] = module.edges[edge](sum(n * values[term] for term, n in terms))
    out = sum((n * values[term] for term, n in totals[-1].items()), torch.zeros_like(x))
    torch.testing.assert_close(module(x), out, rtol=1e-10, atol=1e-10)


@given(operations)
@settings(deadline=None)
def test_the_dead_changes_nothing_at_initialisation(cell):
    (live,) = programs.cut_dead(np.array([cell])).tolist()
    torch.manual_seed(0)
    module, cut = network.Cell(cell, 2).double(), network.Cell(live, 2).double()
    kept = {k: v for k, v in module.state_dict().items() if k in cut.state_dict()}
    cut.load_state_dict(kept)
    x = torch.randn(4, 2, 3, 3, dtype=torch.float64)
    assert torch.equal(module(x), cut(x))


def test_representatives_stand_for_themselves():
    representatives = programs.representatives()
    assert (representatives[representatives] == representatives).all()
    assert (representatives[programs.ignores_input(notation.operations_table())] == 1651).all()
    table = notation.operations_table()
    chosen = np.unique(representatives)
    np.testing.assert_array_equal(programs.cut_dead(table[chosen]), table[chosen])


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        pytest.param((3, 0, 0, 0, 2, 0), (0, 3, 0, 0, 0, 2), True, id="another node"),
        pytest.param((3, 0, 2, 0, 0, 1), (0, 3, 0, 0, 0, 2), True, id="skip contracted"),
        pytest.param((3, 0, 4, 1, 0, 0), (0, 0, 0, 1, 0, 0), True, id="dead branch"),
        pytest.param((0, 0, 3, 1, 2, 4), (0, 0, 0, 1, 0, 0), True, id="fed by nothing"),
        pytest.param((1, 1, 1, 3, 0, 1), (1, 0, 1, 3, 0, 1), False, id="added twice, and once"),
        pytest.param((1, 3, 1, 0, 1, 1), (0, 3, 0, 1, 0, 1), False, id="twice the input"),
        pytest.param((3, 0, 0, 0, 4, 0), (4, 0, 0, 0, 3, 0), False, id="order"),
    ],
)
def test_which_cells_are_one_program(a, b, same):
    space = NASBench201()
    first, second = (space.canonical(notation.format_operations(cell)) for cell in (a, b))
    assert (first == second) == same


@pytest.mark.parametrize("seed", range(6))
def test_one_program_is_one_function(seed):
    """Every cell of a class computes what its representative does, given the same weights."""
    rng = np.random.default_rng(seed)
    representatives, table = programs.representatives(), notation.operations_table()
    index = int(rng.integers(len(table)))
    members = np.flatnonzero(representatives == representatives[index])
    values = []
    for member in rng.choice(members, min(4, len(members)), replace=False):
        values.append(statistic_of(table[member].tolist()))
    assert np.ptp(values) <= 1e-9 * max(values)


def statistic_of(cell):
    """What the cell makes of one input, all weights equal by kind: blind to the numbering."""
    module = network.Cell(cell, 2).double()
    for m in module.modules():
        if isinstance(m, torch.nn.Conv2d):
            shape = m.weight.shape
            m.weight.data = torch.linspace(-1, 2, m.weight.numel()).double().reshape(shape)
    x = torch.randn(4, 2, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return module(x).abs().sum().item()


@pytest.mark.parametrize("name", equivalences.EQUIVALENCES)
def test_equivalences_have_their_counts(name):
    record = equivalences.EQUIVALENCES[name]
    classes = NASBench201().equivalence(name)
    assert classes.shape == (15625,)
    assert classes.max() + 1 == record.n_classes
    first = np.unique(classes, return_index=True)[1]
    assert (np.diff(first) > 0).all(), "numbered by first appearance"


def test_the_counts_stand_in_the_documentation():
    text = " ".join(NASBench201.equivalence.__doc__.split())
    for name, record in equivalences.EQUIVALENCES.items():
        assert f'"{name}", {record.n_classes:,}: ' in text
    with pytest.raises(UnknownNameError, match=r"got 'author'; did you mean 'authors'"):
        NASBench201().equivalence("author")


# From fine to coarse: cells that are the same by the first are the same by the second.
@pytest.mark.parametrize(
    ("fine", "coarse"),
    [
        ("string", "skips"),
        ("authors", "zero-terms"),
        ("zero-terms", "flat-sums"),
        ("dead-branches", "operations"),
        ("operations", "programs"),
        ("programs", "flat-sums"),
        ("dead-branches", "kernels-with-boundary"),
        ("programs", "kernels-with-boundary"),
        ("kernels-with-boundary", "kernels"),
    ],
)
def test_equivalences_refine_each_other(fine, coarse):
    a, b = (NASBench201().equivalence(name) for name in (fine, coarse))
    assert len(np.unique(np.stack([a, b]), axis=1).T) == a.max() + 1


@pytest.mark.parametrize(
    ("cell", "zeros", "flatten", "text"),
    [
        ((3, 0, 0, 1, 1, 0), "term", False, "#+(0)@nor_conv_3x3+0"),
        ((3, 0, 0, 1, 1, 0), "dropped", False, "(0)@nor_conv_3x3+0"),
        ((0, 1, 3, 4, 0, 1), "term", False, "#+#+0+(0)@avg_pool_3x3"),
        ((0, 1, 3, 0, 2, 0), "dropped", False, ""),
        ((1, 1, 1, 1, 0, 1), "dropped", False, "0+0+0"),
    ],
)
def test_expressions(cell, zeros, flatten, text):
    found = equivalences.expression(cell, zeros=zeros, flatten=flatten)
    assert sorted(found.split("+")) == sorted(text.split("+"))
