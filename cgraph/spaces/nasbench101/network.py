"""The networks of NAS-Bench-101, built from their definition (Ying et al., 2019, ICML).

A network is a stem, stacks of equal cells with a max pool between two stacks that halves the map
while the next cell doubles the channels, the global mean and a linear layer. In a cell an edge
from the input goes through a projection (1x1 convolution, batch norm, ReLU); what feeds a vertex
is added, after cutting channels in excess; what feeds the output is concatenated, and an edge from
the input to the output is projected and added to it.

Control flow depends on the cell alone, never on a tensor, so every tracer can follow. Modules are
made in the order in which they run. Batch norms have the benchmark's epsilon, 1e-5, and momentum,
0.997 in TensorFlow's convention, which is 0.003 in PyTorch's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.registry import Table
from cgraph.spaces.nasbench101.cells import CONV_3X3, MAX_POOL, Cell
from cgraph.spaces.nasbench101.channels import vertex_channels
from cgraph.spaces.skeleton import Skeleton

_MOMENTUM = 0.003
_EPSILON = 1e-5


# A cell needs 5 channels at least, so that every vertex that feeds the output gets one.
_OWN = "after Chen, Gong and Wang, 2021, TE-NAS, who define it for NAS-Bench-201"

SKELETONS: Table[Skeleton] = Table(
    "skeleton",
    [
        Skeleton(
            name="full",
            channels=128,
            n_cells=3,
            summary="the network that is trained",
            source="Ying et al., 2019, NAS-Bench-101",
        ),
        Skeleton(
            name="narrow",
            channels=16,
            n_cells=3,
            summary="the same with an eighth of the channels",
            source="Mellor et al., 2021, NASWOT",
        ),
        Skeleton(
            name="thin",
            channels=8,
            n_cells=1,
            summary="a slim one, for the tangent kernel",
            source=_OWN,
        ),
        # Regions are to be fewer than the 3,000 samples that they are counted on: the least
        # channels that every cell can be built of, on three values in a row.
        Skeleton(
            name="cell",
            channels=5,
            n_cells=1,
            n_stages=1,
            has_stem=False,
            has_classifier=False,
            input_shape=(1, 1, 3),
            summary="one cell alone, for linear regions",
            source=_OWN,
        ),
    ],
)


def build(
    cell: Cell,
    skeleton: str = "full",
    *,
    n_classes: int = 10,
    channels: int | None = None,
    n_cells: int | None = None,
) -> Network:
    """Network of a cell, in train mode, with PyTorch's default initialisation.

    Parameters
    ----------
    cell : Cell
        What is repeated.
    skeleton : {"full", "narrow", "thin", "cell"}, default="full"
        What the cell is put into.
    n_classes : int, default=10
        Classes of the linear layer, n_classes >= 1.
    channels, n_cells : int, optional
        Channels of the first stack (at least 5) and cells of a stack (at least 1) in the place
        of those of the skeleton.

    Raises
    ------
    UnknownNameError
        If there is no such skeleton.
    ArgumentError
        If a number is too small, or channels are given to a skeleton without a stem.

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.notation import parse
    >>> network = build(parse("conv3x3~0|output~0,1"))
    >>> sum(p.numel() for p in network.parameters())
    11051402
    """
    frame = SKELETONS[skeleton]
    n_classes = checks.whole("n_classes", n_classes, 1, 2**20)
    if n_cells is not None and n_cells < 1:
        raise ArgumentError("n_cells", "be at least 1", n_cells)
    if channels is not None and channels < 5:
        raise ArgumentError("channels", "be at least 5, one for each vertex", channels)
    if channels is not None and not frame.has_stem:
        raise ArgumentError(
            "channels", f"be left out, as the input of {skeleton!r} has its own", channels
        )
    return Network(cell, frame, n_classes, channels or frame.channels, n_cells or frame.n_cells)


class Network(nn.Module):
    """A stem, stacks of cells with max pools between them, and a classifier."""

    def __init__(
        self, cell: Cell, skeleton: Skeleton, n_classes: int, channels: int, n_cells: int
    ) -> None:
        super().__init__()
        if skeleton.has_stem:
            self.stem: nn.Module = conv_norm_relu(skeleton.input_shape[0], channels, 3)
        else:
            self.stem = nn.Identity()
        blocks: list[nn.Module] = []
        n_in, n_out = channels if skeleton.has_stem else skeleton.input_shape[0], channels
        for stack in range(skeleton.n_stages):
            if stack:
                blocks.append(nn.MaxPool2d(2, stride=2))
                n_out *= 2
            for _ in range(n_cells):
                blocks.append(CellBlock(cell, n_in, n_out))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.head: nn.Module = Head(n_out, n_classes) if skeleton.has_classifier else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape (n, n_classes), or the feature map where there is no classifier."""
        out: Tensor = self.head(self.blocks(self.stem(x)))
        return out


