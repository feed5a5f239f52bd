"""The search space of DARTS."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, final

import numpy as np

from cgraph.errors import ArgumentError
from cgraph.spaces import places
from cgraph.spaces.darts import notation
from cgraph.spaces.places import SEPARATOR, Places
from cgraph.spaces.sampled import SampledSpace
from cgraph.spaces.skeleton import Skeleton
from cgraph.spaces.space import Architecture

if TYPE_CHECKING:
    from torch import nn

SOURCE = "Liu, Simonyan and Yang, 2019, DARTS, ICLR"


@final
class Darts(SampledSpace):
    """Networks for CIFAR-10 of a normal and a reduction cell, each of four nodes with two inputs.

    Parameters
    ----------
    n_cells : int, default=8
        Cells of the network, n_cells >= 3; the cells at a third and at two thirds of them reduce.
        Published networks have 20.
    channels : int, default=16
        Channels of the first cell, an even number; published networks have 36.

    Notes
    -----
    Strings are explained in `cgraph.spaces.darts.notation`. Two architectures are neighbours where
    one operation differs, or one input. The skeletons "thin" and "cell" are made after those that
    TE-NAS has for NAS-Bench-201: three slim cells on images of 16 pixels, and a normal and a
    reduction cell alone, on so few inputs that linear regions do not saturate.

    Examples
    --------
    >>> Darts()
    Darts('darts', 1.08e+18 architectures, to be drawn)
    >>> Darts().sample(1)[0].split("|")[0]
    'dil_conv_3x3~0+dil_conv_5x5~1'
    """

    name = "darts"
    summary = "a normal and a reduction cell of 4 nodes with 2 inputs each, 7 operations"
    source = SOURCE
    input_shapes = MappingProxyType({"full": (3, 32, 32), "thin": (3, 16, 16), "cell": (1, 2, 2)})

    def __init__(self, n_cells: int = 8, channels: int = 16) -> None:
        for name, value, least in (("n_cells", n_cells, 3), ("channels", channels, 2)):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ArgumentError(name, f"be a whole number, {least} or more", f"{value!r:.200}")
        if channels % 2:
            raise ArgumentError("channels", "be an even number", channels)
        self.options = {"n_cells": n_cells, "channels": channels}

    @property
    def size(self) -> int:  # type: ignore[override]  # known here, and not to be set
        """Number of architectures, exactly."""
        return places.count(_places())

    def sample_one(self, rng: np.random.Generator) -> str:
        """String of an architecture; each is as likely as any other."""
        return SEPARATOR.join(places.draw(_places(), rng))

    def parse(self, text: str) -> str:
        """The string with the lower input of each node first."""
        ordered = notation.sorted_nodes(text)
        places.check(_places(), ordered.split(SEPARATOR), self.name)
        return ordered

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Network of an architecture."""
        from cgraph.spaces.darts.network import Network

        return Network(arch, self._skeletons()[skeleton])

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The architectures where one operation, or one input of a node, is another."""
        nodes = self.spelled(arch).split(SEPARATOR)
        return tuple(SEPARATOR.join(changed) for changed in notation.changed_edges(nodes))

    def _skeletons(self) -> dict[str, Skeleton]:
        skeletons = (
            Skeleton(
                name="full", channels=self.options["channels"], n_cells=self.options["n_cells"],
                summary="the network that is trained", source=SOURCE,
            ),
            Skeleton(
                name="thin", channels=2, n_cells=3, input_shape=(3, 16, 16),
                summary="a slim one, for the tangent kernel", source="after TE-NAS, 2021",
            ),
            Skeleton(
                name="cell", channels=1, n_cells=2, has_stem=False, has_classifier=False,
                input_shape=(1, 2, 2),
                summary="two cells alone, for linear regions", source="after TE-NAS, 2021",
            ),
        )  # fmt: skip
        return {skeleton.name: skeleton for skeleton in skeletons}


@cache
def _places() -> Places:
    return places.places_of(notation.choices())
