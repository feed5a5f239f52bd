"""MACs of every kind of compute kernel, by formulas and by PyTorch's counter."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from cgraph.tracing.record import trace
from tests.tracing.zoo import Model

R = torch.randn

COUNTED = {
    "conv1d": (lambda _, x, w: functional.conv1d(x, w, stride=2), R(2, 4, 9), R(6, 4, 3)),
    "conv2d": (lambda _, x, w: functional.conv2d(x, w, padding=1), R(2, 4, 9, 7), R(6, 4, 3, 2)),
    "conv3d": (lambda _, x, w: functional.conv3d(x, w), R(1, 4, 5, 5, 5), R(6, 4, 3, 3, 3)),
    "grouped": (lambda _, x, w: functional.conv2d(x, w, groups=2), R(2, 4, 9, 9), R(6, 2, 3, 3)),
    "depthwise": (lambda _, x, w: functional.conv2d(x, w, groups=4), R(2, 4, 9, 9), R(4, 1, 3, 3)),
    "dilated": (lambda _, x, w: functional.conv2d(x, w, dilation=2), R(2, 4, 9, 9), R(6, 4, 3, 3)),
    "same": (
        lambda _, x, w: functional.conv2d(x, w, padding="same"),
        R(2, 4, 9, 9),
        R(6, 4, 3, 3),
    ),
    "transposed": (
        lambda _, x, w: functional.conv_transpose2d(x, w, stride=2, groups=2),
        R(2, 4, 9, 9),
        R(4, 3, 3, 3),
    ),
    "linear": (lambda _, x, w: functional.linear(x, w), R(2, 3, 4), R(5, 4)),
    "matmul": (lambda _, x, y: x @ y, R(2, 3, 4), R(4, 5)),
    "broadcast": (lambda _, x, y: x @ y, R(2, 1, 3, 4), R(7, 4, 5)),
    "mm": (lambda _, x, y: torch.mm(x, y), R(3, 4), R(4, 5)),
    "bmm": (lambda _, x, y: torch.bmm(x, y), R(2, 3, 4), R(2, 4, 5)),
    "addmm": (lambda _, x, y, z: torch.addmm(z, x, y), R(3, 4), R(4, 5), R(5)),
    "baddbmm": (lambda _, x, y, z: torch.baddbmm(z, x, y), R(2, 3, 4), R(2, 4, 5), R(2, 3, 5)),
    "einsum": (lambda _, x, y: torch.einsum("bij,bkj->bik", x, y), R(2, 3, 4), R(2, 5, 4)),
    "einsum of three": (
        lambda _, x, y, z: torch.einsum("ij,jk,kl->il", x, y, z),
        R(3, 4),
        R(4, 5),
        R(5, 2),
    ),
    "einsum that sums": (lambda _, x, y: torch.einsum("ijk,jl->il", x, y), R(3, 4, 6), R(4, 5)),
    "tensordot": (lambda _, x, y: torch.tensordot(x, y, 2), R(2, 3, 4), R(3, 4, 5)),
    "inner": (lambda _, x, y: torch.inner(x, y), R(3, 4), R(5, 4)),
    "attention": (
        lambda _, q, k, v: functional.scaled_dot_product_attention(q, k, v),
        R(2, 3, 5, 4),
        R(2, 3, 6, 4),
        R(2, 3, 6, 7),
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_equals_half_of_the_flop_counter(name):
    function, *inputs = COUNTED[name]
    model = Model(function)
    counter = FlopCounterMode(display=False)
    # On the meta device attention is done by products, which the counter sees.
    with counter:
        model(*[x.to("meta") for x in inputs])
    graph = trace(model, *inputs)
    assert 2 * graph.macs == counter.get_total_flops()
    assert trace(model, *inputs, fake=False).macs == graph.macs


@pytest.mark.parametrize(
    ("function", "inputs", "macs"),
    [
        (lambda _, x, y: x @ y, (R(4), R(4)), 4),
        (lambda _, x, y: x @ y, (R(3, 4), R(4)), 12),
        (lambda _, x, y: torch.dot(x, y), (R(4), R(4)), 4),
        (lambda _, x, w: functional.conv2d(x, w), (R(4, 9, 9), R(6, 4, 3, 3)), 6 * 7 * 7 * 36),
        (lambda _, x: torch._int_mm(x, x.T), (torch.ones(32, 32, dtype=torch.int8),), 32**3),
        (lambda _, x: functional.layer_norm(x.relu(), (4,)).softmax(-1), (R(3, 4),), 0),
    ],
    ids=["vectors", "vector", "dot", "unbatched", "integers", "none"],
)
def test_what_the_counter_does_not_see(function, inputs, macs):
    assert trace(Model(function), *inputs).macs == macs


@pytest.mark.parametrize(
    ("layer", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)], ids=["lstm", "gru", "rnn"]
)
def test_recurrent_layers(layer, gates):
    steps, batch, size, hidden = 5, 2, 3, 4
    graph = trace(layer(size, hidden, bidirectional=True), R(steps, batch, size))
    assert graph.macs == 2 * steps * batch * gates * hidden * (size + hidden)


def test_packed_sequences_count_their_steps():
    def forward(m, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 1]))
        return nn.utils.rnn.pad_packed_sequence(m.layer(packed)[0])[0]

    graph = trace(Model(forward, layer=nn.GRU(4, 2)), R(3, 2, 4), fake=False)
    assert graph.macs == (3 + 1) * 3 * 2 * (4 + 2)
