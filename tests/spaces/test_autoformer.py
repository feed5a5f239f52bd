"""The spaces of AutoFormer, and networks whose size is published."""

import pytest
import torch

from cgraph.errors import ArchitectureError, UnknownNameError
from cgraph.spaces import get
from cgraph.spaces.autoformer.network import Relative
from cgraph.spaces.autoformer.space import AutoFormer, from_lists

# The searched networks, as microsoft/nni lists them (nni/nas/hub/pytorch/autoformer.py).
TINY = from_lists(192, [3] * 10 + [4, 3, 3], [3.5, 3.5, 3, 3.5, 3, 3, 4, 4, 3.5, 4, 3.5, 4, 3.5])
SMALL = from_lists(
    384,
    [6, 6, 5, 7, 5, 5, 5, 6, 6, 7, 7, 6, 7],
    [3, 3.5, 3, 3.5, 4, 4, 4, 4, 4, 4, 4, 3.5, 4],
)
BASE = from_lists(
    576,
    [9, 9, 9, 9, 9, 10, 9, 9, 10, 9, 10, 9, 9, 10],
    [3.5, 3.5, 4, 3.5, 4, 3.5, 3.5, 3, 4, 4, 3, 4, 3, 3.5],
)
# Millions of parameters: the authors' model zoo (github.com/microsoft/Cream, AutoFormer), cut to
# one digit; the paper has 5.7 for the first. Thousand millions of multiply-accumulates: Chen et
# al., 2021, table 4, where products with relative positions are not counted; the network of the
# second has 4.8 so, where the table says 5.1.
PUBLISHED = {
    "tiny": (TINY, 5.8, 1.3),
    "small": (SMALL, 22.8, 4.8),
    "base": (BASE, 53.6, 11.0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_have_their_published_sizes(name):
    arch, n_parameters, macs = PUBLISHED[name]
    graph = AutoFormer(name).graph(arch)
    assert 0 <= graph.n_parameters / 1e6 - n_parameters < 0.1
    layers = arch.split("|")[2:]
    heads = sum(int(layer[1:].partition("r")[0]) for layer in layers)
    relative = 2 * 197 * 197 * 64 * heads
    assert (graph.macs - relative) / 1e9 == pytest.approx(macs, abs=0.05)


def test_relative_positions_are_those_of_the_patches():
    places = Relative(4, 3).places
    assert places.shape == (2, 10, 10)
    assert places[:, 0].eq(0).all()
    assert places[:, :, 0].eq(0).all()
    assert places[:, 1, 9].tolist() == [15 + 2, 15 + 2]  # two rows and two columns further
    assert places[:, 6, 1].tolist() == [15 - 1, 15 - 2]


def test_the_sizes_are_exact():
    assert get("autoformer").size == 3 * (6**12 + 6**13 + 6**14)
    assert get("autoformer", supernet="small").size == 3 * (9**12 + 9**13 + 9**14)
    assert get("autoformer", supernet="base").size == 3 * (9**14 + 9**15 + 9**16)


def test_neighbours_differ_by_a_width_a_layer_or_what_a_layer_is():
    space = AutoFormer()
    near = space.neighbours(TINY)
    assert len(near) == 2 + (1 + 6) + 13 * 5
    assert all(TINY in space.neighbours(other) for other in near[::9])


def test_the_slim_network_takes_small_images():
    space = AutoFormer("small")
    (name,) = space.sample(1)
    assert space.model(name, "thin")(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_what_is_not_of_the_space_is_refused():
    with pytest.raises(ArchitectureError, match="have one of 192, 216, 240 as option 1"):
        AutoFormer().parse(SMALL)
    with pytest.raises(UnknownNameError, match="supernet must be one of tiny, small, base"):
        get("autoformer", supernet="huge")
