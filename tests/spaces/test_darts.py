"""The space of DARTS, and networks whose size is published."""

import pytest
import torch

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces import get
from cgraph.spaces.darts.notation import from_genotype
from cgraph.spaces.darts.space import Darts

# Genotypes as their authors print them; each number is what an edge reads.
# DARTS (second order): github.com/quark0/darts, cnn/genotypes.py.
DARTS_V2 = (
    [
        ("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2),
    ],
    [
        ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
        ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1),
    ],
)  # fmt: skip
# SNAS (mild constraint): Xie et al., 2019, arXiv 1812.09926.
SNAS = (
    [
        ("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("skip_connect", 0), ("dil_conv_3x3", 1),
        ("skip_connect", 1), ("skip_connect", 0), ("skip_connect", 0), ("sep_conv_3x3", 1),
    ],
    [
        ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("max_pool_3x3", 1), ("skip_connect", 2),
        ("skip_connect", 2), ("max_pool_3x3", 1), ("max_pool_3x3", 0), ("dil_conv_5x5", 2),
    ],
)  # fmt: skip
# P-DARTS: Chen et al., 2019, arXiv 1904.12760.
P_DARTS = (
    [
        ("skip_connect", 0), ("dil_conv_3x3", 1), ("skip_connect", 0), ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1), ("sep_conv_3x3", 3), ("sep_conv_3x3", 0), ("dil_conv_5x5", 4),
    ],
    [
        ("avg_pool_3x3", 0), ("sep_conv_5x5", 1), ("sep_conv_3x3", 0), ("dil_conv_5x5", 2),
        ("max_pool_3x3", 0), ("dil_conv_3x3", 1), ("dil_conv_3x3", 1), ("dil_conv_5x5", 3),
    ],
)  # fmt: skip
# PC-DARTS on CIFAR-10: Xu et al., 2020, arXiv 1907.05737.
PC_DARTS = (
    [
        ("sep_conv_3x3", 1), ("skip_connect", 0), ("sep_conv_3x3", 0), ("dil_conv_3x3", 1),
        ("sep_conv_5x5", 0), ("sep_conv_3x3", 1), ("avg_pool_3x3", 0), ("dil_conv_3x3", 1),
    ],
    [
        ("sep_conv_5x5", 1), ("max_pool_3x3", 0), ("sep_conv_5x5", 1), ("sep_conv_5x5", 2),
        ("sep_conv_3x3", 0), ("sep_conv_3x3", 3), ("sep_conv_3x3", 1), ("sep_conv_3x3", 2),
    ],
)  # fmt: skip

# Parameters and multiply-accumulates of 20 cells and 36 channels on CIFAR-10, in millions.
# DARTS: "3.349MB params", the README of its authors' code. All else, its MACs too, stands beside
# the genotypes in the code of FairDARTS (Chu et al., 2020, arXiv 1911.12126),
# github.com/xiaomi-automl/FairDARTS, fairdarts/genotypes.py.
PUBLISHED = {
    "darts-v2": (DARTS_V2, 3.349342, 528),
    "snas": (SNAS, 2.66, 422),
    "p-darts": (P_DARTS, 3.43, 532),
    # 556.7 here: the one of these networks with average pools, which some counters count.
    "pc-darts": (PC_DARTS, 3.63, 558),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_have_their_published_sizes(name):
    genotype, n_parameters, macs = PUBLISHED[name]
    graph = Darts(n_cells=20, channels=36).graph(from_genotype(*genotype))
    assert graph.n_parameters / 1e6 == pytest.approx(n_parameters, abs=0.005)
    assert graph.macs / 1e6 == pytest.approx(macs, rel=0.003)


def test_darts_has_its_parameters_to_the_last_one():
    network = Darts(n_cells=20, channels=36).model(from_genotype(*DARTS_V2))
    assert sum(p.numel() for p in network.parameters()) == 3_349_342


def test_the_size_is_that_of_the_paper():
    # Two cells: for node k = 0 ... 3, two of k + 2 inputs and 7 operations on each.
    assert get("darts").size == (7**8 * 1 * 3 * 6 * 10) ** 2 == 1_076_746_950_455_072_400


def test_the_lower_input_stands_first():
    space, name = Darts(), from_genotype(*DARTS_V2)
    first, _, others = name.partition("|")
    turned = "|".join(["+".join(reversed(first.split("+"))), others])
    assert turned != name
    assert space.parse(turned) == space.parse(name) == name


def test_neighbours_differ_by_an_operation_or_an_input():
    space = Darts()
    (name,) = space.sample(1, seed=4)
    near = space.neighbours(name)
    assert len(set(near)) == len(near) == 2 * (4 * 12 + 2 * (0 + 1 + 2 + 3))
    for other in near[::17]:
        assert space.parse(other) == other
        assert name in space.neighbours(other)


@pytest.mark.parametrize("skeleton", ["full", "thin", "cell"])
def test_networks_take_the_inputs_of_their_skeletons(skeleton):
    space = Darts()
    for name in space.sample(3, seed=2):
        network = space.model(name, skeleton)
        out = network(torch.zeros(2, *space.input_shapes[skeleton]))
        assert out.shape == ((2, 8, 1, 1) if skeleton == "cell" else (2, 10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_cells": 2}, "n_cells must be a whole number, 3 or more, got 2"),
        ({"channels": 15}, "channels must be an even number, got 15"),
        ({"channels": "16"}, "channels must be a whole number, 2 or more, got '16'"),
    ],
    ids=["two cells", "odd", "a string"],
)
def test_networks_that_cannot_be_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        get("darts", **options)


def test_strings_and_genotypes_of_others_are_refused():
    with pytest.raises(ArchitectureError, match="option 1 to be one of darts, got 'none~0"):
        Darts().parse("none~0+sep_conv_3x3~1|x")
    with pytest.raises(ArgumentError, match="normal must be 8 edges, got 2"):
        from_genotype(DARTS_V2[0][:2], DARTS_V2[1])
    twice = [("sep_conv_3x3", 0), ("skip_connect", 0), *DARTS_V2[0][2:]]
    with pytest.raises(ArchitectureError, match="be of nodes with two inputs of DARTS"):
        from_genotype(twice, DARTS_V2[1])
