"""Where batches come from."""

import numpy as np
import pytest
import torch

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.statistics.inputs import input_source
from tests.statistics.networks import images


def _rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", ["gaussian", "crops"])
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 3, 3)], ids=["3x32x32", "1x3x3"])
def test_named_sources(name, shape):
    if name == "crops":
        pytest.importorskip("PIL", reason="Pillow is absent")
    source = input_source(name)
    x = source.draw(_rng(), 200, shape)
    assert x.shape == (200, *shape)
    assert x.dtype == torch.float32
    assert torch.equal(x, source.draw(_rng(), 200, shape))
    assert not torch.equal(x, source.draw(_rng(1), 200, shape))
    assert abs(float(x.mean())) < 0.3
    assert 0.5 < float(x.std()) < 1.5


def test_crops_are_of_images():
    pytest.importorskip("PIL", reason="Pillow is absent")
    with pytest.raises(ArgumentError, match=r"'crops'.*got \(8,\)"):
        input_source("crops").draw(_rng(), 2, (8,))


def test_a_batch_gives_its_head_or_crops():
    x = images(20, shape=(3, 8, 8))
    source = input_source(x)
    assert torch.equal(source.draw(_rng(), 5, (3, 8, 8)), x[:5])
    assert source.draw(_rng(), 50, (1, 3, 3)).shape == (50, 1, 3, 3)
    assert source.id == input_source(x.clone()).id != input_source(x + 1).id
    assert torch.equal(input_source(x.numpy()).draw(_rng(), 5, (3, 8, 8)), x[:5])
    with pytest.raises(ArgumentError, match=r"have samples of shape \(8,\)"):
        source.draw(_rng(), 5, (8,))


def test_a_function_and_what_is_neither():
    source = input_source(lambda _rng, size, shape: torch.ones(size, *shape))
    assert source.draw(_rng(), 2, (3,)).tolist() == [[1.0] * 3] * 2
    with pytest.raises(UnknownNameError, match=r"'gausian'.*did you mean 'gaussian'"):
        input_source("gausian")
    with pytest.raises(ArgumentError, match=r"inputs must be 'gaussian', 'crops'.*got int"):
        input_source(3)
