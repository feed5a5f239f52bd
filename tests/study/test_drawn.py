"""Studies of spaces that are too large to list."""

from types import MappingProxyType

import numpy as np
import pytest
from torch import nn

import cgraph
from cgraph.errors import ArgumentError
from cgraph.spaces import SampledChoiceSpace
from cgraph.spaces.limits import Limits
from cgraph.study.members import StudyMembers

LAYERS = {"L": lambda: nn.Linear(6, 6), "R": nn.ReLU, "T": nn.Tanh, "I": nn.Identity}


class Rows(SampledChoiceSpace):
    """Layers in a row; identities make some of them the same program."""

    name, summary, source = "rows", "up to 30 layers in a row", "a test"
    input_shapes = MappingProxyType({"full": (6,)})
    choices = ({str(n): [tuple("LRTI")] * n for n in range(3, 31)},)

    def build(self, arch, skeleton):  # noqa: ARG002
        return nn.Sequential(*[LAYERS[word]() for word in arch.split("|")[1:]], nn.Linear(6, 4))


class Forks(Rows):
    """Layers of two sorts beside each other: their order is no matter."""

    name = "forks"
    choices = (("LR", "LT", "RT", "R"),) * 2

    def build(self, arch, skeleton):  # noqa: ARG002
        return _Fork([nn.Sequential(*[LAYERS[c]() for c in word]) for word in arch.split("|")])


class _Fork(nn.Module):
    def __init__(self, ways):
        super().__init__()
        self.ways = nn.ModuleList(ways)
        self.last = nn.Linear(6, 4)

    def forward(self, x):
        return self.last(self.ways[0](x) + self.ways[1](x))


STUDY = cgraph.Study(
    Rows(), population=80, n_clusters=3, n_sampled=2, n_draws=1, statistics=("naswot-v2",)
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return STUDY.run(tmp_path_factory.mktemp("study") / "rows")


def test_the_population_is_drawn_by_the_seed_and_stands_in_the_study(finished):
    assert tuple(finished.architectures["name"]) == Rows().sample(80, seed=0)
    assert finished.configuration["population"] == 80
    again = STUDY.run(finished.directory)
    assert again.architectures.equals(finished.architectures)
    assert again.statistics.equals(finished.statistics)


def test_a_study_finds_the_space_that_it_was_drawn_from(finished):
    loaded = cgraph.load_study(finished.directory)
    space = loaded.space(Rows())
    assert space.architectures() == tuple(finished.architectures["name"])
    with pytest.raises(ArgumentError, match="space must be given for a study of 'rows'"):
        loaded.space()


def test_a_loaded_study_assigns_its_own_programs_to_their_clusters(finished):
    clustering = cgraph.load_study(finished.directory).clustering()
    programs = loaded_space(finished).population()
    assert np.array_equal(clustering.assign(programs), clustering.labels)
    assert (clustering.assigner.rule, clustering.assigner.share) == ("nearest centre", 1.0)


def loaded_space(result):
    return result.space(Rows())


@pytest.mark.parametrize("cluster", [0, 1, 2])
def test_new_members_are_of_their_cluster_new_and_none_twice(finished, cluster):
    drawn = finished.ranking.sample(30, cluster=cluster, random_state=5)
    assert len(set(drawn)) == len(drawn) == 30
    assert not set(drawn) & set(finished.architectures["name"])
    labels = finished.clustering().assign(Rows().subset(drawn).population())
    assert set(labels) == {cluster}
    assert drawn.n_tried >= 30
    assert 30 <= drawn.n_accepted <= drawn.n_tried
    assert drawn.acceptance == drawn.n_accepted / drawn.n_tried
    assert drawn == finished.ranking.sample(30, cluster=cluster, random_state=5)
    assert drawn != finished.ranking.sample(30, cluster=cluster, random_state=6)


def test_where_few_draws_are_of_a_cluster_its_members_are_mutated(finished):
    table, sizes = finished.architectures.copy(), loaded_space(finished).population().n_kernels
    most = np.sort(sizes)[1]
    table["cluster"] = (sizes <= most).astype(int)

    class Short:
        """Rows that are as short as the two shortest are of cluster 1."""

        rule, share = "length", 1.0

        def labels(self, population):
            return (population.n_kernels <= most).astype(int)

    drawn = of_clusters(finished, table, Short()).draw(1, 20, 0)
    assert 0 < drawn.n_mutated < drawn.n_tried
    assert not set(drawn) & set(table["name"])
    assert Rows().subset(drawn).population().n_kernels.max() <= most


def of_clusters(result, table, assigner):
    """Another clustering of a study, to draw from."""
    return StudyMembers(result.configuration, table, assigner, result.directory, Rows())


def test_new_members_keep_the_limits_of_the_study(finished):
    again = cgraph.rank_again(finished, limits=Limits(max_parameters="1.4kB"), space=Rows())
    for name in again.sample(10, random_state=1):
        assert Rows().graph(name).n_parameters * 4 <= 1400


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_how_many_new_members_has_to_be_a_number(finished, n):
    with pytest.raises(ArgumentError, match="n must be a whole number"):
        finished.ranking.sample(n)


def test_a_cluster_without_new_members_says_how_many_were_tried(finished, monkeypatch):
    monkeypatch.setattr("cgraph.study.members.MOST_TRIES", 2)

    class Nobody:
        rule, share = "nobody", 1.0

        def labels(self, population):
            return np.zeros(len(population), dtype=int)

    empty = of_clusters(finished, finished.architectures, Nobody())
    with pytest.raises(ArgumentError, match=r"that cluster 1 has, got 3; \d+ were tried and 0"):
        empty.draw(1, 3, 0)


def test_programs_that_are_drawn_twice_are_found_by_their_graphs(tmp_path):
    study = cgraph.Study(
        Forks(), population=16, n_clusters=2, n_sampled=1, n_draws=1, statistics=("naswot-v2",)
    )
    result = study.run(tmp_path / "forks")
    assert len(result.architectures) == 16
    # Two ways are one program in either order: four pairs of equal ways and six of others.
    assert result.architectures["class"].nunique() == 10


def test_a_study_says_how_many_it_draws_where_nobody_does():
    study = cgraph.Study(Rows()).resolved()
    assert study.population == len(study.space) == 2_000
    assert cgraph.Study(Forks()).resolved().population == 16


@pytest.mark.parametrize(
    ("space", "population", "message"),
    [
        (Rows(), 0, "population must be a whole number, from 1 to .*, got 0"),
        (Rows(), 2.5, "population must be a whole number, from 1 to .*, got 2.5"),
        (Rows(), True, "population must be a whole number, from 1 to .*, got True"),
        (Forks(), 17, "population must be from 1 to 16, the size of 'forks', got 17"),
        ("nasbench201", 10, "population must be left out for 'nasbench201', of which all 15,625"),
    ],
    ids=["none", "a part", "a truth", "too many", "listed"],
)
def test_a_population_that_cannot_be_is_refused(space, population, message):
    with pytest.raises(ArgumentError, match=message):
        cgraph.Study(space, population=population).resolved()
