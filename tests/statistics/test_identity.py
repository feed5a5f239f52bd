"""Which models of one's own are one program."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cgraph.errors import ArgumentError, TraceError
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.identity import program_of

X = torch.zeros(2, 3, 8, 8)


def _network(
    width=4, stride=1, dilation=1, slope=0.1, eps=1e-5, dropout=0.1, scale=2.0, classes=5
):  # fmt: skip
    class Scaled(nn.Module):
        def forward(self, x):
            return x * scale

    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride, 4, dilation), nn.BatchNorm2d(width, eps=eps),
        nn.LeakyReLU(slope), Scaled(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout),
        nn.Linear(width, classes),
    )  # fmt: skip


CHANGES = {
    "width": 8, "stride": 2, "dilation": 2, "slope": 0.2, "eps": 1e-3, "dropout": 0.5,
    "scale": 3.0, "classes": 4,
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_every_attribute_makes_another_program(what):
    same = program_of(partial(_network), X)
    assert program_of(_network, X) == same
    assert program_of(partial(_network, **{what: CHANGES[what]}), X) != same


class Branches(nn.Module):
    """Two branches, made in one order or the other, combined in one way or another."""

    def __init__(self, combine, is_reversed=False, is_shared=False, with_spare=False):
        super().__init__()
        wide, narrow = nn.Linear(8, 6), nn.Sequential(nn.Linear(8, 6), nn.ReLU())
        if is_reversed:
            self.second, self.first = narrow, wide
        else:
            self.a, self.b = wide, narrow
        if is_shared:
            narrow[0].weight = wide.weight
        if with_spare:
            self.spare = nn.Linear(8, 6)
        self.branches = (wide, narrow)  # not a module list: a plain tuple
        self.combine = combine

    def forward(self, x):
        wide, narrow = self.branches
        return self.combine(wide(x), narrow(x))


V = torch.zeros(2, 8)


def test_order_and_names_make_no_difference():
    plain = program_of(partial(Branches, torch.add), V)
    assert program_of(partial(Branches, torch.add, is_reversed=True), V) == plain
    assert program_of(partial(Branches, lambda a, b: b + a), V) == plain
    assert program_of(partial(Branches, torch.sub), V) != program_of(
        partial(Branches, lambda a, b: b - a), V
    )


def test_shared_and_unused_parameters_are_seen():
    digests = {
        program_of(partial(Branches, torch.add, is_shared=s, with_spare=w), V)
        for s in (False, True)
        for w in (False, True)
    }
    assert len(digests) == 4


def _drawn(draw):
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    draw(model[2].weight)
    return model


DRAWS = {
    "default": lambda _w: None,
    "normal": nn.init.normal_,
    "wide normal": partial(nn.init.normal_, std=2.0),
    "xavier": nn.init.xavier_uniform_,
    "orthogonal": nn.init.orthogonal_,
    "one row of zeros": lambda w: w.data[0].zero_(),
    "the other row of zeros": lambda w: w.data[1].zero_(),
    "halved": lambda w: w.data.mul_(0.5),
    "ones": lambda w: w.data.copy_(torch.ones(2, 16)),
    "numbers": lambda w: w.data.copy_(torch.as_tensor([[0.5] * 16] * 2)),
    "other numbers": lambda w: w.data.copy_(torch.as_tensor([[0.25] * 16] * 2)),
}


def test_how_parameters_are_drawn_is_seen():
    digests = {how: program_of(partial(_drawn, draw), V) for how, draw in DRAWS.items()}
    assert len(set(digests.values())) == len(DRAWS)
    assert digests == {how: program_of(partial(_drawn, draw), V) for how, draw in DRAWS.items()}


def test_other_models_do_not_share_seeds_or_values():
    models = {how: partial(_drawn, DRAWS[how]) for how in ("default", "wide normal")}
    table = evaluate(models, ["grad-norm"], input_shape=(8,), n_draws=1)
    assert table["value"].nunique() == 2


@settings(max_examples=12)
@given(st.permutations(range(4)))
def test_branches_of_a_sum_in_any_order(order):
    def build(order):
        made = {i: nn.Linear(8, 3 + i) for i in order}
        parts = nn.ModuleDict({str(i): made[i] for i in order})

        class Sum(nn.Module):
            def __init__(self):
                super().__init__()
                self.parts = parts

            def forward(self, x):
                return torch.stack([self.parts[str(i)](x).sum(1) for i in range(4)]).sum(0)

        return Sum()

    assert program_of(partial(build, order), V) == program_of(partial(build, range(4)), V)


def test_recurrent_and_attention_layers():
    x = torch.zeros(2, 5, 8)
    factories = [
        partial(nn.LSTM, 8, 16, batch_first=True),
        partial(nn.LSTM, 8, 16, batch_first=True, bidirectional=True),
        partial(nn.LSTM, 8, 16, batch_first=True, num_layers=2),
        partial(nn.GRU, 8, 16, batch_first=True),
        partial(nn.TransformerEncoderLayer, 8, 2, 32, batch_first=True),
        partial(nn.TransformerEncoderLayer, 8, 4, 32, batch_first=True),
        partial(nn.TransformerEncoderLayer, 8, 2, 32, batch_first=True, activation="gelu"),
    ]
    assert len({program_of(factory, x) for factory in factories}) == len(factories)


def test_the_generator_is_left_alone_and_errors_name_what_came():
    state = torch.get_rng_state()
    program_of(_network, X)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ArgumentError, match="models must make modules, got int"):
        program_of(lambda: 3, X)
    with pytest.raises(TraceError, match="'0'"):
        program_of(_network, V)
