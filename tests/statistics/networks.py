"""Small networks, and the rule by which golden networks get their weights."""

import numpy as np
import torch
from torch import nn


class Block(nn.Module):
    """A residual block, in train mode coupled by batch norm."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels), nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        )  # fmt: skip

    def forward(self, x):
        return x + self.body(x)


def convolutional(channels=4, seed=0):
    """Stem, a block, a reduction with a stride, another block, pooled classifier."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1), nn.BatchNorm2d(channels), Block(channels),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), Block(2 * channels),
        nn.BatchNorm2d(2 * channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(2 * channels, 5),
    )  # fmt: skip


def multilayer(width=64, seed=0):
    """Two layers of rectified units on vectors of 8 values."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 3))


def images(n, seed=0, shape=(3, 8, 8)):
    """Standard normal values, float32."""
    values = np.random.default_rng(seed).standard_normal((n, *shape))
    return torch.from_numpy(values.astype(np.float32))


def fill_by_execution(model, x):
    """Weights drawn layer by layer in the order of execution, as the golden networks have them."""
    order = []
    hooks = [
        module.register_forward_pre_hook(lambda module, _inputs: order.append(module))
        for module in model.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    model.eval()
    with torch.no_grad():
        model(x)
    model.train()
    for hook in hooks:
        hook.remove()
    for i, module in enumerate(dict.fromkeys(order)):
        weight = np.random.default_rng(1000 + i).standard_normal(tuple(module.weight.shape))
        weight *= np.sqrt(2 / module.weight[0].numel())
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(weight.astype(np.float32)))
            if module.bias is not None:
                module.bias.zero_()
    return model
