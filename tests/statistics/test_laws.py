"""Laws that every protocol of the table keeps; a new one is tested with no new test."""

import math
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cgraph import spaces
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.measuring import measure
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.values import Reason
from tests.statistics.networks import convolutional, images, multilayer

N_CLASSES = 5
SHAPES = {"full": (3, 8, 8), "thin": (3, 8, 8), "cell": (1, 3, 3)}
UNTRAINED = [name for name, p in STATISTICS.items() if "training" not in p.needs]


def _batches(name, *, size=12, dtype=torch.float64):
    """Batches as a protocol takes them, and their labels."""
    protocol = STATISTICS[name]
    size = min(size, protocol.batch_size)
    x = [images(size, i).to(dtype) for i in range(protocol.n_batches)]
    return x, [torch.arange(size) % N_CLASSES] * protocol.n_batches


@pytest.mark.parametrize("name", [name for name, p in STATISTICS.items() if not p.is_noisy])
def test_a_permuted_batch_gives_the_same(name):
    model = convolutional().double()
    x, y = _batches(name)
    order = torch.randperm(len(x[0]), generator=torch.Generator().manual_seed(1))
    expected = measure(model, name, x, labels=y)
    found = measure(model, name, [b[order] for b in x], labels=[b[order] for b in y])
    assert expected.value is not None
    assert found.value == pytest.approx(expected.value, rel=1e-9)
    assert (found.parameters, found.note) == (expected.parameters, expected.note)


@pytest.mark.parametrize("name", STATISTICS)
def test_single_precision_is_close_to_double(name):
    x, y = _batches(name, dtype=torch.float32)
    state = torch.get_rng_state()
    single = measure(convolutional(), name, x, labels=y)
    torch.set_rng_state(state)
    model = convolutional().double()
    double = measure(model, name, [b.double() for b in x], labels=y)
    if STATISTICS[name].is_noisy:  # the noise of the two precisions differs
        assert single.value == pytest.approx(double.value, rel=0.1)
    else:
        assert single.value == pytest.approx(double.value, rel=1e-3)


class Loud(nn.Module):
    """Warns and runs into NaN."""

    def __init__(self):
        super().__init__()
        self.body = convolutional()

    def forward(self, x):
        warnings.warn("deprecated", stacklevel=1)
        return self.body(x) * math.nan


@pytest.mark.parametrize("name", STATISTICS)
def test_nan_is_a_reason_and_nothing_is_printed(name, capfd):
    x, y = _batches(name)
    found = measure(Loud().double(), name, x, labels=y)
    if name.endswith("@static"):
        assert found.value is not None
    elif STATISTICS[name].skeleton == "full" and name.startswith(("zen", "synflow")):
        # Neither looks at the logits: what stands before them is finite, or no batch norm is left.
        assert found.value is not None or isinstance(found.reason, Reason)
    else:
        assert found.reason is Reason.NOT_FINITE
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def _isomorphic_cells():
    """Two strings of one program that differ in the order of their edges."""
    space = spaces.get("nasbench201")
    programs = space.programs()
    names = space.architectures()
    first = "|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_3x3~2|"
    same = np.flatnonzero(programs == programs[names.index(first)])
    others = [names[i] for i in same if names[i] != first]
    return [_small(space.candidate(name)) for name in (first, others[0])]


def _small(candidate):
    build = candidate.build
    made = partial(_build, build)
    return replace(candidate, build=made, input_shapes=SHAPES)


def _build(build, skeleton):
    return build("cell" if skeleton == "cell" else "thin")


def test_isomorphic_cells_are_equal_by_one_worker_or_two():
    first, second = _isomorphic_cells()
    assert first.name != second.name
    one = evaluate(first, UNTRAINED, n_draws=2).drop(columns="name")
    two = evaluate(second, UNTRAINED, n_draws=2, n_jobs=2).drop(columns="name")
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert one["value"].notna().all()


class Two(nn.Module):
    """Takes two arguments, gives a mapping."""

    def __init__(self):
        super().__init__()
        self.body = multilayer()

    def forward(self, x, scale):
        return {"hidden": x, "logits": self.body(x * scale)}


class Recurrent(nn.Module):
    """The last state of a recurrent layer, classified."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer(8, 12, batch_first=True)
        self.last = nn.Linear(12, N_CLASSES)

    def forward(self, x):
        return self.last(self.layer(x)[0][:, -1])


class Attentive(nn.Module):
    """An encoder of two layers, pooled and classified."""

    def __init__(self, activation):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, 0.1, activation, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.last = nn.Linear(8, N_CLASSES)

    def forward(self, x):
        return self.last(self.body(x).mean(1))


def _tokens(n):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 9, (n, 6)))


VECTORS, SEQUENCES = partial(images, shape=(8,)), partial(images, shape=(6, 8))
ZOO = {
    "convolutional": (convolutional, images),
    "two arguments": (Two, lambda n: (VECTORS(n), torch.ones(n, 1))),
    "keywords": (Two, lambda n: {"x": VECTORS(n), "scale": torch.ones(n, 1)}),
    "LSTM": (partial(Recurrent, nn.LSTM), SEQUENCES),
    "GRU": (partial(Recurrent, nn.GRU), SEQUENCES),
    "RNN": (partial(Recurrent, nn.RNN), SEQUENCES),
    "transformer with ReLU": (partial(Attentive, "relu"), SEQUENCES),
    "transformer with GELU": (partial(Attentive, "gelu"), SEQUENCES),
    "tokens": (
        lambda: nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.ReLU(), nn.Linear(48, 5)),
        _tokens,
    ),
    "linear": (partial(nn.Linear, 8, N_CLASSES), VECTORS),
    "no parameters": (nn.ReLU, VECTORS),
    "in place": (
        lambda: nn.Sequential(nn.Linear(8, 64), nn.ReLU6(inplace=True), nn.Linear(64, 5)), VECTORS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("kind", ZOO)
def test_any_model_gives_a_number_or_a_reason(kind, mode):
    make, draw = ZOO[kind]
    torch.manual_seed(0)
    model = make()
    for name, protocol in STATISTICS.items():
        x = [draw(8)] * protocol.n_batches
        found = measure(model, name, x, labels=[torch.arange(8) % 3] * len(x), mode=mode)
        if found.value is None:
            assert isinstance(found.reason, Reason), name
        else:
            assert math.isfinite(found.value), name


@pytest.mark.parametrize("kind", [k for k in ZOO if k not in ("linear", "no parameters", "LSTM")])
def test_any_model_is_evaluated(kind):
    make, draw = ZOO[kind]
    named = {"model": make}
    table = evaluate(named, ["grad-norm", "naswot-v2", "params"], inputs=draw(80), n_draws=1)
    assert table["value"].notna().sum() >= 2
    assert table["reason"].dropna().isin([str(reason) for reason in Reason]).all()
