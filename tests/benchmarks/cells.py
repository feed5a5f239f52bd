"""A space of one's own for the benchmarks: ten cells of six edges, one of four operations each."""

from typing import ClassVar

from torch import nn

from cgraph.spaces.choices import ChoiceSpace

OPERATIONS = ("skip", "pool", "conv1", "conv3")


def operation(word, width):
    """One edge of a cell."""
    if word == "skip":
        return nn.Identity()
    if word == "pool":
        return nn.AvgPool2d(3, 1, 1)
    size = int(word[-1])
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(width, width, size, padding=size // 2), nn.BatchNorm2d(width)
    )


class Cell(nn.Module):
    """Three nodes after the input; each sums what its edges from all before it give."""

    def __init__(self, words, width):
        super().__init__()
        self.edges = nn.ModuleList([operation(word, width) for word in words])

    def forward(self, x):
        """The last node."""
        nodes = [x]
        edges = iter(self.edges)
        for n in (1, 2, 3):
            nodes.append(sum(next(edges)(node) for node in nodes[:n]))
        return nodes[-1]


class Cells(ChoiceSpace):
    """4,096 networks of some 200 kernels."""

    name, summary, source = "cells", "ten cells of six edges", "the benchmarks"
    input_shapes: ClassVar = {"full": (3, 16, 16)}
    choices = (OPERATIONS,) * 6

    def build(self, arch, skeleton):  # noqa: ARG002
        """A network with ten equal cells."""
        words = arch.split("|")
        cells = nn.Sequential(*[Cell(words, 8) for _ in range(10)])
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), cells, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(8, 10),
        )  # fmt: skip
