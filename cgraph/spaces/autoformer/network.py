"""Vision transformers with relative positions, as AutoFormer trains them.

Chen et al., 2021, AutoFormer: Searching Transformers for Visual Recognition, ICCV; relative
positions: Shaw, Uszkoreit and Vaswani, 2018, Self-Attention with Relative Position
Representations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

REACH = 14  # rows and columns that relative positions tell apart


@dataclass(frozen=True, slots=True)
class Frame:
    """What does not depend on the architecture.

    Parameters
    ----------
    image, patch : int
        Height and width of images and of patches.
    head : int
        Width of a head.
    shrink : int
        What the width is divided by.
    n_classes : int
        Classes.
    """

    image: int
    patch: int
    head: int
    shrink: int
    n_classes: int


class Transformer(nn.Module):
    """Patches and a class token through layers, the mean of the patches to a classifier."""

    def __init__(self, width: int, layers: Sequence[tuple[int, float]], frame: Frame) -> None:
        super().__init__()
        width //= frame.shrink
        side = frame.image // frame.patch
        self.patches = nn.Conv2d(3, width, frame.patch, stride=frame.patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, side * side + 1, width))
        nn.init.trunc_normal_(self.token, std=0.02)
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.layers = nn.Sequential(
            *(Layer(width, heads, ratio, frame.head, side) for heads, ratio in layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, frame.n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape (n, n_classes)."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        out: Tensor = self.head(self.norm(self.layers(x))[:, 1:].mean(dim=1))
        return out


class Layer(nn.Module):
    """Attention and two linear layers, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, ratio: float, head: int, side: int) -> None:
        super().__init__()
        wide = int(width * ratio)
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads, head, side))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, wide), nn.GELU(), nn.Linear(wide, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        x = x + self.attention(x)
        out: Tensor = x + self.perceptron(x)
        return out


class Attention(nn.Module):
    """Heads of one width each, whatever the width of the tokens."""

    def __init__(self, width: int, heads: int, head: int, side: int) -> None:
        super().__init__()
        self.heads, self.head = heads, head
        self.inputs = nn.Linear(width, 3 * heads * head)
        self.keys, self.values = Relative(head, side), Relative(head, side)
        self.output = nn.Linear(heads * head, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        n, length, _ = x.shape
        parts = self.inputs(x).reshape(n, length, 3, self.heads, self.head)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind()
        scores = queries @ keys.transpose(-2, -1)
        scores = scores + torch.einsum("nhid,ijd->nhij", queries, self.keys())
        weights = (scores * self.head**-0.5).softmax(dim=-1)
        mixed = weights @ values + torch.einsum("nhij,ijd->nhid", weights, self.values())
        out: Tensor = self.output(mixed.transpose(1, 2).reshape(n, length, -1))
        return out


class Relative(nn.Module):
    """A vector for each two tokens, by the rows and by the columns between their patches."""

    places: Tensor

    def __init__(self, head: int, side: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(2 * REACH + 2, head))
        self.columns = nn.Parameter(torch.zeros(2 * REACH + 2, head))
        nn.init.trunc_normal_(self.rows, std=0.02)
        nn.init.trunc_normal_(self.columns, std=0.02)
        patch = torch.arange(side * side)
        places = [_between(patch // side), _between(patch % side)]
        self.register_buffer("places", torch.stack(places), persistent=False)

    def forward(self) -> Tensor:
        """Vectors of shape (tokens, tokens, head)."""
        return self.rows[self.places[0]] + self.columns[self.places[1]]


def _between(line: Tensor) -> Tensor:
    """Place in a table of the lines between two patches; the class token has place 0."""
    apart = (line[None, :] - line[:, None]).clamp(-REACH, REACH) + REACH + 1
    return nn.functional.pad(apart, (1, 0, 1, 0))
