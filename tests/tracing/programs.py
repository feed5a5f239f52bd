"""A module that runs drawn instructions; see `tests.strategies.tensor_programs`."""

import torch
from torch import nn

SHAPE = (4, 6)


class Program(nn.Module):
    """Runs the instructions of a program and returns all tensors."""

    def __init__(self, instructions):
        super().__init__()
        self.instructions = instructions
        self.w = nn.Parameter(torch.tensor(2.0))

    def forward(self, x, y):
        tensors = [x, y]
        for name, i, j in self.instructions:
            tensors.append(self.run_one(name, tensors[i], tensors[j]))
        return tensors

    def run_one(self, name, a, b):
        if name == "row":
            return a[0] if a.dim() > 1 else a.view_as(a)
        simple = {
            "columns": lambda: a[..., ::2],
            "turn": lambda: a.permute(*range(a.dim() - 1, -1, -1)),
            "flat": lambda: a.reshape(-1),
            "clone": lambda: a.clone(),
            "relu": lambda: a.relu(),
            "linear": lambda: a * self.w,
            "scale": lambda: a * b.mean(),
            "relu_": lambda: a.relu_(),
            "scale_": lambda: a.mul_(b.mean()),
            "copy_": lambda: a.copy_(b.mean()),
        }
        return simple[name]()
