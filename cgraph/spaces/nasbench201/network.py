"""The networks of NAS-Bench-201, built from their definition (Dong and Yang, 2020, ICLR).

A network is a stem, three stages of equal cells with a residual reduction between two stages, and
a head. `Skeleton` says how wide, how deep, and on what inputs. Modules are made and run in the
order of the program: the stem, the cells with their edges in the order of `EDGES`, in a reduction
the two convolutions before the shortcut, the linear layer last.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cgraph import checks
from cgraph.registry import Table
from cgraph.spaces.nasbench201 import notation
from cgraph.spaces.skeleton import Skeleton

SKELETONS: Table[Skeleton] = Table(
    "skeleton",
    [
        Skeleton(
            name="full",
            channels=16,
            n_cells=5,
            summary="the network that is trained",
            source="Dong and Yang, 2020, NAS-Bench-201",
        ),
        Skeleton(
            name="thin",
            channels=3,
            n_cells=1,
            summary="a slim one, for the tangent kernel",
            source="Chen, Gong and Wang, 2021, TE-NAS",
        ),
        Skeleton(
            name="cell",
            channels=1,
            n_cells=1,
            n_stages=1,
            has_stem=False,
            has_classifier=False,
            input_shape=(1, 3, 3),
            summary="one cell alone, for linear regions",
            source="Chen, Gong and Wang, 2021, TE-NAS",
        ),
    ],
)


def build(
    arch: str, skeleton: str = "full", *, n_classes: int = 10, skip_zeros: bool = False
) -> Network:
    """Network of a cell, in train mode, with PyTorch's default initialisation.

    Parameters
    ----------
    arch : str
        String of the cell.
    skeleton : {"full", "thin", "cell"}, default="full"
        What the cell is put into.
    n_classes : int, default=10
        Classes of the linear layer, n_classes >= 1.
    skip_zeros : bool, default=False
        Whether the zero of a `none` edge is left out of a sum that has other terms: the same
        values for finite inputs, in less time.

    Raises
    ------
    ArchitectureError
        If `arch` does not parse.
    UnknownNameError
        If there is no such skeleton.
    ArgumentError
        If `n_classes` is below 1.

    Examples
    --------
    >>> network = build("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    >>> sum(p.numel() for p in network.parameters())
    316346
    """
    operations = notation.parse(arch)
    n_classes = checks.whole("n_classes", n_classes, 1, 2**20)
    return Network(operations, SKELETONS[skeleton], n_classes, skip_zeros=skip_zeros)


class Network(nn.Module):
    """A stem, stages of cells with reductions between them, and a head."""

    def __init__(
        self,
        operations: Sequence[int],
        skeleton: Skeleton,
        n_classes: int,
        *,
        skip_zeros: bool = False,
    ) -> None:
        super().__init__()
        channels = skeleton.channels
        if skeleton.has_stem:
            self.stem: nn.Module = make_stem(skeleton.input_shape[0], channels)
        else:
            self.stem = nn.Identity()
        blocks: list[nn.Module] = []
        for stage in range(skeleton.n_stages):
            if stage:
                blocks.append(Reduction(channels))
                channels *= 2
            blocks.extend(
                Cell(operations, channels, skip_zeros=skip_zeros) for _ in range(skeleton.n_cells)
            )
        self.blocks = nn.Sequential(*blocks)
        self.head = make_head(channels, n_classes if skeleton.has_classifier else None)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape (n, n_classes), or the feature map where there is no classifier."""
        out: Tensor = self.head(self.blocks(self.stem(x)))
        return out


class Cell(nn.Module):
    """Four nodes; each is the sum of its incoming edges, the first is the input."""

    def __init__(
        self, operations: Sequence[int], channels: int, *, skip_zeros: bool = False
    ) -> None:
        super().__init__()
        self.edges = nn.ModuleList(make_operation(k, channels) for k in operations)
        incoming: list[list[int]] = [[] for _ in range(notation.N_NODES)]
        for edge, (_, target) in enumerate(notation.EDGES):
            incoming[target].append(edge)
        if skip_zeros:
            for node, edges in enumerate(incoming):
                terms = [edge for edge in edges if operations[edge] != notation.NONE]
                # A sum without terms still needs a zero of the right shape.
                incoming[node] = terms or edges[:1]
        self._incoming = incoming

    def forward(self, x: Tensor) -> Tensor:
        """Value of the last node, of the shape of `x`."""
        nodes = [x]
        for terms in self._incoming[1:]:
            value = self._term(nodes, terms[0])
            for edge in terms[1:]:
                value = value + self._term(nodes, edge)
            nodes.append(value)
        return nodes[-1]

    def _term(self, nodes: list[Tensor], edge: int) -> Tensor:
        value: Tensor = self.edges[edge](nodes[notation.EDGES[edge][0]])
        return value


class Reduction(nn.Module):
    """Residual block of stride 2 that doubles the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = relu_conv_norm(channels, 2 * channels, 3, stride=2)
        self.second = relu_conv_norm(2 * channels, 2 * channels, 3)
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, stride=2), nn.Conv2d(channels, 2 * channels, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Feature map of twice the channels and half the size."""
        body: Tensor = self.second(self.first(x))
        shortcut: Tensor = self.shortcut(x)
        return shortcut + body


class Zero(nn.Module):
    """Zeros of the shape of the input."""

    def forward(self, x: Tensor) -> Tensor:
        """The input times zero."""
        return torch.mul(x, 0.0)


def make_operation(operation: int, channels: int) -> nn.Module:
    """Module of an operation at a width."""
    match operation:
        case notation.NONE:
            return Zero()
        case notation.SKIP:
            return nn.Identity()
        case notation.CONV_1X1:
            return relu_conv_norm(channels, channels, 1)
        case notation.CONV_3X3:
            return relu_conv_norm(channels, channels, 3)
        case _:
            return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


def make_stem(n_inputs: int, channels: int) -> nn.Sequential:
    """Convolution and batch norm, without a ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_inputs, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
    )


def make_head(channels: int, n_classes: int | None) -> nn.Sequential:
    """Batch norm and ReLU, then pooling and a linear layer where there are classes."""
    layers: list[nn.Module] = [nn.BatchNorm2d(channels), nn.ReLU()]
    if n_classes is not None:
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes)]
    return nn.Sequential(*layers)


def relu_conv_norm(n_in: int, n_out: int, size: int, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution without bias, batch norm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(n_in, n_out, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(n_out),
    )
