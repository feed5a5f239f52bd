"""The search space of Once-for-all on MobileNetV3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, final

from cgraph.errors import ArgumentError
from cgraph.spaces.places import SEPARATOR, Choices
from cgraph.spaces.sampled import SampledChoiceSpace

if TYPE_CHECKING:
    from torch import nn

KERNELS, EXPANSIONS, DEPTHS = (3, 5, 7), (3, 4, 6), (2, 3, 4)
WIDTHS = (1.0, 1.2)
N_UNITS = 5
THIN = 0.25  # width of the slim network


@final
class MobileNetV3(SampledChoiceSpace):
    """Five units of two to four blocks, each with a kernel and an expansion.

    Parameters
    ----------
    width : {1.0, 1.2}, default=1.0
        Factor of the channels; Once-for-all trains a network for each.
    resolution : int, default=224
        Height and width of images, a multiple of 4 from 128 to 256.

    Notes
    -----
    An architecture is written unit by unit: the number of its blocks, then a word for each block,
    ``k5e4`` for a 5x5 kernel and an expansion by 4: ``2|k5e3|k3e3|2|k5e4|...``. The skeleton "thin"
    is a quarter as wide, on images of 32 pixels.

    Examples
    --------
    >>> MobileNetV3()
    MobileNetV3('mobilenetv3', 2.18e+19 architectures, to be drawn)
    """

    name = "mobilenetv3"
    summary = "5 units of 2 to 4 inverted bottlenecks, 3 kernels and 3 expansions each"
    source = "Cai et al., 2020, Once-for-All, ICLR"
    input_shapes: Mapping[str, tuple[int, ...]]
    choices: Choices = (
        {
            str(depth): [tuple(f"k{k}e{e}" for k, e in product(KERNELS, EXPANSIONS))] * depth
            for depth in DEPTHS
        },
    ) * N_UNITS

    def __init__(self, width: float = 1.0, resolution: int = 224) -> None:
        if width not in WIDTHS:
            raise ArgumentError("width", f"be one of {WIDTHS}", repr(width)[:200])
        if resolution not in range(128, 257, 4):
            raise ArgumentError(
                "resolution", "be a multiple of 4 from 128 to 256", repr(resolution)[:200]
            )
        self.options = {"width": width, "resolution": resolution}
        self.input_shapes = {"full": (3, resolution, resolution), "thin": (3, 32, 32)}

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Network of an architecture."""
        from cgraph.spaces.mobilenetv3.network import Network

        return Network(blocks_of(arch), self.options["width"] if skeleton == "full" else THIN)


def blocks_of(arch: str) -> list[list[tuple[int, int]]]:
    """Kernel and expansion of each block of each unit, from the string.

    Examples
    --------
    >>> blocks_of("2|k5e3|k3e6|3|k7e4|k3e3|k3e3")
    [[(5, 3), (3, 6)], [(7, 4), (3, 3), (3, 3)]]
    """
    units: list[list[tuple[int, int]]] = []
    for word in arch.split(SEPARATOR):
        if word.isdigit():
            units.append([])
        else:
            units[-1].append((int(word[1]), int(word[3])))
    return units


def from_lists(kernels: Sequence[int], expansions: Sequence[int], depths: Sequence[int]) -> str:
    """String of an architecture from the lists in which Once-for-all writes it.

    Parameters
    ----------
    kernels, expansions : sequence of int
        Of four blocks for each of the five units; those beyond the depth of a unit are ignored.
    depths : sequence of int
        Blocks of each unit.

    Examples
    --------
    >>> from_lists([3] * 20, [6] * 20, [2] * 5)
    '2|k3e6|k3e6|2|k3e6|k3e6|2|k3e6|k3e6|2|k3e6|k3e6|2|k3e6|k3e6'
    """
    most = max(DEPTHS)
    words = []
    for unit, depth in enumerate(depths):
        blocks = range(unit * most, unit * most + depth)
        words += [str(depth), *(f"k{kernels[i]}e{expansions[i]}" for i in blocks)]
    return SEPARATOR.join(words)
