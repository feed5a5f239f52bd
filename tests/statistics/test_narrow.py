"""Quicker backward passes give the gradients of the plain ones."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from cgraph.statistics.narrow import NarrowBackward

CALLS = {
    "3x3": lambda x, w, b: F.conv2d(x, w, b, padding=1),
    "3x3, no padding": lambda x, w, _b: F.conv2d(x, w),
    "stride 2": lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
    "stride 3 and 2": lambda x, w, b: F.conv2d(x, w, b, (3, 2), (0, 1)),
    "1x1": lambda x, w, b: F.conv2d(x, w[:, :, :1, :1], b),
    "1x1 with a stride": lambda x, w, b: F.conv2d(x, w[:, :, :1, :1], b, stride=2),
    "dilated": lambda x, w, b: F.conv2d(x, w, b, padding=2, dilation=2),
    "same": lambda x, w, b: F.conv2d(x, w, b, padding="same"),
    "batch norm": lambda x, w, b: F.batch_norm(x, None, None, w[:3, 0, 0, 0], b[:3], training=True),
    "pooling": lambda x, _w, _b: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "pooling with zeros": lambda x, _w, _b: F.avg_pool2d(x, 5, 1, 2),
    "pooling with a stride": lambda x, _w, _b: F.avg_pool2d(x, 2),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", [(7, 8), (3, 4)], ids=["7x8", "3x4"])
def test_gradients(call, size):
    generator = torch.Generator().manual_seed(0)
    x, w, b = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((2, 3, *size), (4, 3, 3, 3), (4,))
    )
    plain = CALLS[call](x, w, b)
    with NarrowBackward():
        quick = CALLS[call](x, w, b)
    torch.testing.assert_close(quick, plain)
    g = torch.randn(plain.shape, generator=generator, dtype=torch.float64)
    for a, c in zip(
        torch.autograd.grad(quick, (x, w, b), g, allow_unused=True),
        torch.autograd.grad(plain, (x, w, b), g, allow_unused=True),
        strict=True,
    ):
        assert (a is None) == (c is None)
        if a is not None:
            torch.testing.assert_close(a, c)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", [(7, 8), (3, 4)], ids=["7x8", "3x4"])
def test_gradients_of_many_cotangents(call, size):
    generator = torch.Generator().manual_seed(1)
    x, w, b = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((2, 3, *size), (4, 3, 3, 3), (4,))
    )
    with NarrowBackward():
        out = CALLS[call](x, w, b)
    cotangents = torch.randn(5, *out.shape, generator=generator, dtype=torch.float64)

    def pull_back(cotangent):
        return torch.autograd.grad(
            out, (x, w, b), cotangent, retain_graph=True, allow_unused=True, materialize_grads=True
        )

    together = torch.func.vmap(pull_back)(cotangents)
    for i, cotangent in enumerate(cotangents):
        for a, c in zip(together, pull_back(cotangent), strict=True):
            torch.testing.assert_close(a[i], c)
