"""Every way to the Gram matrix of the tangent kernel gives what its definition gives."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from cgraph.statistics import ntk
from cgraph.statistics.measuring import measure
from cgraph.statistics.per_sample import PerSampleGram
from tests.statistics.networks import convolutional, images, multilayer


class Shared(nn.Module):
    """One linear layer used twice, on vectors and on sequences, and a head that is no module."""

    def __init__(self, *, is_sequence=False, is_scaled=False):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.head_weight = nn.Parameter(torch.randn(3, 8))
        self.is_sequence, self.is_scaled = is_sequence, is_scaled

    def forward(self, x):
        if self.is_sequence:
            x = x.unflatten(1, (2, 4)).repeat(1, 2, 2)
        x = torch.relu(self.layer(torch.relu(self.layer(x))))
        weight = self.head_weight * 2 if self.is_scaled else self.head_weight
        out = F.linear(x, weight)
        return out.sum(1) if self.is_sequence else out


def strided():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=(1, 0)), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
        nn.Conv2d(6, 4, (1, 2)), nn.BatchNorm2d(4), nn.Tanh(), nn.Conv2d(4, 5, 1, stride=2),
        nn.Flatten(), nn.LazyLinear(7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3),
    )  # fmt: skip


def grouped():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def seeded(make):
    torch.manual_seed(0)
    return make()


MODELS = {  # model, shape of an input, whether its layers are all known
    "blocks": (convolutional, (3, 8, 8), True),
    "strides": (strided, (3, 9, 8), True),
    "linear": (multilayer, (8,), True),
    "shared weight": (Shared, (8,), True),
    "sequences": (lambda: Shared(is_sequence=True), (8,), True),
    "computed weight": (lambda: Shared(is_scaled=True), (8,), False),
    "groups": (grouped, (4, 8, 8), False),
}


def by_definition(model, x):
    weights = [p for n, p in model.named_parameters() if "weight" in n]
    rows = []
    for one in model(x).flatten(1).sum(1):
        gradients = torch.autograd.grad(one, weights, retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in gradients]))
    return (torch.stack(rows) @ torch.stack(rows).T).detach().numpy()


@pytest.mark.parametrize("name", MODELS)
def test_gram_of_single_samples(name):
    make, shape, is_known = MODELS[name]
    x = images(5, shape=shape).double()
    model = seeded(make).double()
    model(x)  # moves running statistics away from 0 and 1, and makes lazy layers
    model.eval()
    weights = {n: p for n, p in model.named_parameters() if "weight" in n}
    expected = by_definition(model, x)
    found = ntk.gram_by_layers(model, weights, x)
    assert (found is not None) == is_known
    if found is not None:
        np.testing.assert_allclose(found.kernel, expected, rtol=1e-10, atol=1e-12 * expected.max())
    vectorised = ntk.gram_of_independent_samples(model, weights, x)
    np.testing.assert_allclose(vectorised.kernel, expected, rtol=1e-10, atol=1e-12 * expected.max())
    size = float(model(x).detach().abs().sum())
    assert vectorised.magnitude == pytest.approx(size, rel=1e-9)
    assert found is None or found.magnitude == pytest.approx(size, rel=1e-9)


class Around(nn.Module):
    """A layer between two linear ones; its input has a shape of its own."""

    def __init__(self, layer, shape, n_uses=1):
        super().__init__()
        self.first = nn.Linear(8, math.prod(shape))
        self.layer, self.shape, self.n_uses = layer, shape, n_uses
        self.last = nn.LazyLinear(3)

    def forward(self, x):
        x = torch.tanh(self.first(x)).unflatten(1, self.shape)
        for _ in range(self.n_uses):
            x = self.layer(x)
            x = torch.tanh(x[0] if isinstance(x, tuple) else x)
        return self.last(x.flatten(1))


class Words(nn.Module):
    """Rows of a table, found by the order of the values."""

    def __init__(self):
        super().__init__()
        self.table, self.last = nn.Embedding(8, 4, padding_idx=0), nn.Linear(32, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.table(x.argsort(1))).flatten(1))


class Attending(nn.MultiheadAttention):
    """Attention of a sequence to itself."""

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


def _conv(kind, *args, **options):
    return lambda: kind(*args, **options)


LAYERS = {  # layer, shape of its input without the batch, how often it is used
    "linear on vectors": (lambda: nn.Linear(6, 5), (6,), 1),
    "linear on sequences": (lambda: nn.Linear(3, 5), (4, 3), 1),
    "linear on grids": (lambda: nn.Linear(3, 2), (2, 2, 3), 1),
    "linear used thrice": (lambda: nn.Linear(6, 6, bias=False), (6,), 3),
    "bilinear with itself": (lambda: Twice(nn.Bilinear(4, 4, 3)), (4,), 1),
    "conv1d": (_conv(nn.Conv1d, 2, 4, 3), (2, 7), 1),
    "conv1d, all options": (
        _conv(nn.Conv1d, 4, 4, 3, stride=2, padding=2, dilation=2, groups=2), (4, 7), 1,
    ),
    "conv2d, stride and padding": (_conv(nn.Conv2d, 2, 3, 3, (2, 1), (0, 2)), (2, 5, 4), 1),
    "conv2d, groups": (_conv(nn.Conv2d, 4, 4, 3, groups=2), (4, 4, 4), 1),
    "conv2d, depthwise": (_conv(nn.Conv2d, 4, 8, 3, groups=4, padding=1), (4, 4, 4), 1),
    "conv2d, dilation": (_conv(nn.Conv2d, 2, 3, (2, 3), dilation=(1, 2)), (2, 5, 6), 1),
    "conv2d, padding by name": (_conv(nn.Conv2d, 2, 3, 3, padding="same"), (2, 4, 4), 1),
    "conv2d, circular": (
        _conv(nn.Conv2d, 2, 3, 3, padding=1, padding_mode="circular"), (2, 4, 4), 1,
    ),
    "conv2d, reflected": (
        _conv(nn.Conv2d, 2, 3, 3, padding=1, padding_mode="reflect"), (2, 4, 4), 1,
    ),
    "conv2d, replicated": (
        _conv(nn.Conv2d, 2, 3, 3, padding=1, padding_mode="replicate"), (2, 4, 4), 1,
    ),
    "conv2d used twice": (_conv(nn.Conv2d, 2, 2, 3, padding=1), (2, 4, 4), 2),
    "conv3d": (_conv(nn.Conv3d, 2, 2, 2, stride=(1, 2, 1), groups=2), (2, 3, 4, 3), 1),
    "transposed conv1d": (_conv(nn.ConvTranspose1d, 3, 2, 3, stride=2), (3, 4), 1),
    "transposed conv2d": (
        _conv(nn.ConvTranspose2d, 4, 2, 3, 2, 1, output_padding=1, groups=2), (4, 3, 3), 1,
    ),
    "transposed conv3d": (_conv(nn.ConvTranspose3d, 2, 2, 2), (2, 2, 2, 2), 1),
    "batch norm of vectors": (_conv(nn.BatchNorm1d, 6), (6,), 1),
    "batch norm of sequences": (_conv(nn.BatchNorm1d, 3), (3, 4), 1),
    "batch norm of images": (_conv(nn.BatchNorm2d, 3), (3, 2, 2), 2),
    "batch norm of volumes": (_conv(nn.BatchNorm3d, 2), (2, 2, 2, 2), 1),
    "layer norm": (_conv(nn.LayerNorm, (3, 4)), (2, 3, 4), 1),
    "RMS norm": (_conv(nn.RMSNorm, 4), (2, 4), 1),
    "group norm": (_conv(nn.GroupNorm, 2, 4), (4, 3), 1),
    "instance norm": (_conv(nn.InstanceNorm2d, 3, affine=True), (3, 3, 3), 1),
    "PReLU": (_conv(nn.PReLU, 3), (3, 4), 1),
    "LSTM": (_conv(nn.LSTM, 3, 4, 2, batch_first=True, bidirectional=True), (4, 3), 1),
    "GRU": (_conv(nn.GRU, 3, 4, batch_first=True), (4, 3), 1),
    "attention": (_conv(Attending, 4, 2, batch_first=True), (3, 4), 1),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 2)), (2, 3, 3), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*LAYERS, "embedding"])
def test_evaluation_mode_gives_the_plain_definition(name):
    torch.manual_seed(0)
    if name == "embedding":
        model = Words().double()
    else:
        make, shape, n_uses = LAYERS[name]
        model = Around(make(), shape, n_uses).double()
    x = images(6, shape=(8,)).double()
    model(x)  # moves running statistics away from 0 and 1, and makes lazy layers
    model.eval()
    weights = {n: p for n, p in model.named_parameters() if "weight" in n}
    expected = by_definition(model, x)
    for way in (ntk.gram_by_layers, ntk.gram_of_independent_samples):
        found = way(model, weights, x)
        if found is not None:
            close = {"rtol": 1e-9, "atol": 1e-11 * expected.max()}
            np.testing.assert_allclose(found.kernel, expected, **close)
    v = np.linalg.eigvalsh(expected)
    found = measure(model, "ntk", x)
    assert found.value == pytest.approx(v[-1] / v[0], rel=1e-7)
    assert measure(model.float(), "ntk", x).value == pytest.approx(v[-1] / v[0], rel=1e-3)


class Twice(nn.Module):
    """A layer of two arguments, given one value for both."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x)


def test_samples_that_see_each_other_are_noticed():
    class Coupled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 3)

        def forward(self, x):
            return self.layer(x - x.mean(0))

    model = seeded(Coupled).eval()
    assert (
        ntk.gram_by_layers(model, {"layer.weight": model.layer.weight}, images(5, shape=(8,)))
        is None
    )


@pytest.mark.parametrize("n_at_once", [1, 2, 5, 12])
def test_gram_by_backward_passes(n_at_once):
    model, x = convolutional().double(), images(5).double()
    weights = [p for n, p in model.named_parameters() if "weight" in n]
    found = ntk.gram_by_backward_passes(model(x).sum(1), weights, n_at_once=n_at_once)
    np.testing.assert_allclose(found, by_definition(model, x), rtol=1e-10)


def test_a_branch_without_gradient_adds_nothing():
    weight = nn.Parameter(torch.ones(2, 3))
    gram = PerSampleGram([weight], 4)
    with gram:
        F.linear(torch.ones(4, 3), weight)
    assert not gram.gram().any()
