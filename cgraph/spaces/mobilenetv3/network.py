"""MobileNetV3 with the blocks of Once-for-all.

Cai et al., 2020, Once-for-All: Train One Network and Specialize it for Efficient Deployment, ICLR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

STEM, FIRST, LAST, FEATURES = 16, 16, 960, 1280  # channels at width 1
N_CLASSES = 1000
SHRINK = 4  # of the squeeze
DIVISOR = 8


@dataclass(frozen=True, slots=True)
class Unit:
    """Blocks in a row; the first changes the channels and the size.

    Parameters
    ----------
    channels : int
        Channels at width 1.
    stride : int
        Of the first block.
    is_hard : bool
        Whether it has hard swishes in place of rectifiers.
    squeezes : bool
        Whether blocks weigh their channels by what is in them.
    """

    channels: int
    stride: int
    is_hard: bool
    squeezes: bool


UNITS = (
    Unit(24, 2, is_hard=False, squeezes=False),
    Unit(40, 2, is_hard=False, squeezes=True),
    Unit(80, 2, is_hard=True, squeezes=False),
    Unit(112, 1, is_hard=True, squeezes=True),
    Unit(160, 2, is_hard=True, squeezes=True),
)

Blocks = Sequence[Sequence[tuple[int, int]]]
"""Kernel and expansion of each block of each unit."""


def divisible(channels: float) -> int:
    """The multiple of 8 nearest to a number of channels, at least nine tenths of it.

    Examples
    --------
    >>> divisible(16 * 1.2), divisible(4)
    (24, 8)
    """
    found = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return found + DIVISOR if found < 0.9 * channels else found


class Network(nn.Module):
    """A stem, a block without expansion, five units, and a classifier with two wide layers."""

    def __init__(self, units: Blocks, width: float) -> None:
        super().__init__()
        stem, first = divisible(width * STEM), divisible(width * FIRST)
        self.stem = nn.Sequential(*_conv(3, stem, 3, stride=2), nn.Hardswish())
        self.blocks = nn.Sequential()
        self.blocks.append(Block(stem, first, 3, 1, Unit(FIRST, 1, is_hard=False, squeezes=False)))
        channels = first
        for unit, blocks in zip(UNITS, units, strict=True):
            wide = divisible(width * unit.channels)
            for i, (kernel, expansion) in enumerate(blocks):
                stride = unit.stride if i == 0 else 1
                self.blocks.append(Block(channels, wide, kernel, expansion, unit, stride))
                channels = wide
        last, features = divisible(width * LAST), divisible(width * FEATURES)
        self.head = nn.Sequential(
            *_conv(channels, last, 1), nn.Hardswish(), nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(last, features, 1, bias=False), nn.Hardswish(), nn.Flatten(),
            nn.Linear(features, N_CLASSES),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape (n, 1000)."""
        out: Tensor = self.head(self.blocks(self.stem(x)))
        return out


class Block(nn.Module):
    """Inverted bottleneck; with a shortcut where nothing changes the shape."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int, expansion: int, unit: Unit, stride: int = 1
    ) -> None:
        super().__init__()
        wide = divisible(n_in * expansion)
        activation = nn.Hardswish if unit.is_hard else nn.ReLU
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [*_conv(n_in, wide, 1), activation()]
        layers += [*_conv(wide, wide, kernel, stride=stride, groups=wide), activation()]
        if unit.squeezes:
            layers.append(Squeeze(wide))
        layers += _conv(wide, n_out, 1)
        self.layers = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Feature map of the block."""
        out: Tensor = self.layers(x)
        return out + x if self.has_shortcut else out


class Squeeze(nn.Module):
    """Channels weighed by the means of all of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        few = divisible(channels // SHRINK)
        self.weights = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, few, 1), nn.ReLU(),
            nn.Conv2d(few, channels, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """The input, channels weighed."""
        out: Tensor = x * self.weights(x)
        return out


def _conv(n_in: int, n_out: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(n_in, n_out, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(n_out),
    ]
