"""The table that `summary` prints."""

import torch
from torch import nn

from cgraph.graphs.computational import ComputationalGraph
from cgraph.tracing.record import trace
from tests.tracing.zoo import unit


def test_a_model():
    model = nn.Sequential(unit(3, 8), unit(8, 8), nn.Flatten(), nn.Linear(512, 10))
    text = trace(model.eval(), torch.ones(1, 3, 8, 8)).summary()
    lines = text.splitlines()
    assert lines[0].startswith("ComputationalGraph('Sequential', 8 kernels")
    assert lines[3].split() == ["conv2d[3x3]", "2", "50,688"]
    assert lines[4].split() == ["linear", "1", "5,120"]
    assert "parameters  5,954 (23,816 bytes)" in lines
    assert "  conv2d.out        1x8x8x8 float32, 2,048 bytes" in lines
    assert "no known family" not in text
    assert max(map(len, lines)) <= 100


def test_the_empty_graph():
    assert ComputationalGraph([], [], [], []).summary().startswith("ComputationalGraph(0 kernels")
