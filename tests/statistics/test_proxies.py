"""The other statistics against their definitions."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from cgraph.errors import ArgumentError
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.measuring import measure
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.values import Reason
from tests import naive
from tests.statistics.networks import convolutional, images, multilayer

X = images(10).double()
LABELS = torch.arange(10) % 5
OF_A_LOSS = [name for name, p in STATISTICS.items() if "labels" in p.needs]


def _model():
    return convolutional(2).double()


def _value(name, model=None, x=X, labels=LABELS):
    return measure(model or _model(), name, x, labels=labels).value


def test_sums_over_gradients():
    weights, gradients = naive.loss_gradients(_model(), X, LABELS)
    pairs = list(zip(weights, gradients, strict=True))
    assert _value("grad-norm") == pytest.approx(sum(float(g.norm()) for g in gradients), rel=1e-9)
    assert _value("snip") == pytest.approx(
        sum(float((w * g).abs().sum().detach()) for w, g in pairs), rel=1e-9
    )
    curved = naive.hessian_product(_model(), X, LABELS)
    expected = -sum(float((w * h).sum().detach()) for w, h in zip(weights, curved, strict=True))
    assert _value("grasp") == pytest.approx(expected, rel=1e-4)


def test_fisher():
    x = images(3, shape=(3, 4, 4)).double()
    labels = torch.tensor([0, 1, 4])
    assert _value("fisher", x=x, labels=labels) == pytest.approx(
        naive.fisher(_model(), x, labels), rel=1e-5
    )


def test_zico():
    batches = [X, images(10, 1).double()]
    model = _model()
    rows = [naive.loss_gradients(model, x, LABELS)[1] for x in batches]
    expected = sum(
        math.log(float((torch.stack(pair).abs().mean(0) / torch.stack(pair).std(0, False)).sum()))
        for pair in zip(*rows, strict=True)
    )
    assert _value("zico", x=batches, labels=[LABELS, LABELS]) == pytest.approx(expected, rel=1e-9)
    assert measure(model, "zico", X, labels=LABELS).reason is Reason.ONE_BATCH


def test_synflow():
    model = copy.deepcopy(_model())
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, nn.Identity())
    for p in model.parameters():
        p.data.abs_()
    model(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().backward()
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    expected = math.log(sum(float((m.weight * m.weight.grad).abs().sum().detach()) for m in layers))
    assert _value("synflow") == pytest.approx(expected, rel=1e-12)
    assert _value("synflow", _model().float(), X.float()) == pytest.approx(expected, rel=1e-6)


def test_synflow_of_a_deep_network_does_not_overflow():
    deep = nn.Sequential(*[nn.Linear(64, 64) for _ in range(60)])
    with torch.no_grad():
        for layer in deep:
            layer.weight.fill_(1.0)
    assert _value("synflow", deep, images(2, shape=(64,))) == pytest.approx(
        math.log(60) + 61 * math.log(64), rel=0.05
    )


def test_zen():
    def features(model, x):
        for module in list(model)[:-3]:
            x = module(x)
        return x

    torch.manual_seed(3)
    model, x = _model(), X
    near = x + 0.01 * torch.randn_like(x)
    with torch.no_grad():
        a, b = features(model, x), features(model, near)
    expected = math.log(float((a - b).abs().sum((1, 2, 3)).mean()))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            expected += math.log(math.sqrt(float(module.running_var.mean())))
    torch.manual_seed(3)
    assert _value("zen") == pytest.approx(expected, rel=1e-9)
    assert measure(multilayer(), "zen", images(4, shape=(8,))).reason is Reason.NO_POOLING


def test_meco():
    model, maps = _model(), []
    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda _m, _i, out: maps.append(out[0]))
    model(X)
    expected = 0.0
    for m in maps:
        if m.dim() == 3:
            flat = m.detach().reshape(len(m), -1).numpy()
            c = np.corrcoef(flat) if flat.shape[1] > 1 else np.zeros((len(m), len(m)))
            expected += np.linalg.eigvalsh(np.nan_to_num(c))[0]
    assert _value("meco") == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert measure(multilayer(), "meco", images(4, shape=(8,))).reason is Reason.NO_FEATURE_MAP


def test_swap_and_sizes():
    model = multilayer()
    x = images(5, shape=(8,))
    codes = naive.relu_codes(copy.deepcopy(model), x)
    assert measure(model, "swap", x).value == len(np.unique(codes.T, axis=0))
    assert measure(model, "params").value == 8 * 64 + 64 + 64 * 3 + 3
    assert measure(model, "macs", x).value == 8 * 64 + 64 * 3
    assert measure(model, "layers").value == 2


@pytest.mark.parametrize("name", OF_A_LOSS)
def test_labels_are_needed_and_checked(name):
    for labels, problem in (
        (None, r"hold a class.*\(10,\), got none"),
        (LABELS[:4], r"be classes.*\(10,\), got shape \(4,\)"),
        ([LABELS, LABELS], "be given for 1 batches, got 2 of them"),
        (LABELS / 2, "be classes.*of dtype float32"),
    ):
        with pytest.raises(ArgumentError, match=f"labels must {problem}"):
            measure(_model(), name, X, labels=labels)
    batches = ([X, X], [LABELS, LABELS]) if name.startswith("zico") else (X, LABELS)
    arrays = [v.numpy() if torch.is_tensor(v) else [t.numpy() for t in v] for v in batches]
    assert measure(_model(), name, arrays[0], labels=arrays[1]) == measure(
        _model(), name, batches[0], labels=batches[1]
    )
    outside = [LABELS + 3] * 2 if name.startswith("zico") else LABELS + 3
    assert measure(_model(), name, batches[0], labels=outside).reason is Reason.TOO_FEW_OUTPUTS


def test_all_of_them_are_estimated():
    names = [n for n, p in STATISTICS.items() if p.skeleton == "full" and p.batch_size <= 64]
    make = lambda: convolutional(4, torch.initial_seed())  # noqa: E731
    table = evaluate(make, names, input_shape=(3, 8, 8), n_draws=2)
    assert list(table["protocol"]) == names
    assert np.isfinite(table["value"]).all()
    for i in range(0, len(names), 5):
        alone = evaluate(make, [names[i]], input_shape=(3, 8, 8), n_draws=2)
        assert alone["value"][0] == table["value"][i], names[i]
