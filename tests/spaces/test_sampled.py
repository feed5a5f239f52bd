"""Spaces that are drawn from."""

from types import MappingProxyType

import pytest
from torch import nn

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces import ChoiceSpace, SampledChoiceSpace, SampledSpace

KINDS = {"linear": lambda: nn.Linear(8, 8), "relu": nn.ReLU, "none": nn.Identity}


class Deep(SampledChoiceSpace):
    """Up to 30 layers in a row."""

    name, summary, source = "deep", "up to 30 layers in a row", "a test"
    input_shapes = MappingProxyType({"full": (8,)})
    choices = ({str(n): [("linear", "relu", "none")] * n for n in range(1, 31)},)

    def build(self, arch, skeleton):  # noqa: ARG002
        return nn.Sequential(*[KINDS[word]() for word in arch.split("|")[1:]])


class Widths(SampledSpace):
    """Two layers; nobody says how many there are."""

    name, summary, source = "widths", "two layers of any width", "a test"
    input_shapes = MappingProxyType({"full": (8,)})
    drawn_from = 64

    def sample_one(self, rng):
        return f" {rng.integers(1, self.drawn_from + 1)}"

    def parse(self, text):
        if not text.strip().isdigit():
            raise ArchitectureError("arch", "be a width", repr(text))
        return text.strip()

    def build(self, arch, skeleton):  # noqa: ARG002
        return nn.Sequential(nn.Linear(8, int(arch)), nn.Linear(int(arch), 2))


def test_a_sample_is_of_different_ones_and_follows_from_its_seed():
    space = Deep()
    assert space.size == sum(3**n for n in range(1, 31))
    names = space.sample(200, seed=3)
    assert len(set(names)) == 200
    assert names == space.sample(200, seed=3)
    assert names[:50] == space.sample(50, seed=3)
    assert names != space.sample(200, seed=4)
    assert [space.parse(name) for name in names] == list(names)


def test_strings_are_brought_to_the_form_of_the_space():
    names = Widths().sample(10)
    assert all(name == name.strip() for name in names)
    assert Widths().spelled(" 7") == "7"
    assert Widths().size is None


def test_a_drawn_population_is_a_space_of_its_own():
    few = Deep().draw(20, seed=1)
    assert few.architectures() == Deep().sample(20, seed=1)
    assert len(few.population()) == len(few) == len(few.programs()) == 20
    assert few.population("network").names == few.architectures()
    name = few.architectures()[7]
    assert few.index(name) == 7
    assert few.candidate(name).program == Deep().candidate(name).program
    assert set(few.neighbours(name)) <= set(few.architectures())


def test_a_subset_is_of_given_ones():
    few = Deep().subset(["1|relu", "2|relu|none", "2|relu|relu"])
    assert few.sizes()["n_parameters"].tolist() == [0, 0, 0]
    assert few.programs().tolist()[0] == 0
    assert few.neighbours("1|relu") == ("2|relu|relu", "2|relu|none")


def test_one_architecture_needs_no_list():
    space = Deep()
    graph = space.graph("2|linear|relu")
    assert [kernel.operation for kernel in graph.kernels] == ["linear", "relu"]
    assert space.model("1|linear").training
    near = space.neighbours("2|linear|relu")
    assert space.mutate("2|linear|relu", 5) in near
    assert bool(space)


@pytest.mark.parametrize(
    "call",
    [
        lambda space: space.architectures(),
        lambda space: space.population(),
        lambda space: space.sizes(),
        lambda space: space.programs(),
        lambda space: space.canonical("1|relu"),
        lambda space: space.candidates(),
        lambda space: space.accuracies(),
        len,
    ],
    ids=["architectures", "population", "sizes", "programs", "canonical", "candidates",
         "accuracies", "len"],
)  # fmt: skip
def test_what_lists_the_space_says_what_to_do(call):
    with pytest.raises(ArgumentError, match=r"be listed, got Deep.*to be drawn.*space.draw"):
        call(Deep())


@pytest.mark.parametrize("n", [-1, 2.0, True, "3"])
def test_how_many_has_to_be_a_number_of_them(n):
    with pytest.raises(
        ArgumentError,
        match=r"n must be a whole number, .*; deep has 3.09e",
    ):
        Deep().sample(n)
    with pytest.raises(ArgumentError, match="n must be a whole number"):
        Widths().sample(n)


def test_none_is_no_population():
    assert Deep().sample(0) == ()
    with pytest.raises(ArgumentError, match="n must be 1 or more, got 0"):
        Deep().draw(0)
    with pytest.raises(ArgumentError, match="architectures must be one at least"):
        Deep().subset([])


def test_more_than_there_are_is_refused():
    class Small(Deep):
        choices = (("linear", "relu"),) * 3

    assert len(Small().sample(8)) == 8
    with pytest.raises(
        ArgumentError,
        match="n must be a whole number, from 0 to 8, got 9; deep",
    ):
        Small().sample(9)


def test_a_space_that_repeats_for_ever_is_stopped():
    message = "give 65 different architectures, got 64 and then 10,000 repetitions in a row"
    with pytest.raises(ArgumentError, match=message):
        Widths().sample(65)


@pytest.mark.parametrize("stranger", ["wide", 7, None])
def test_a_space_that_draws_strangers_is_told_so(stranger):
    class Strange(Widths):
        def sample_one(self, rng):  # noqa: ARG002
            return stranger

    with pytest.raises(ArgumentError, match=f"sample_one of 'widths' must .*got {stranger!r}"):
        Strange().sample(1)


def test_a_space_without_neighbours_says_how_to_have_some():
    with pytest.raises(ArgumentError, match=r"define neighbours\(arch\) in Widths"):
        Widths().mutate("7")


def test_an_architecture_twice_or_of_another_space_is_refused():
    with pytest.raises(ArgumentError, match="stand once each, got '7' twice"):
        Widths().subset(["7", " 7"])
    with pytest.raises(ArchitectureError, match="be a width, got 'wide'"):
        Widths().subset(["wide"])


def test_no_choices_are_refused():
    class Empty(Deep):
        choices = ()

    with pytest.raises(ArgumentError, match="choices must be one sequence of options"):
        Empty().sample(1)


def test_choices_that_are_too_many_to_list_name_the_class_that_draws():
    class Listed(ChoiceSpace):
        name, summary, source = "listed", "too many", "a test"
        input_shapes = MappingProxyType({"full": (8,)})
        choices = (tuple("abcdefgh"),) * 20
        build = Deep.build

    with pytest.raises(ArgumentError, match=r"got 1.15e\+18; make the class a SampledChoiceSpace"):
        Listed().architectures()
