"""One network as it stands: definitions, rectifiers wherever they are, and nothing changed."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.statistics.measuring import measure
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.values import Caveat, Reason
from tests import naive
from tests.statistics.networks import convolutional, images, multilayer

FOUR = ("ntk", "regions", "naswot-v1", "naswot-v2")


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_definitions(mode, dtype):
    model = convolutional().train(mode == "train")
    x = images(12)
    twin = copy.deepcopy(model).double()
    exact = 1e-9 if dtype == torch.float64 else 1e-3
    model, inputs = model.to(dtype), x.to(dtype)
    for name, expected in [
        ("naswot-v2", naive.naswot_v2(copy.deepcopy(twin), x.double())),
        ("naswot-v1", naive.naswot_v1(copy.deepcopy(twin), x.double())),
        ("ntk", naive.ntk_condition(copy.deepcopy(twin), x.double())),
        ("regions", naive.n_regions(copy.deepcopy(twin), [x.double()])),
    ]:
        assert measure(model, name, inputs).value == pytest.approx(expected, rel=exact), name


def test_regions_over_the_union_of_batches():
    model = multilayer(width=3)
    batches = [images(50, seed, (8,)) for seed in range(3)]
    batches.append(batches[0])
    assert measure(model, "regions", batches).value == naive.n_regions(model, batches)


class Functional(nn.Module):
    """`multilayer`, its rectifier called in one of many ways."""

    def __init__(self, rectify):
        super().__init__()
        first, _, last = multilayer()
        self.first, self.last, self.rectify = first, last, rectify

    def forward(self, x):
        return self.last(self.rectify(self.first(x)))


def _in_place_and_overwritten(h):
    y = F.relu_(h)
    return y.clone().mul_(1.0)


RECTIFY = {
    "F.relu": F.relu,
    "torch.relu": torch.relu,
    "method": lambda h: h.relu(),
    "in place": lambda h: h.relu_(),
    "in place, then written": _in_place_and_overwritten,
    "clamp": lambda h: h.clamp(min=0),
    "clamp_min": lambda h: torch.clamp_min(h, 0.0),
    "clamp_ in place": lambda h: h.clamp_(0, 6),
    "clip": lambda h: h.clip(0),
    "maximum": lambda h: torch.maximum(h, torch.zeros(())),
    "maximum of two": lambda h: torch.max(h, torch.zeros_like(h)),
    "fmax": lambda h: torch.fmax(h, torch.zeros(())),
    "hardtanh": lambda h: F.hardtanh(h, 0.0, 6.0),
    "threshold": lambda h: F.threshold(h, 0.0, 0.0),
    "relu6": F.relu6,
    "leaky": lambda h: F.leaky_relu(h, 0.1),
    "rrelu": lambda h: F.rrelu(h, training=True),
    "prelu": lambda h: F.prelu(h, torch.tensor(0.2)),
    "module of a module": nn.Sequential(nn.Sequential(nn.ReLU(inplace=True))),
}


@pytest.mark.parametrize("how", RECTIFY)
def test_rectifiers_are_found_however_they_are_called(how):
    x = images(16, shape=(8,))
    expected = naive.naswot_v2(multilayer(), x)
    found = measure(Functional(RECTIFY[how]), "naswot-v2", x)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.parameters["n_units"] == 64


def test_fused_rectifiers():
    class Fused(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, _, self.last = multilayer()

        def forward(self, x):
            h = torch._addmm_activation(self.first.bias, x, self.first.weight.T)
            return self.last(h)

    x = images(16, shape=(8,))
    assert measure(Fused(), "naswot-v2", x).value == naive.naswot_v2(multilayer(), x)


def test_the_fast_path_of_transformers_is_taken_apart():
    layer = nn.TransformerEncoderLayer(8, 2, 32, batch_first=True).eval()
    x = images(6, shape=(5, 8))
    assert measure(layer, "naswot-v2", x).parameters["n_units"] == 5 * 32
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    "activation",
    [F.gelu, F.silu, F.elu, F.celu, F.mish, F.hardswish, F.softplus, F.logsigmoid, torch.tanh,
     torch.sigmoid],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_smooth_activations_stand_in_where_the_definition_allows(activation):
    model = Functional(activation)
    x = images(16, shape=(8,))
    found = measure(model, "naswot-v2", x)
    assert found.value == pytest.approx(naive.naswot_v2(multilayer(), x), rel=1e-12)
    assert found.note.startswith("sign of the input of ")
    for name in ("regions", "swap"):
        assert measure(model, name, x).reason is Reason.NO_RECTIFIER


class State(nn.Module):
    """A model that keeps much: buffers, dropout, a counter, a frozen parameter, a hook."""

    def __init__(self):
        super().__init__()
        self.body = convolutional()
        self.dropout = nn.Dropout(0.5)
        self.calls = 0
        self.body[0].weight.requires_grad_(False)
        self.body[0].register_forward_hook(lambda *_: None)
        self.body[1].eval()

    def forward(self, x):
        self.calls += 1
        return self.dropout(self.body(x))


@pytest.mark.parametrize("name", STATISTICS)
def test_the_model_is_left_as_it_was_found(name):
    model, x = State(), images(10)
    model(x).sum().backward()
    before = copy.deepcopy(model.state_dict())
    modes = [m.training for m in model.modules()]
    takes_gradient = [p.requires_grad for p in model.parameters()]
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    hooks = [len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules()]
    calls, x_before, state = model.calls, x.clone(), torch.get_rng_state()
    inputs, labels = (
        (x, torch.arange(10) % 5)
        if STATISTICS[name].n_batches == 1
        else ([x, x], [torch.arange(10) % 5] * 2)
    )
    measure(model, name, inputs, labels=labels, mode="train")
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == takes_gradient
    for p, gradient in zip(model.parameters(), gradients, strict=True):
        assert (p.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(p.grad, gradient)
    assert [len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules()] == hooks
    assert model.calls == calls
    assert torch.equal(x, x_before)
    assert not x.requires_grad
    assert torch.equal(torch.get_rng_state(), state)


def test_works_where_gradients_are_switched_off():
    model, x = multilayer(), images(16, shape=(8,))
    expected = [measure(model, name, x).value for name in FOUR]
    with torch.no_grad():
        assert [measure(model, name, x).value for name in FOUR] == expected
    with torch.inference_mode():
        assert [measure(model, name, x).value for name in FOUR] == expected


def test_a_model_may_write_to_its_input():
    model = nn.Sequential(nn.ReLU(inplace=True), multilayer())
    assert measure(model, "naswot-v1", images(16, shape=(8,))).value is not None


def test_nests_of_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = multilayer()

        def forward(self, x, scale):
            return {"hidden": x, "logits": self.body(x * scale)}

    x, scale = images(16, shape=(8,)), torch.ones(16, 1)
    for name in FOUR:
        expected = measure(multilayer(), name, x).value
        for inputs in ((x, scale), {"x": x, "scale": scale}):
            if name == "naswot-v1":  # the gradient with respect to the scale belongs to it too
                assert measure(Two(), name, inputs).value is not None
            else:
                assert measure(Two(), name, inputs).value == pytest.approx(expected, rel=1e-5)


class Constant(nn.Module):
    """Ignores what it is given."""

    def __init__(self):
        super().__init__()
        self.body = multilayer()

    def forward(self, x):
        return self.body(x * 0)


class Diverging(nn.Module):
    """Divides by zero."""

    def __init__(self):
        super().__init__()
        self.body = multilayer()

    def forward(self, x):
        return self.body(x) / 0


class SequenceFirst(nn.Module):
    """Its rectifier sees the batch as its second axis."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 1, 8))

    def forward(self, x):
        return torch.relu(x[None] * self.weight).sum((0, 2))


