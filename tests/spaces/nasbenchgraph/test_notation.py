from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbenchgraph import notation, table
from cgraph.spaces.nasbenchgraph.notation import LINKS, OPERATIONS, SKIP
from cgraph.spaces.nasbenchgraph.space import NASBenchGraph

ANY_LINKS = st.tuples(*(st.integers(0, i) for i in range(4)))
ANY_OPERATIONS = st.tuples(*(st.integers(0, 8) for _ in range(4)))


def tree(links, operations, node=0):
    """The tree below a node, in a form that no numbering changes."""
    below = sorted(tree(links, operations, i + 1) for i in range(4) if links[i] == node)
    return (operations[node - 1] if node else -1, below)


def test_every_tree_with_settled_skips_is_there_once():
    trees = [repr(tree(LINKS[row[0]], row[1:])) for row in notation.rows().tolist()]
    assert len(trees) == len(set(trees)) == 26_206
    assert table.rows("cora").tolist() == notation.rows().tolist()
    settled = set()
    for links in LINKS:
        for operations in product((0, 1, SKIP), repeat=4):
            if set(operations) != {SKIP}:
                settled.add(repr(tree(*notation.settled(links, operations))))
    few = [row for row in notation.rows().tolist() if set(row[1:]) <= {0, 1, SKIP}]
    assert settled == {repr(tree(LINKS[row[0]], row[1:])) for row in few}


def test_keys_rise_and_are_those_of_the_benchmark():
    keys = [notation.key_of(*table.nodes_of(row)) for row in notation.rows().tolist()]
    assert keys == sorted(keys)
    architecture = pytest.importorskip("nas_bench_graph.architecture")
    rng = np.random.default_rng(0)
    for i in rng.choice(len(keys), 200, replace=False):
        links, operations = table.nodes_of(notation.rows()[i].tolist())
        words = [OPERATIONS[k] for k in operations]
        assert architecture.Arch(list(links), words).valid_hash() == keys[i]


@given(ANY_LINKS, ANY_OPERATIONS)
@settings(max_examples=100, deadline=None)
def test_settling_gives_the_key_that_the_benchmark_looks_up(links, operations):
    architecture = pytest.importorskip("nas_bench_graph.architecture")
    if set(operations) == {SKIP}:
        return
    words = [OPERATIONS[k] for k in operations]
    expected = architecture.Arch(list(links), words).valid_hash()
    assert notation.key_of(*notation.settled(links, operations)) == expected


@given(ANY_LINKS, ANY_OPERATIONS)
def test_a_numbering_is_of_the_same_tree_and_comes_first(links, operations):
    first = notation.first_numbering(links, operations)
    assert tree(*first) == tree(links, operations)
    assert first[0] in LINKS
    assert notation.first_numbering(*first) == first
    assert notation.parse(notation.format_nodes(links, operations)) == first


@pytest.mark.parametrize("dataset", ["cora", "proteins"])
def test_every_string_is_read_back_as_its_architecture(dataset):
    space = NASBenchGraph(dataset)
    names = space.architectures()
    assert [space.parse(name) for name in names] == list(range(len(space)))
    assert len(set(names)) == len(names) == {"cora": 26_206, "proteins": 2_021}[dataset]


def test_a_string_may_number_the_operations_in_another_way():
    space = NASBenchGraph()
    assert space.canonical("fc~0|gcn~0|gat~2|skip~2") == "gcn~0|fc~0|gat~1|skip~1"
    assert space.key("fc~0|gcn~0|gat~2|skip~2") == 21_708


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("gcn~0|gcn~1|gcn~2", "have 4 operations, got 3 in 'gcn~0|gcn~1|gcn~2'"),
        ("gcn~0|gcm~1|gcn~2|fc~3", "at character 6 (operation 2), got 'gcm'; did you mean 'gcn'?"),
        ("gcn~0|gcn~1|gcn~2|fc", "have '~' at character 20 (operation 4), got the end"),
        ("gcn~0|gcn~2|gcn~2|fc~3", "a number below 2 at character 10 (source of operation 2), "
         "got '2'"),
        ("gcn~0|gcn~01|gcn~2|fc~3", "below 2 at character 10 (source of operation 2), got '01'"),
        ("gcn~0|gcn~\N{ARABIC-INDIC DIGIT ONE}|gcn~2|fc~3", "below 2 at character 10"),
        ("gcn~-1|gcn~1|gcn~2|fc~3", "below 1 at character 4 (source of operation 1), got '-1'"),
        ("", "have 4 operations, got 1 in ''"),
        ("gcn~0|skip~1|gat~2|gat~3", "the benchmark has 'skip~0|gcn~1|gat~2|gat~3' in its place"),
        ("skip~0|skip~0|skip~0|skip~0", "hold more than skips"),
    ],
)  # fmt: skip
def test_a_malformed_string_is_named_with_its_place(text, quoted):
    with pytest.raises(ArchitectureError) as caught:
        NASBenchGraph().parse(text)
    assert quoted in str(caught.value)


def test_what_a_data_set_lacks_is_named():
    with pytest.raises(ArchitectureError, match="made of gcn, sage, arma, fc, skip on proteins"):
        NASBenchGraph("proteins").parse("gat~0|gcn~1|gcn~2|fc~3")
    with pytest.raises(ArchitectureError, match="be a string op~source"):
        notation.parse(7)


@pytest.mark.parametrize("dataset", ["cora", "proteins"])
@given(st.data())
@settings(max_examples=40, deadline=None)
def test_neighbours_differ_by_one_change_and_have_each_other(dataset, data):
    space = NASBenchGraph(dataset)
    place = data.draw(st.integers(0, len(space) - 1))
    own, near = space.architectures()[place], space.neighbours(place)
    assert own not in near
    assert len(set(near)) == len(near) >= 4
    other = data.draw(st.sampled_from(near))
    assert own in space.neighbours(other)
    assert space.mutate(own, data.draw(st.integers(0, 99))) in near
    # One operation, or what one operation reads, in some numbering of both.
    a = notation._numberings(*notation.parse(own))
    b = notation._numberings(*notation.parse(other))
    assert min(
        sum(x != y for p, q in zip(one, two, strict=True) for x, y in zip(p, q, strict=True))
        for one in a for two in b
    ) == 1  # fmt: skip


def test_steps_lead_everywhere():
    n = len(table.rows("proteins"))
    seen, front = {0}, {0}
    while front:
        front = {j for i in front for j in table.neighbours(i, "proteins")} - seen
        seen |= front
    assert len(seen) == n
