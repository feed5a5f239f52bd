"""A value that rounding made, or that cannot be had, is a reason; no model raises."""

import pytest
import torch
from torch import nn

from cgraph.statistics.measuring import measure
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.rounding import widened
from cgraph.statistics.values import Reason
from tests import naive
from tests.statistics.networks import convolutional, images, multilayer

X, LABELS = images(8, shape=(8,)), torch.arange(8) % 3
OF_A_LOSS = ("grad-norm", "snip", "grasp", "fisher")


def _reason(model, name, x=X, **options):
    return measure(model, name, x, **options).reason


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(
    "last", [nn.Softmax(1), nn.LayerNorm(3, elementwise_affine=False)], ids=["softmax", "norm"]
)
def test_outputs_with_a_constant_sum(last, mode, dtype):
    model = nn.Sequential(multilayer(), last).to(dtype)
    for name in ("ntk", "naswot-v1"):
        assert _reason(model, name, X.to(dtype), mode=mode) is Reason.CANCELLED, name
    assert measure(model, "naswot-v1@official", X.to(dtype), mode=mode).value is not None
    assert _reason(model, "synflow", X.to(dtype)) in (Reason.CANCELLED, Reason.IGNORES_INPUT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_batch_norm_makes_the_sum_over_the_batch_constant(dtype):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.BatchNorm2d(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 3),
    ).to(dtype)  # fmt: skip
    x = images(8).to(dtype)
    assert _reason(model, "naswot-v1", x) is Reason.CANCELLED
    assert _reason(model, "ntk", x) is Reason.SINGULAR
    assert measure(model, "naswot-v1", x, mode="eval").value is not None


def test_small_gradients_that_are_no_rounding():
    model, x = multilayer().double(), X.double()
    expected = measure(model, "ntk", x).value
    with torch.no_grad():
        model[2].weight *= 1e-12
        model[2].bias += 1e6
    for mode in ("train", "eval"):
        assert measure(model, "ntk", x, mode=mode).value > expected
        assert measure(model, "naswot-v1", x, mode=mode).value is not None


def test_rows_that_are_constant_but_for_rounding():
    torch.manual_seed(0)
    mean = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"), nn.Conv2d(4, 4, 1))
    model = nn.Sequential(mean, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    for dtype in (torch.float32, torch.float64):
        x = images(8, shape=(1, 6, 6)).to(dtype)
        assert _reason(model.to(dtype), "naswot-v1", x) is Reason.CONSTANT_JACOBIAN


def test_one_sample_has_a_condition_number():
    assert measure(multilayer(), "ntk", X[:1]).value == 1
    assert measure(multilayer().eval(), "ntk", X[:1]).value == 1


class Without(nn.Module):
    """No gradient comes back from it."""

    def __init__(self):
        super().__init__()
        self.body = multilayer()

    def forward(self, x):
        with torch.no_grad():
            return self.body(x)


class Idle(nn.Module):
    """A layer that is not run."""

    def __init__(self):
        super().__init__()
        self.body, self.bias = multilayer(), nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.bias.expand(len(x), -1).clone()


class Chosen(nn.Module):
    """The place of the largest output."""

    def __init__(self):
        super().__init__()
        self.body = multilayer()

    def forward(self, x):
        return self.body(x).argmax(1)


def test_models_without_what_is_asked_for():
    assert _reason(Without(), "ntk", mode="train") is Reason.NO_GRADIENT
    for name in OF_A_LOSS:
        assert _reason(Without(), name, labels=LABELS) is Reason.NO_GRADIENT
        assert measure(Idle(), name, X, labels=LABELS).value == 0
        assert _reason(Chosen(), name, labels=LABELS) is Reason.NO_LOGITS
    assert _reason(Chosen(), "synflow") is Reason.NO_LOGITS
    same = [X, X]
    assert _reason(multilayer(), "zico", same, labels=[LABELS] * 2) is Reason.SAME_GRADIENT


class Casting(nn.Module):
    """Casts pixels to float32, and makes a matrix in the type that is the default."""

    def __init__(self):
        super().__init__()
        self.body = convolutional()

    def forward(self, x):
        x = x.float() / 255
        return self.body(x) @ torch.eye(5) + torch.zeros(5, dtype=torch.float32)


@pytest.mark.parametrize("name", [n for n, p in STATISTICS.items() if p.n_batches == 1])
def test_models_that_cast_to_single_precision(name):
    pixels = torch.from_numpy(images(8).numpy() * 40 + 128).to(torch.uint8)
    labels = torch.arange(8) % 5
    found = measure(Casting(), name, pixels, labels=labels)
    if name.startswith("naswot-v1"):  # pixels take no gradient
        assert found.reason is Reason.NO_INPUT_GRADIENT
    elif name.startswith(("zen", "synflow")):  # noise and ones are for floating-point inputs
        assert found.value is not None or found.reason is Reason.IGNORES_INPUT
    else:
        expected = measure(convolutional(), name, pixels.float() / 255, labels=labels)
        assert found.value == pytest.approx(expected.value, rel=1e-3), found.reason
    assert torch.get_default_dtype() is torch.float32


def test_the_default_type_is_put_back():
    with widened():
        assert torch.ones(1).dtype is torch.ones(1, dtype=torch.float32).dtype is torch.float64
    with pytest.raises(KeyError), widened():
        raise KeyError
    assert torch.ones(1).dtype is torch.float32


def test_weights_that_are_computed_are_those_of_a_layer():
    """Weight norm as it is drawn gives the weight that the layer had."""
    plain, x = multilayer().double(), X.double()
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(multilayer()[0]), *multilayer()[1:])
    model = model.double()
    for name in (*OF_A_LOSS, "zico", "synflow"):
        batches, labels = ([x, x.flip(1)], [LABELS] * 2) if name == "zico" else (x, LABELS)
        expected = measure(plain, name, batches, labels=labels).value
        found = measure(model, name, batches, labels=labels).value
        assert found == pytest.approx(expected, rel=1e-6), name


def test_official_version_two_of_models_of_words():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.ReLU(), nn.Linear(48, 5))
    words = torch.randint(0, 9, (6, 6))
    expected = naive.naswot_v2(model, words)
    for name in ("naswot-v2", "naswot-v2@official"):
        assert measure(model, name, words).value == pytest.approx(expected, rel=1e-12)


def test_maps_of_volumes():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip
    x = images(6, shape=(2, 5, 5, 5))
    for name in ("zen", "meco"):
        assert measure(model, name, x).value is not None