def _reason(model, name, x):
    return measure(model, name, x).reason


def test_missing_values_have_reasons():
    x = images(12, shape=(8,))
    for name in ("ntk", "naswot-v1"):
        assert _reason(Constant(), name, x) is Reason.IGNORES_INPUT
        assert _reason(Constant().eval(), name, x) is Reason.IGNORES_INPUT
    assert _reason(Constant(), "naswot-v2", x) is Reason.DUPLICATED_SAMPLES
    assert measure(Constant(), "regions", x).note is Caveat.ONE_REGION
    for name in FOUR:
        assert _reason(Diverging(), name, x) is Reason.NOT_FINITE
    for name in ("naswot-v2", "regions"):
        assert _reason(nn.Linear(8, 2), name, x) is Reason.NO_RECTIFIER
        assert _reason(SequenceFirst(), name, x) is Reason.NO_BATCH_AXIS
    assert _reason(multilayer(), "naswot-v2", torch.cat([x, x[:1]])) is Reason.DUPLICATED_SAMPLES
    assert _reason(multilayer(), "ntk", torch.cat([x, x[:1]])) is Reason.SINGULAR
    assert _reason(nn.Linear(8, 1), "ntk", x) is Reason.TOO_FEW_PARAMETERS
    assert _reason(nn.ReLU(), "ntk", x) is Reason.NO_WEIGHT
    assert _reason(nn.Sequential(nn.Linear(1, 3)), "naswot-v1", x[:, :1]) is (
        Reason.CONSTANT_JACOBIAN
    )
    embedding = nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.Linear(8, 2))
    assert _reason(embedding, "naswot-v1", torch.arange(9)) is Reason.NO_INPUT_GRADIENT


