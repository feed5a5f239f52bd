import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cgraph.errors import ArchitectureError, UnknownNameError
from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.spaces import available, get
from cgraph.spaces.catalogue import SPACES
from cgraph.spaces.sampled import SampledSpace
from cgraph.spaces.space import Space
from cgraph.spaces.traced import TracedSpace
from cgraph.tracing.record import trace


class Plain(TracedSpace):
    """A space of one's own, as short as it gets: depth, and a kernel size."""

    name, summary, source = "plain", "convolutions in a row", "this test"
    input_shapes = {"full": (3, 8, 8)}  # noqa: RUF012

    def architectures(self):
        return tuple(f"{depth} of {size}x{size}" for depth in (1, 2) for size in (1, 3, 5))

    def build(self, arch, skeleton):  # noqa: ARG002
        depth, size = int(arch[0]), int(arch[-1])
        layers = []
        for i in range(depth):
            layers += [nn.Conv2d(4 if i else 3, 4, size, padding=size // 2), nn.ReLU()]
        return nn.Sequential(*layers, nn.Dropout(0.0))


def test_a_space_of_ones_own_has_all_that_the_line_needs(tmp_path):
    space = Plain()
    assert len(space) == 6
    assert repr(space) == "Plain('plain', 6 architectures)"
    graph = trace(space.model("2 of 3x3"), torch.empty(1, 3, 8, 8))
    assert space.graph(4) == graph
    assert space.graph(4, form="live") == live(graph)
    population = space.population()
    assert population.names == space.architectures()
    assert population[4].labels == project(live(graph)).labels
    assert population.usage().sum() == 18
    sizes = space.sizes()
    counts = [sum(p.numel() for p in space.model(i).parameters()) for i in range(6)]
    assert sizes["n_parameters"].tolist() == counts
    assert space.programs().tolist() == list(range(6))
    assert space.canonical(5) == "2 of 5x5"
    path = tmp_path / "mine.csv"
    pd.DataFrame({"name": space.architectures(), "top1": np.arange(6) * 10}).to_csv(path)
    assert space.accuracies(path, "top1")["2 of 5x5"] == 50


def test_candidates_build_the_program_they_name():
    space = get("nasbench201")
    a, b, c = space.candidates(["|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|", 1, 9])
    assert a.name == "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    assert len({a.program, b.program, c.program}) == 3
    for candidate in (a, b, c):
        build = pickle.loads(pickle.dumps(candidate.build))
        for skeleton, shape in candidate.input_shapes.items():
            model = build(skeleton)
            assert model.training
            assert torch.isfinite(model(torch.zeros(2, *shape))).all()


def test_isomorphic_cells_are_one_candidate():
    space = get("nasbench201")
    first, second = space.candidates(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
            "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_3x3~1|nor_conv_1x1~2|",
        ]
    )
    assert first.name != second.name
    assert first.program == second.program
    torch.manual_seed(0)
    one = first.build("thin")
    torch.manual_seed(0)
    two = second.build("thin")
    x = torch.ones(2, 3, 32, 32)
    assert torch.equal(one(x), two(x))


def test_candidates_of_ones_own_space_name_their_sizes():
    candidates = Plain().candidates()
    assert len({candidate.program for candidate in candidates}) == 6
    assert isinstance(candidates[0].build("full"), nn.Sequential)


def test_what_is_not_in_a_space_is_named():
    space = Plain()
    with pytest.raises(ArchitectureError, match=r"one of plain, got '2 of 4x4'; did you mean"):
        space.model("2 of 4x4")
    with pytest.raises(ArchitectureError, match=r"0 <= arch < 6, got 6"):
        space.model(6)
    with pytest.raises(UnknownNameError, match=r"skeleton must be one of full, got 'thin'"):
        space.model(0, "thin")
    said = r"part must be one of network, cell, compact, got 'operations'"
    with pytest.raises(UnknownNameError, match=said):
        space.population("operations")


@pytest.mark.parametrize("name", SPACES)
def test_spaces_that_ship(name):
    space = get(name)
    assert isinstance(space, Space)
    assert space.name == name
    assert space.summary
    assert space.source
    assert "full" in space.input_shapes
    if not space.is_listed:
        assert pickle.loads(pickle.dumps(space)).sample(9, 1) == space.sample(9, 1)
        space = space.draw(5)
    assert pickle.loads(pickle.dumps(space)).architectures() == space.architectures()
    for arch in space.architectures()[:50]:
        assert space.architectures()[space.index(arch)] == arch
    programs = space.programs()
    np.testing.assert_array_equal(programs[programs], programs)
    assert space.canonical(0) == space.architectures()[programs[0]]
    assert space.index(np.int64(3)) == 3


def test_an_unknown_space_gets_near_names():
    assert "nasbench201" in available()
    with pytest.raises(UnknownNameError, match=r"'nasbench2O1'; did you mean 'nasbench201'"):
        get("nasbench2O1")


def test_input_shapes_are_those_of_the_skeletons():
    from cgraph.spaces.nasbench201.network import SKELETONS

    shapes = {skeleton.name: skeleton.input_shape for skeleton in SKELETONS.values()}
    assert dict(get("nasbench201").input_shapes) == shapes


@pytest.mark.parametrize("name", SPACES)
def test_no_method_with_a_body_is_overridden(name):
    kind = type(get(name))
    for base in kind.__mro__[1:-1]:
        for attribute, value in vars(base).items():
            if callable(value) and not attribute.startswith("_abc") and attribute in vars(kind):
                if (base, attribute) == (SampledSpace, "neighbours"):
                    continue  # a space says itself what its least changes are
                assert getattr(value, "__isabstractmethod__", False), attribute
