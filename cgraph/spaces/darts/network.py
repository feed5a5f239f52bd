"""Networks of DARTS for CIFAR-10, as its authors evaluate them, without the auxiliary head.

Liu, Simonyan and Yang, 2019, DARTS: Differentiable Architecture Search, ICLR.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cgraph.spaces.darts.notation import N_NODES, Edge, cells
from cgraph.spaces.skeleton import Skeleton

STEM_FACTOR = 3  # channels of the stem, over those of the first cell
N_CLASSES = 10


class Network(nn.Module):
    """A stem, cells in a row that read the last two outputs, and a classifier.

    Channels double and sizes halve in the cells at a third and at two thirds of the depth; in the
    second cell, where there is no stem.
    """

    def __init__(self, arch: str, skeleton: Skeleton) -> None:
        super().__init__()
        normal, reduction = cells(arch)
        n_cells, channels = skeleton.n_cells, skeleton.channels
        halving = (n_cells // 3, 2 * n_cells // 3) if skeleton.has_stem else (1,)
        width = STEM_FACTOR * channels if skeleton.has_stem else skeleton.input_shape[0]
        self.stem = _stem(skeleton.input_shape[0], width) if skeleton.has_stem else nn.Identity()
        self.cells = nn.ModuleList()
        before, last, was_reduced = width, width, False
        for i in range(n_cells):
            is_reduced = i in halving
            channels *= 2 if is_reduced else 1
            nodes = reduction if is_reduced else normal
            self.cells.append(
                Cell(nodes, before, last, channels, halves=is_reduced, was_halved=was_reduced)
            )
            before, last, was_reduced = last, N_NODES * channels, is_reduced
        self.head = nn.Sequential()
        if skeleton.has_classifier:
            self.head.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, N_CLASSES)])

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape (n, 10), or the feature map where there is no classifier."""
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        out: Tensor = self.head(last)
        return out


class Cell(nn.Module):
    """Four nodes, each the sum of two operations; the output concatenates them."""

    def __init__(
        self,
        nodes: Sequence[Sequence[Edge]],
        before: int,
        last: int,
        channels: int,
        *,
        halves: bool,
        was_halved: bool,
    ) -> None:
        super().__init__()
        self.first = Halving(before, channels) if was_halved else _pointwise(before, channels)
        self.second = _pointwise(last, channels)
        self.edges = nn.ModuleList()
        self.sources: list[list[int]] = []
        for edges in nodes:
            self.sources.append([source for _, source in edges])
            for operation, source in edges:
                stride = 2 if halves and source < 2 else 1
                self.edges.append(make_operation(operation, channels, stride))

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Feature map of four times the channels."""
        states = [self.first(before), self.second(last)]
        edges = iter(self.edges)
        for left, right in self.sources:
            states.append(next(edges)(states[left]) + next(edges)(states[right]))
        return torch.cat(states[2:], dim=1)


class Halving(nn.Module):
    """Halves a feature map by two pointwise convolutions, one of them a pixel further."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(n_in, n_out // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(n_in, n_out - n_out // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map of half the height and width."""
        x = self.relu(x)
        out: Tensor = self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))
        return out


def make_operation(operation: str, channels: int, stride: int) -> nn.Module:
    """Module of an operation."""
    match operation:
        case "max_pool_3x3":
            return nn.MaxPool2d(3, stride=stride, padding=1)
        case "avg_pool_3x3":
            return nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False)
        case "skip_connect":
            return nn.Identity() if stride == 1 else Halving(channels, channels)
        case "sep_conv_3x3" | "sep_conv_5x5":
            size = int(operation[-1])
            return nn.Sequential(
                *_separable(channels, size, stride), *_separable(channels, size, 1)
            )
        case _:
            return nn.Sequential(*_separable(channels, int(operation[-1]), stride, dilation=2))


def _separable(channels: int, size: int, stride: int, dilation: int = 1) -> list[nn.Module]:
    """ReLU, a convolution of each channel, one across channels, batch norm."""
    padding = dilation * (size // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels, channels, size, stride=stride, padding=padding, dilation=dilation,
            groups=channels, bias=False,
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    ]  # fmt: skip


def _pointwise(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out))


def _stem(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out))