def test_saturation_is_said_beside_the_value():
    found = measure(convolutional(), "regions", images(12))
    assert (found.value, found.note) == (12, Caveat.SATURATED)
    assert isinstance(found.note, Caveat)
    one_unit = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    assert measure(one_unit, "swap", images(3, shape=(1,))).note is Caveat.EVERY_PATTERN


def test_samples_that_see_each_other_outside_batch_norm():
    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = multilayer()

        def forward(self, x):
            return self.body(x - x.mean(0))

    x = images(12, shape=(8,)).double()
    model = Centred().double().eval()
    found = measure(model, "ntk", x)
    assert found.value == pytest.approx(naive.ntk_condition(copy.deepcopy(model), x), rel=1e-9)
    assert found.parameters["method"] == "a backward pass a sample"
    alone = measure(multilayer().eval(), "ntk", x)
    assert alone.parameters["method"] == "gradients of single samples"


def test_tied_weights_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(torch.relu(self.a(x)))

    torch.manual_seed(0)
    model, x = Tied().double(), images(6, shape=(8,)).double()
    expected = naive.ntk_condition(copy.deepcopy(model), x)
    for mode in ("train", "eval"):
        assert measure(model, "ntk", x, mode=mode).value == pytest.approx(expected, rel=1e-9)


def test_official_version_two_leaves_out_what_gets_no_gradient():
    class Dead(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = multilayer()

        def forward(self, x):
            torch.relu(x)
            return self.body(x)

    x = images(16, shape=(8,))
    assert measure(Dead(), "naswot-v2", x).parameters["n_units"] == 64 + 8
    official = measure(Dead(), "naswot-v2@official", x)
    assert official.parameters["n_units"] == 64
    assert official.value == naive.naswot_v2(multilayer(), x)


def test_arguments_are_checked():
    x = images(4, shape=(8,))
    with pytest.raises(UnknownNameError, match="did you mean 'naswot-v1'"):
        measure(multilayer(), "naswot_w1", x)
    with pytest.raises(ArgumentError, match=r"model must be a torch.nn.Module, got str"):
        measure("resnet", "ntk", x)
    with pytest.raises(ArgumentError, match=r"inputs must be a batch.*got None"):
        measure(multilayer(), "ntk")
    with pytest.raises(ArgumentError, match=r"share their first axis.*\[3, 4\]"):
        measure(multilayer(), "ntk", (x, x[:3]))
    for name in ("ntk", "naswot-v2", "synflow", "zen"):
        with pytest.raises(ArgumentError, match=r"got \(\d, 9\), on which module '0' \(Linear\)"):
            measure(multilayer(), name, torch.zeros(4, 9))
    with pytest.raises(ArgumentError, match=r"the model \(Sequential\) raised TypeError.*argument"):
        measure(multilayer(), "naswot-v2", (x, x))
    with pytest.raises(ArgumentError, match="mode must be 'train', 'eval' or None, got 'test'"):
        measure(multilayer(), "ntk", x, mode="test")
    stuck = multilayer()
    stuck.cache = stuck(x)
    with pytest.raises(ArgumentError, match=r"deepcopy.*Sequential"):
        measure(stuck, "ntk", x)


def test_float32_has_the_values_of_float64_where_batch_norm_couples_samples():
    torch.manual_seed(0)
    model = nn.Sequential(*[convolutional(4, s)[2] for s in range(24)], nn.Flatten())
    model = nn.Sequential(nn.Conv2d(3, 4, 1), model, nn.Linear(4 * 64, 3))
    x = images(6)
    for name in ("ntk", "naswot-v1"):
        exact = measure(copy.deepcopy(model).double(), name, x.double()).value
        assert measure(model, name, x).value == pytest.approx(exact, rel=1e-4)
    dropping = nn.Sequential(nn.Dropout(0.2), model)
    assert measure(dropping, "ntk", x).value is not None


def test_benchmark_runs(capsys):
    from tests.benchmarks.bench_statistics import main

    main(is_quick=True, repeats=1, with_peaks=False)
    assert "x ours" in capsys.readouterr().out


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are read from Linux's /proc"
)
def test_peaks_of_the_benchmark_are_those_of_a_run():
    program = (
        "import torch; from tests.benchmarks.bench_statistics import peak_of; "
        "print(peak_of(lambda: torch.ones(1 << 24)))"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert float(found) == pytest.approx(64, rel=0.2)
