"""ResNet-50 and MobileNetV2 as torchvision builds them, for 1,000 classes."""

from __future__ import annotations

from torch import Tensor, nn


def conv_norm(
    n_in: int, n_out: int, size: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    conv = nn.Conv2d(n_in, n_out, size, stride, size // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(n_out)]


class Bottleneck(nn.Module):
    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *conv_norm(n_in, width, 1),
            nn.ReLU(inplace=True),
            *conv_norm(width, width, 3, stride),
            nn.ReLU(inplace=True),
            *conv_norm(width, 4 * width, 1),
        )
        changes = stride != 1 or n_in != 4 * width
        self.shortcut = nn.Sequential(*conv_norm(n_in, 4 * width, 1, stride)) if changes else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.branch(x)
        out += x if self.shortcut is None else self.shortcut(x)
        return self.relu(out)


def resnet50() -> nn.Module:
    layers = [*conv_norm(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    n_in = 64
    for width, n_blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(n_blocks):
            layers.append(Bottleneck(n_in, width, stride if block == 0 else 1))
            n_in = 4 * width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n_in, 1000)]
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int, expand: int) -> None:
        super().__init__()
        inside = n_in * expand
        layers = [] if expand == 1 else [*conv_norm(n_in, inside, 1), nn.ReLU6(inplace=True)]
        layers += [*conv_norm(inside, inside, 3, stride, inside), nn.ReLU6(inplace=True)]
        self.branch = nn.Sequential(*layers, *conv_norm(inside, n_out, 1))
        self.adds = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.adds else self.branch(x)


def mobilenet_v2() -> nn.Module:
    stages = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    layers = [*conv_norm(3, 32, 3, 2), nn.ReLU6(inplace=True)]
    n_in = 32
    for expand, n_out, n_blocks, stride in stages:
        for block in range(n_blocks):
            layers.append(InvertedResidual(n_in, n_out, stride if block == 0 else 1, expand))
            n_in = n_out
    layers += [*conv_norm(n_in, 1280, 1), nn.ReLU6(inplace=True)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000)]
    return nn.Sequential(*layers)
