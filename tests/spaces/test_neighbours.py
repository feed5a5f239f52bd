import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces.choices import ChoiceSpace
from cgraph.spaces.models import from_models
from cgraph.spaces.nasbench101 import hashing, table
from cgraph.spaces.nasbench101.neighbours import neighbours
from cgraph.spaces.nasbench101.space import NASBench101
from cgraph.spaces.nasbench201 import notation
from cgraph.spaces.nasbench201.space import NASBench201
from tests import naive


class Towers(ChoiceSpace):
    name, summary, source = "towers", "layers in a row", "this test"
    input_shapes = {"full": (4,)}  # noqa: RUF012
    choices = (("linear", "relu"), ("linear", "relu", "none"), ("none",), ("tanh", "none"))

    def build(self, arch, skeleton):  # noqa: ARG002
        kinds = {"linear": lambda: nn.Linear(4, 4), "relu": nn.ReLU, "tanh": nn.Tanh}
        return nn.Sequential(*[kinds[word]() for word in arch.split("|") if word != "none"])


SPACES = {"nasbench101": NASBench101(), "nasbench201": NASBench201(), "choices": Towers()}
PLACES = st.sampled_from(sorted(SPACES)).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(0, len(SPACES[name]) - 1))
)


@given(PLACES, st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_neighbours_are_others_of_the_space_and_a_mutation_is_one_of_them(place, seed):
    space, index = SPACES[place[0]], place[1]
    own = space.architectures()[index]
    near = space.neighbours(index)
    assert space.neighbours(own) == near
    assert own not in near
    assert len(set(near)) == len(near) > 0
    assert all(space.architectures()[space.index(name)] == name for name in near)
    mutated = space.mutate(own, seed)
    assert mutated in near
    assert space.mutate(own, seed) == mutated


@given(st.integers(0, notation.N_ARCHITECTURES - 1))
@settings(max_examples=30, deadline=None)
def test_a_cell_of_nasbench201_has_24_neighbours_that_have_it(index):
    space = SPACES["nasbench201"]
    near = space.neighbours(index)
    assert len(near) == 24
    own = notation.parse(space.architectures()[index])
    for name in near:
        assert sum(a != b for a, b in zip(own, notation.parse(name), strict=True)) == 1
        assert space.architectures()[index] in space.neighbours(name)


SMALL = 2_531  # cells of at most 5 vertices


@given(st.one_of(st.integers(0, SMALL - 1), st.integers(SMALL, table.N_ARCHITECTURES - 1)))
@settings(max_examples=10, deadline=None)
def test_steps_of_nasbench101_go_back_where_they_can(index):
    own = table.cell(index)
    for other in neighbours(index).tolist():
        cell = table.cell(other)
        if cell.n_vertices >= own.n_vertices:
            # The same vertices, or one more of one edge in and one out.
            assert index in neighbours(other)
            assert cell.n_vertices <= own.n_vertices + 1
        assert abs(cell.n_edges - own.n_edges) <= 2 or cell.n_vertices < own.n_vertices


@given(st.integers(0, SMALL - 1))
@settings(max_examples=20, deadline=None)
def test_steps_of_nasbench101_are_those_of_every_numbering(index):
    expected = naive.nasbench101_neighbours(table.cell(index))
    found = {hashing.module_hash(table.cell(i)) for i in neighbours(index).tolist()}
    assert found == expected


@pytest.mark.parametrize("index", [100_000, 423_623])
def test_steps_of_large_cells_are_those_of_every_numbering(index):
    expected = naive.nasbench101_neighbours(table.cell(index))
    found = {hashing.module_hash(table.cell(i)) for i in neighbours(index).tolist()}
    assert found == expected


def test_choices_change_one_at_a_time():
    space = Towers()
    assert len(space) == 12
    assert space.architectures()[:3] == (
        "linear|linear|none|tanh", "linear|linear|none|none", "linear|relu|none|tanh",
    )  # fmt: skip
    for own in space.architectures():
        near = space.neighbours(own)
        assert len(near) == 1 + 2 + 0 + 1
        assert all(own in space.neighbours(other) for other in near)


def test_a_search_passes_its_generator_on():
    space, rng = SPACES["nasbench201"], np.random.default_rng(0)
    walk = [space.architectures()[6111]]
    for _ in range(5):
        walk.append(space.mutate(walk[-1], rng))
    assert len(set(walk)) > 2
    again = np.random.default_rng(0)
    assert [space.mutate(name, again) for name in walk[:-1]] == walk[1:]


def test_a_sample_has_different_architectures_in_an_order_of_its_seed():
    space = SPACES["nasbench201"]
    drawn = space.sample(50, seed=3)
    assert len(set(drawn)) == 50
    assert drawn == space.sample(50, seed=3) != space.sample(50, seed=4)
    assert sorted(Towers().sample(12)) == sorted(Towers().architectures())
    assert space.sample(0) == ()
    for n in (-1, 13, 1.5, True):
        with pytest.raises(ArgumentError, match=rf"n must be .* from 0 to 12, got {n}; towers"):
            Towers().sample(n)


def test_a_space_without_choices_says_what_to_define():
    space = from_models({"a": nn.ReLU, "b": nn.Tanh}, inputs=(4,))
    with pytest.raises(ArgumentError, match=r"'models' without; set choices in ModelsSpace, or"):
        space.neighbours("a")


class Alone(Towers):
    choices = (("linear",),)


def test_a_single_architecture_cannot_be_mutated():
    with pytest.raises(ArchitectureError, match="arch must have a neighbour, got 'linear'"):
        Alone().mutate("linear")


def test_wrong_choices_are_named():
    for choices, quoted in [
        ((), "choices must be one sequence of options for each place, got none"),
        ((("a",), ()), r"choices\[1\] must be different options, one at least, got \(\)"),
        ((("a", "a"),), r"choices\[0\] must be different options"),
        ((("a|b",),), r"choices\[0\] must hold strings without '|', got 'a|b'"),
        (((3, 5),), r"choices\[0\] must hold strings"),
    ]:
        space = Towers()
        space.choices = choices
        with pytest.raises(ArgumentError, match=quoted):
            space.architectures()


@pytest.mark.parametrize("name", SPACES)
def test_every_string_is_read_back_as_the_architecture_it_names(name):
    space = SPACES[name]
    if name == "nasbench101":
        from cgraph.spaces.nasbench101.cells import encode
        from cgraph.spaces.nasbench101.notation import format_cell, parse

        # All 423,624: benchmarks/bench_nasbench101.py.
        read = [encode(cell) for cell in map(parse, space.architectures()[::5])]
        assert read == table.codes()[::5].tolist()
        some = range(0, len(space), 97)
        assert [space.parse(space.architectures()[i]) for i in some] == list(some)
        assert [format_cell(table.cell(i)) for i in some] == list(space.architectures()[::97])
    else:
        read = [space.parse(text) for text in space.architectures()]
        assert read == list(range(len(space)))
