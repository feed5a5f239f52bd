"""Every way to the Gram matrix of the tangent kernel gives what its definition gives."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from cgraph.statistics import ntk
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
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * expected.max())
    vectorised = ntk.gram_of_independent_samples(model, weights, x)
    np.testing.assert_allclose(vectorised, expected, rtol=1e-10, atol=1e-12 * expected.max())


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
