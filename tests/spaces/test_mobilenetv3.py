"""The space of Once-for-all on MobileNetV3, and networks whose size is published."""

import pytest
import torch

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces import get
from cgraph.spaces.mobilenetv3.network import divisible
from cgraph.spaces.mobilenetv3.space import MobileNetV3, from_lists

# The specialised network "flops@595M_top1@80.0_finetune@75" of the authors, width 1.2, 236 pixels:
# its net.config and run.config, as kept in github.com/Alibaba-MIIL/ImageNet21K.
FLOPS_595M = (
    "3|k3e3|k5e4|k3e3|4|k5e4|k5e4|k3e6|k5e3|4|k7e6|k5e6|k3e3|k5e4|"
    "4|k3e6|k5e6|k7e6|k3e4|4|k3e6|k3e6|k5e6|k3e3"
)
# "note8_lat@31ms_top1@72.8_finetune@25" at 152 and "note8_lat@22ms_top1@70.4_finetune@25" at 140
# pixels: their subnet files in github.com/open-mmlab/mmrazor, configs/nas/mmcls/onceforall.
NOTE8_31MS = "2|k5e3|k3e3|2|k5e4|k5e3|3|k3e4|k3e4|k5e4|3|k3e4|k5e3|k7e4|4|k3e6|k3e3|k5e3|k5e3"
NOTE8_22MS = "2|k3e3|k3e3|2|k5e3|k5e3|2|k7e4|k3e3|2|k5e3|k3e4|2|k3e6|k7e6"
LARGEST = from_lists([7] * 20, [6] * 20, [4] * 5)

# Parameters, and multiply-accumulates. The parameters that mmrazor prints for the last three, in
# millions, are 4.6, 4.3 and 7.6; the exact numbers are those that the authors' package `ofa`
# 0.1.0-202307202001 counts for its own networks with these choices. Its count of
# multiply-accumulates is larger by the 32 additions of a bias; mmrazor's, 105.4 and 70.9
# million, counts batch norms and activations too. 595 million stands in the name of the first.
PUBLISHED = {
    "flops@595M": (FLOPS_595M, 1.2, 236, None, 595e6, 1e6),
    "note8@31ms": (NOTE8_31MS, 1.0, 152, 4_595_536, 100_520_248, 32),
    "note8@22ms": (NOTE8_22MS, 1.0, 140, 4_304_592, 67_196_888, 32),
    "largest": (LARGEST, 1.0, 224, 7_664_760, 566_170_688, 32),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_have_their_published_sizes(name):
    arch, width, resolution, n_parameters, macs, tolerance = PUBLISHED[name]
    graph = MobileNetV3(width, resolution).graph(arch)
    assert n_parameters is None or graph.n_parameters == n_parameters
    assert graph.macs == pytest.approx(macs, abs=tolerance)


def test_the_size_is_that_of_the_paper():
    # (9^2 + 9^3 + 9^4)^5, "roughly 2 * 10^19": Cai et al., 2020, section 3.
    assert get("mobilenetv3").size == (9**2 + 9**3 + 9**4) ** 5
    assert get("mobilenetv3").size == pytest.approx(2e19, rel=0.1)


def test_neighbours_are_a_block_apart():
    space = MobileNetV3()
    near = space.neighbours(NOTE8_22MS)
    # 8 other blocks in ten places, and in each of five units any of nine blocks more.
    assert len(near) == 10 * 8 + 5 * 9
    assert all(NOTE8_22MS in space.neighbours(other) for other in near[::11])


def test_the_slim_network_takes_small_images():
    space = MobileNetV3()
    (name,) = space.sample(1)
    assert space.model(name, "thin")(torch.zeros(2, *space.input_shapes["thin"])).shape == (2, 1000)


def test_channels_are_multiples_of_eight_near_what_is_asked():
    assert [divisible(c) for c in (16, 19.2, 28.8, 48, 1152, 6, 72 // 4)] == [
        16, 24, 32, 48, 1152, 8, 24,
    ]  # fmt: skip


def test_what_is_not_of_the_space_is_refused():
    with pytest.raises(ArchitectureError, match="have one of 2, 3, 4 as option 1"):
        MobileNetV3().parse("5|k3e3")
    with pytest.raises(ArgumentError, match=r"width must be one of \(1.0, 1.2\), got 2"):
        get("mobilenetv3", width=2)
    with pytest.raises(ArgumentError, match="resolution must be a multiple of 4 from 128 to 256"):
        get("mobilenetv3", resolution=225)
