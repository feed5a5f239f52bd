"""Where batches come from."""

import numpy as np
import pytest
import torch

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.statistics.datasets import labelled_data
from cgraph.statistics.inputs import input_source, source_of_data
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


def test_a_batch_gives_some_of_its_samples_or_crops():
    x = images(20, shape=(3, 8, 8))
    source = input_source(x)
    some, more = (source.draw(_rng(), n, (3, 8, 8)) for n in (5, 9))
    assert torch.equal(some, more[:5])
    assert {tuple(row) for row in more.flatten(1).tolist()} < {
        tuple(row) for row in x.flatten(1).tolist()
    }
    assert not torch.equal(some, source.draw(_rng(1), 5, (3, 8, 8)))
    assert source.draw(_rng(), 50, (1, 3, 3)).shape == (50, 1, 3, 3)
    assert source.id == input_source(x.clone()).id != input_source(x + 1).id
    assert torch.equal(input_source(x.numpy()).draw(_rng(), 5, (3, 8, 8)), some)
    with pytest.raises(ArgumentError, match=r"have samples of shape \(8,\)"):
        source.draw(_rng(), 5, (8,))


def test_labels_go_with_their_samples():
    x, y = images(20, shape=(8,)), np.arange(20) % 5
    x[:, 0] = torch.from_numpy(y)
    source = input_source({"x": x, "scale": 2.0}, list(y))
    batch, labels = source.draw(_rng(3), 7, (8,)), source.labels(_rng(3), 7)
    assert batch["x"][:, 0].tolist() == labels.tolist()
    assert batch["scale"] == 2.0
    assert source.id != input_source(x, y[::-1]).id
    data = source_of_data(labelled_data((x, y)))
    assert data.draw(_rng(3), 7, (8,))[:, 0].tolist() == data.labels(_rng(3), 7).tolist()
    assert input_source(x).labels is None
    for labels, came in ((y[:4], r"shape \(4,\)"), (y / 2, ".* of dtype float64"), (y - 1, "-1")):
        with pytest.raises(ArgumentError, match=rf"labels must .*got {came}"):
            input_source(x, labels)
    with pytest.raises(ArgumentError, match=r"come with samples of your own.*inputs='gaussian'"):
        input_source("gaussian", y)


def test_a_function_and_what_is_neither():
    source = input_source(lambda _rng, size, shape: torch.ones(size, *shape))
    assert source.draw(_rng(), 2, (3,)).tolist() == [[1.0] * 3] * 2
    with pytest.raises(UnknownNameError, match=r"'gausian'.*did you mean 'gaussian'"):
        input_source("gausian")
    with pytest.raises(ArgumentError, match=r"inputs must be 'gaussian', 'crops'.*got int"):
        input_source(3)
