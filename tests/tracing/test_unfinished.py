"""Models in a half-finished state: each error says what is missing."""

import pytest
import torch
from torch import nn

from cgraph.errors import TraceError
from cgraph.tracing.record import trace


class NotSetUp(nn.Module):
    def __init__(self):
        self.width = 3

    def forward(self, x):
        return x


class LayerMissing(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, x):
        return self.second(self.first(x))


@pytest.mark.parametrize(
    ("model", "fact"),
    [
        (NotSetUp(), r"NotSetUp\.__init__ did not set up nn\.Module; call super"),
        (nn.Module(), "Module has no forward"),
        (nn.ModuleList([nn.ReLU()]), "ModuleList has no forward"),
        (nn.Sequential(nn.LazyLinear(4)), "its .weight. is lazy"),
        (LayerMissing(), "no attribute 'second'"),
    ],
    ids=["not set up", "no forward", "a list", "lazy", "layer missing"],
)
def test_an_unfinished_model_says_what_is_missing(model, fact):
    with pytest.raises(TraceError, match=fact):
        trace(model, torch.empty(2, 4))
