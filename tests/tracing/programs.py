"""Modules that run what was drawn: `tests.strategies.tensor_programs` and `module_trees`."""

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


class Leaf(nn.Module):
    """A module that calls no other."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        if kind in ("scale", "affine"):
            self.scale = nn.Parameter(torch.tensor(2.0))
        if kind in ("affine", "half_"):
            self.shift = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        if self.kind == "scale":
            return x * self.scale
        if self.kind == "affine":
            return x * self.scale + self.shift
        if self.kind == "relu_":
            return x.relu_()
        if self.kind == "half_":
            x[:, : x.shape[1] // 2].add_(self.shift)
        return x


class Chain(nn.Sequential):
    """One part after the other."""


class Branch(nn.Module):
    """The sum of what the parts make of the same input."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        return sum(ends[1:], ends[0]) if (ends := [part(x) for part in self.parts]) else x


def tree_module(leaves, nest):
    """The module of a tree, with each leaf of the pool made once."""
    pool = [Leaf(kind) for kind in leaves]

    def build(part):
        if isinstance(part, int):
            return pool[part]
        kind, parts = part
        return (Chain if kind == "chain" else Branch)(*map(build, parts))

    return build(nest), pool
