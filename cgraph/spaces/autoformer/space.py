"""The search spaces of AutoFormer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, final

from cgraph.registry import Table
from cgraph.spaces.places import SEPARATOR
from cgraph.spaces.sampled import SampledChoiceSpace

if TYPE_CHECKING:
    from torch import nn

RATIOS = ("3", "3.5", "4")


@dataclass(frozen=True, slots=True)
class Supernet:
    """What may be chosen in one of the three spaces.

    Parameters
    ----------
    name : str
        What it is called.
    widths, depths, heads : tuple of int
        Width of the tokens, number of layers, heads of a layer.
    """

    name: str
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]


SUPERNETS: Table[Supernet] = Table(
    "supernet",
    [
        Supernet("tiny", (192, 216, 240), (12, 13, 14), (3, 4)),
        Supernet("small", (320, 384, 448), (12, 13, 14), (5, 6, 7)),
        Supernet("base", (528, 576, 624), (14, 15, 16), (8, 9, 10)),
    ],
)


@final
class AutoFormer(SampledChoiceSpace):
    """Vision transformers for ImageNet: width, depth, and heads and MLP ratio of each layer.

    Parameters
    ----------
    supernet : {"tiny", "small", "base"}, default="tiny"
        Which of the three spaces.

    Notes
    -----
    An architecture is written as its width, its depth and a word for each layer: ``h3r3.5`` for 3
    heads of width 64 and a perceptron 3.5 times as wide as the tokens: ``192|12|h3r3.5|h4r4|...``.
    The skeleton "thin" has a quarter of the widths, on images of 32 pixels.

    Examples
    --------
    >>> AutoFormer()
    AutoFormer('autoformer', 2.81e+11 architectures, to be drawn)
    >>> AutoFormer("base").size
    6245364340204353
    """

    name = "autoformer"
    summary = "vision transformers: 3 widths, 3 depths, heads and MLP ratio of each layer"
    source = "Chen et al., 2021, AutoFormer, ICCV"
    input_shapes: Mapping[str, tuple[int, ...]] = {"full": (3, 224, 224), "thin": (3, 32, 32)}

    def __init__(self, supernet: str = "tiny") -> None:
        chosen = SUPERNETS[supernet]
        layer = tuple(f"h{heads}r{ratio}" for heads, ratio in product(chosen.heads, RATIOS))
        depths = {str(depth): [layer] * depth for depth in chosen.depths}
        self.choices = (tuple(map(str, chosen.widths)), depths)
        self.options = {"supernet": supernet}

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Network of an architecture."""
        from cgraph.spaces.autoformer.network import Frame, Transformer

        width, _, *words = arch.split(SEPARATOR)
        layers = [(int(h[1:]), float(r)) for h, _, r in (word.partition("r") for word in words)]
        frame = Frame(224, 16, 64, 1, 1000) if skeleton == "full" else Frame(32, 8, 16, 4, 10)
        return Transformer(int(width), layers, frame)


def from_lists(width: int, heads: Sequence[int], ratios: Sequence[float]) -> str:
    """String of an architecture from the lists in which AutoFormer writes it.

    Parameters
    ----------
    width : int
        Width of the tokens.
    heads : sequence of int
        Heads of each layer.
    ratios : sequence of float
        MLP ratio of each layer.

    Examples
    --------
    >>> from_lists(192, [3, 4], [3.5, 4.0])
    '192|2|h3r3.5|h4r4'
    """
    words = [f"h{h}r{r:g}" for h, r in zip(heads, ratios, strict=True)]
    return SEPARATOR.join([str(width), str(len(words)), *words])
