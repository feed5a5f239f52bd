"""Where networks are run."""

import pandas as pd
import pytest
import torch

from cgraph.errors import ArgumentError
from cgraph.statistics.devices import device_of
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.measuring import measure
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.training import Training
from tests.statistics.networks import convolutional, images, multilayer

QUICK = [name for name, p in STATISTICS.items() if p.skeleton == "full" and p.batch_size <= 64]
TRAINING = Training(steps=2, data=(images(200, 0, (3, 8, 8)), torch.arange(200) % 5))


def _table(**options):
    return evaluate(
        convolutional, [*QUICK, "accuracy"], input_shape=(3, 8, 8), n_draws=1,
        training=TRAINING, **options,
    )  # fmt: skip


def test_the_processor_is_the_default():
    pd.testing.assert_frame_equal(_table(), _table(device="cpu"), check_exact=True)
    x = images(16, shape=(8,))
    assert measure(multilayer(), "ntk", x, device="cpu") == measure(multilayer(), "ntk", x)


def test_a_device_that_is_not_there_is_named():
    absent = ["meta", "nonsense", 3.5]
    if not torch.cuda.is_available():
        absent.append("cuda")
    for device in absent:
        for call in (
            lambda device=device: device_of(device),
            lambda device=device: evaluate(multilayer, input_shape=(8,), device=device),
            lambda device=device: measure(multilayer(), "ntk", images(4), device=device),
        ):
            with pytest.raises(ArgumentError, match=r"device must be a device that this PyTorch"):
                call()


def test_an_accelerator_gives_the_same_to_rounding():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")
    here, there = _table(), _table(device="cuda")
    pd.testing.assert_frame_equal(here, there, rtol=1e-2)
    early = here["t"] == 0
    pd.testing.assert_series_equal(here["value"][early], there["value"][early], rtol=1e-3)