class CellBlock(nn.Module):
    """A cell at some width."""

    def __init__(self, cell: Cell, n_in: int, n_out: int) -> None:
        super().__init__()
        channels = vertex_channels(cell, n_in, n_out)
        self.vertices = nn.ModuleList(
            Vertex(cell.operations[v - 1], cell.sources(v), channels, v)
            for v in range(1, cell.n_vertices - 1)
        )
        self.output = Output(cell.sources(cell.n_vertices - 1), n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map of n_out channels from one of n_in."""
        values = [x]
        for vertex in self.vertices:
            values.append(vertex(values))
        out: Tensor = self.output(values)
        return out


class Vertex(nn.Module):
    """A vertex between input and output: the sum of its sources, then its operation."""

    def __init__(
        self, operation: int, sources: tuple[int, ...], channels: tuple[int, ...], vertex: int
    ) -> None:
        super().__init__()
        width = channels[vertex]
        self._inner = tuple(v for v in sources if v)
        # None leaves a source as it is: what is cut does not depend on a tensor.
        self._cuts = tuple(width if channels[v] > width else None for v in self._inner)
        self.projection = conv_norm_relu(channels[0], width, 1) if 0 in sources else None
        self.operation = make_operation(operation, width)

    def forward(self, values: list[Tensor]) -> Tensor:
        """Value of the vertex from those of the vertices before it."""
        terms = []
        for v, cut in zip(self._inner, self._cuts, strict=True):
            terms.append(values[v] if cut is None else values[v][:, :cut])
        if self.projection is not None:
            terms.append(self.projection(values[0]))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        out: Tensor = self.operation(total)
        return out


class Output(nn.Module):
    """The output: its inner sources side by side, plus the projected input where it is one."""

    def __init__(self, sources: tuple[int, ...], n_in: int, n_out: int) -> None:
        super().__init__()
        self._inner = tuple(v for v in sources if v)
        self.projection = conv_norm_relu(n_in, n_out, 1) if 0 in sources else None

    def forward(self, values: list[Tensor]) -> Tensor:
        """Value of the cell from those of its vertices."""
        inner = [values[v] for v in self._inner]
        joined = torch.cat(inner, dim=1) if len(inner) > 1 else inner[0] if inner else None
        if self.projection is None:
            assert joined is not None, "an output without a source"
            return joined
        projected: Tensor = self.projection(values[0])
        return projected if joined is None else joined + projected


class Head(nn.Module):
    """The mean over the map and a linear layer."""

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape (n, n_classes)."""
        out: Tensor = self.linear(x.mean((2, 3)))
        return out


def make_operation(operation: int, channels: int) -> nn.Module:
    """Module of an operation at a width."""
    if operation == MAX_POOL:
        return nn.MaxPool2d(3, stride=1, padding=1)
    return conv_norm_relu(channels, channels, 3 if operation == CONV_3X3 else 1)


def conv_norm_relu(n_in: int, n_out: int, size: int) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(n_out, eps=_EPSILON, momentum=_MOMENTUM),
        nn.ReLU(),
    )
