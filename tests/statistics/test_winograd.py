"""Convolutions in tiles against plain sums, and their transposes against the definition of one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cgraph.errors import ArgumentError
from cgraph.statistics.measuring import measure
from cgraph.statistics.winograd import LEAST, Transposed, Workspace, convolve
from tests import naive
from tests.statistics.networks import convolutional, images

SIZES = st.tuples(*[st.integers(1, n) for n in (3, 4, 4, 7, 7)])
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def drawn(sizes, seed, dtype=torch.float64):
    """An input, weights, a bias and a gradient."""
    n, n_in, n_out, height, width = sizes
    generator = torch.Generator().manual_seed(seed)
    shapes = (n, n_in, height, width), (n_out, n_in, 3, 3), (n_out,), (n, n_out, height, width)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


@given(SIZES, st.integers(0, 99), st.booleans())
def test_convolution(sizes, seed, is_channels_last):
    x, weight, bias, _ = drawn(sizes, seed)
    expected = torch.from_numpy(naive.convolution(x.numpy(), weight.numpy()))
    if is_channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(convolve(x, weight), expected, **EXACT)
    torch.testing.assert_close(convolve(x, weight, bias), expected + bias[:, None, None], **EXACT)


@given(SIZES, st.integers(0, 99))
def test_backward_passes_are_transposes(sizes, seed):
    x, weight, _, g = drawn(sizes, seed)
    grad_x, grad_weight = Transposed(weight, Workspace()).gradients(g, x)
    product = (g * convolve(x, weight)).sum()
    torch.testing.assert_close((grad_x * x).sum(), product, **EXACT)
    torch.testing.assert_close((grad_weight * weight).sum(), product, **EXACT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_backward_passes_are_those_of_torch_and_memory_is_used_again(dtype):
    workspace = Workspace()
    for i, sizes in enumerate([(4, 40, 33, 8, 8), (2, 33, 40, 9, 5), (3, 8, 8, 1, 2)] * 2):
        x, weight, _, g = drawn(sizes, i, dtype)
        transposed = Transposed(weight, workspace)
        x.requires_grad_()
        weight.requires_grad_()
        expected = torch.autograd.grad(torch.conv2d(x, weight, padding=1), (x, weight), g)
        found = transposed.gradients(g, x)
        tolerance = 1e-4 if dtype == torch.float32 else 1e-12
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * float(b.abs().max()))
        assert transposed.gradients(g, x, needs_input=False)[0] is None
        assert transposed.gradients(g, x, needs_weight=False)[1] is None


def test_the_tangent_kernel_of_a_wide_network_is_that_of_float64(monkeypatch):
    model = convolutional(LEAST)
    x = images(6)
    calls = []
    plain = Transposed.gradients
    monkeypatch.setattr(Transposed, "gradients", lambda *a, **k: calls.append(1) or plain(*a, **k))
    found = measure(model, "ntk", x).value
    assert calls
    exact = naive.ntk_condition(model.double(), x.double())
    assert found == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("channels", [4, LEAST])
@pytest.mark.parametrize("n", [0, 3])
def test_what_does_not_fit_is_refused_as_torch_does(channels, n):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
    refused = "a sample at least" if n == 0 else f"to have {channels} channels"
    for n_channels in (channels - 1, channels + 1):
        with pytest.raises(ArgumentError, match=refused):
            measure(model, "ntk", torch.randn(n, n_channels, 3, 3))
