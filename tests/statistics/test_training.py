"""Statistics over a training: an honest loop, at every time, and checkpoints of one's own."""

import copy
import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.statistics.candidate import Candidate
from cgraph.statistics.checkpoints import Checkpoints
from cgraph.statistics.datasets import fitted_to_shape, labelled_data, split
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.measuring import measure
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.training import Training, cosine
from cgraph.statistics.values import Reason
from tests.statistics.networks import convolutional, images

FULL = [name for name, p in STATISTICS.items() if p.skeleton == "full" and p.batch_size <= 256]


def _mlp(width=24, n_inputs=8, n_classes=3):
    return nn.Sequential(
        nn.Linear(n_inputs, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, n_classes)
    )


def _data(n=300, seed=0):
    """Classes that a small network learns in a few steps."""
    x = images(n, seed, (8,))
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


SHORT = Training(steps=20, data=_data(), learning_rate=0.1)


def _same(a, b):
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_accuracy_rises_and_time_is_a_column():
    training = Training(epochs=20, data=_data())
    table = evaluate(
        {"mlp": _mlp}, ["accuracy", "grad-norm"], input_shape=(8,), n_draws=2, training=training
    )
    assert table["t"].tolist() == [0, 30, 60] * 2
    assert set(table["note"]) == {"of 60 samples", ""}
    assert list(table.columns[3:6]) == ["protocol", "t", "direction"]
    before, _, after = table[table["statistic"] == "accuracy"]["value"]
    assert before + 20 < after
    assert 70 < after <= 100
    assert table["n_failures"].sum() == 0
    assert "t" not in evaluate({"mlp": _mlp}, ["swap"], input_shape=(8,), n_draws=1)


def test_every_statistic_at_every_time():
    data = (images(400, 0, (3, 8, 8)), np.arange(400) % 5)
    training = Training(steps=4, data=data, batch_size=16)
    make = partial(convolutional, 4)
    table = evaluate({"net": make}, FULL, input_shape=(3, 8, 8), n_draws=1, training=training)
    assert set(table["protocol"]) == set(FULL)
    assert np.isfinite(table["value"]).all(), table[table["value"].isna()]["reason"]
    changed = table.groupby("statistic")["value"].nunique()
    static = {"params", "macs", "layers"}
    assert set(changed[changed == 1].index) <= static | {"regions", "accuracy"}
    assert (changed[list(static)] == 1).all()


def test_at_the_start_nothing_is_changed():
    plain = evaluate(_mlp, ["ntk", "zen", "swap"], input_shape=(8,), n_draws=2)
    trained = evaluate(
        _mlp, ["ntk", "zen", "swap"], input_shape=(8,), n_draws=2, inputs="gaussian", training=SHORT
    )
    _same(plain, trained[trained["t"] == 0].drop(columns="t").reset_index(drop=True))


def _by_hand(model, x, y, seed, steps, batch):
    """The same training in plain PyTorch."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = []
    for _ in range(steps):
        if len(order) < batch:
            order = list(rng.permutation(len(x)))
        rows, order = order[:batch], order[batch:]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
    return model


def test_the_loop_is_that_of_a_textbook():
    from cgraph.statistics.course import Start

    course = SHORT.course()
    torch.manual_seed(1)
    model = _mlp()
    start = Start(lambda: copy.deepcopy(model), "full", (8,), 5, torch.device("cpu"))
    (moment,) = course.moments(start, [20])
    x = torch.from_numpy(course.data.inputs[course.data.rows])
    y = torch.from_numpy(course.data.labels[course.data.rows])
    expected = _by_hand(copy.deepcopy(model), x, y, 5, 20, 64)
    for ours, theirs in zip(moment.make().parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert cosine(1 / 3) == pytest.approx(0.75)


def test_nothing_depends_on_company_times_or_workers():
    names = ["accuracy", "zen", "grad-norm"]
    models = {"a": _mlp, "b": partial(_mlp, 30)}
    state = torch.get_rng_state()
    table = evaluate(models, names, input_shape=(8,), n_draws=2, training=SHORT)
    assert torch.equal(torch.get_rng_state(), state)
    _same(evaluate(models, names, input_shape=(8,), n_draws=2, training=SHORT, n_jobs=2), table)
    end = Training(steps=20, data=_data(), learning_rate=0.1, at=(1,))
    alone = evaluate({"b": models["b"]}, "accuracy", input_shape=(8,), n_draws=2, training=end)
    rows = table[(table["name"] == "b") & (table["statistic"] == "accuracy") & (table["t"] == 20)]
    assert alone["value"].tolist() == rows["value"].tolist()


def test_a_store_resumes_and_tells_trainings_apart(tmp_path):
    path = tmp_path / "draws.sqlite"
    calls = []

    def stop(done, _total):
        calls.append(done)
        if done == 1:
            raise KeyboardInterrupt

    run = partial(
        evaluate, {"mlp": _mlp}, ["accuracy", "swap"], input_shape=(8,), n_draws=2, store=path
    )
    with pytest.raises(KeyboardInterrupt):
        run(training=SHORT, progress=stop)
    calls.clear()
    resumed = run(training=SHORT, progress=lambda done, _total: calls.append(done))
    assert calls == [1, 2]
    _same(resumed, evaluate({"mlp": _mlp}, ["accuracy", "swap"], input_shape=(8,), n_draws=2,
                            training=SHORT))  # fmt: skip
    calls.clear()
    longer = Training(steps=20, data=_data(), learning_rate=0.2)
    other = run(training=longer, progress=lambda done, _total: calls.append(done))
    assert calls == [0, 1, 2]
    assert not other["value"].equals(resumed["value"])


def test_a_training_that_diverges_is_a_reason():
    wild = Training(steps=20, data=_data(), learning_rate=1e8)
    table = evaluate(_mlp, ["accuracy", "ntk"], input_shape=(8,), n_draws=1, training=wild)
    late = table[table["t"] > 0]
    assert (late["reason"] == "the loss became NaN or infinite in training").all()
    assert late["note"].str.contains(r"at step \d+ of 20").all()
    assert table[table["t"] == 0]["value"].notna().all()


class Pair(nn.Module):
    """Gives a feature map: nothing that cross entropy could be taken of."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 10, 3)

    def forward(self, x):
        return torch.relu(self.layer(x))


def test_what_cannot_be_trained_has_reasons():
    def reasons(model, shape):
        table = evaluate(
            model, ["swap", "accuracy"], input_shape=shape, n_draws=1, training=Training(steps=2)
        )
        return set(table[table["t"] > 0]["reason"])

    assert reasons(Pair, (1, 8, 8)) == {"the output is not one row of logits for each sample"}
    few = partial(_mlp, n_inputs=64)
    assert reasons(few, (64,)) == {"the network has fewer outputs than there are classes"}
    flat = partial(nn.Sequential, nn.Flatten(), nn.ReLU())
    assert reasons(flat, (1, 8, 8)) == {str(Reason.NO_WEIGHT)}


def test_a_skeleton_of_its_own_is_trained_too():
    shapes = {"full": (8,), "thin": (8,)}
    candidate = Candidate("c", "p", lambda s: _mlp(24 if s == "full" else 16), shapes)
    table = evaluate(candidate, ["ntk", "ntk@te-nas-code"], n_draws=1, training=SHORT)
    assert list(dict.fromkeys(table["protocol"])) == ["ntk@full", "ntk@te-nas-code"]
    assert table["value"].nunique() == 6


def test_data_of_every_kind():
    x, y = _data(50)
    dataset = torch.utils.data.TensorDataset(x, y)
    pairs = [(x[i], int(y[i])) for i in range(50)]
    found = [labelled_data(d) for d in ((x, y), (x.numpy(), y.tolist()), dataset, pairs)]
    assert len({data.id for data in found}) == 1
    places = np.array([3, 1])
    for data in found:
        assert torch.equal(data.take(places, (8,)), x[[3, 1]])
        assert torch.equal(data.classes(places), y[[3, 1]])
    nested = labelled_data(({"a": x, "b": (x, y)}, y))
    assert torch.equal(nested.take(places, ())["b"][1], y[[3, 1]])
    digits = labelled_data("digits")
    assert len(digits) == 1797
    training, held_out = split(digits, None)
    assert (len(training), len(held_out)) == (1438, 359)
    assert not set(training.rows) & set(held_out.rows)
    assert len(split(digits, 0.5)[1]) == 898
    assert split(digits, (x, y))[1].id == found[0].id
    for wrong, came in ((3, "3"), ((x, y, y), r"\("), ([1, 2], "list of 2")):
        with pytest.raises(ArgumentError, match=f"data must be 'digits', a pair.*got {came}"):
            labelled_data(wrong)
    with pytest.raises(UnknownNameError, match="data must be one of digits, got 'cifar'"):
        labelled_data("cifar")
    with pytest.raises(ArgumentError, match=r"test must hold out some of the 50 samples.*got 1.0"):
        split(found[0], 1.0)


def test_images_are_resized_to_the_network():
    digits = labelled_data("digits").take(np.arange(4), (3, 32, 32))
    assert digits.shape == (4, 3, 32, 32)
    assert torch.equal(digits[:, 0], digits[:, 2])
    assert abs(float(digits.mean())) < 0.3
    assert fitted_to_shape(digits, (1, 8, 8)).shape == (4, 1, 8, 8)
    assert fitted_to_shape(digits, (3 * 32 * 32,)).shape == (4, 3072)
    with pytest.raises(ArgumentError, match=r"data must have samples of shape \(5,\).*\(3, 32, 32"):
        fitted_to_shape(digits, (5,))


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        ({"steps": 0}, "steps must be a whole number, 1 or more, got 0"),
        ({"steps": 5, "epochs": 2}, "epochs must be left out where steps are given, got 2"),
        ({"epochs": 0}, "epochs must be a finite number above 0"),
        ({"at": (0, 2)}, r"at\[1\] must be a finite number, from 0 to 1, got 2"),
        ({"at": ()}, "at must be parts"),
        ({"learning_rate": -1.0}, "learning_rate must be a finite number, 0 or more, got -1"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
    ],
    ids=lambda v: str(v)[:20],
)
def test_recipes_are_checked(arguments, fact):
    with pytest.raises(ArgumentError, match=fact):
        Training(**arguments)


def test_lengths():
    assert Training(epochs=2, data=_data()).course().n_steps == 2 * (240 // 64)
    assert Training(data=_data(), batch_size=1000).course().batch_size == 240
    assert Training().course().n_steps == 10 * (1438 // 64)
    assert Training(steps=3, at=(0.4, 0.5, 1)).course().times == (1, 2, 3)


def test_accuracy_needs_something_to_test_on():
    for training in (None, Checkpoints({0: _mlp().state_dict()})):
        with pytest.raises(ArgumentError, match=r"training must hold samples.*accuracy@held-out"):
            evaluate(_mlp, "accuracy", input_shape=(8,), n_draws=1, training=training)
    with pytest.raises(ArgumentError, match="training must be a Training or Checkpoints, got int"):
        evaluate(_mlp, "accuracy", input_shape=(8,), training=3)


def test_accuracy_of_a_model_as_it_stands():
    x, y = _data(40)
    model = _mlp().eval()
    right = (model(x).argmax(1) == y).float().mean()
    found = measure(model, "accuracy", [x[:30], x[30:]], labels=[y[:30], y[30:]])
    assert found.value == pytest.approx(100 * float(right))
    assert found.parameters["n_samples"] == 40
    nan = copy.deepcopy(model)
    nan[3].bias.data.fill_(math.nan)
    assert measure(nan, "accuracy", x, labels=y).reason.name == "NOT_FINITE"


def _states(seed):
    torch.manual_seed(seed)
    first, last = _mlp(96).state_dict(), _mlp(96).state_dict()
    return {0: first, 500: last}


def test_checkpoints_of_ones_own_loop(tmp_path):
    states = {"a": _states(1), "b": _states(2)}
    torch.save(states["b"][500], tmp_path / "b.pt")
    on_disk = {"a": states["a"], "b": {0: states["b"][0], 500: tmp_path / "b.pt"}}
    x, y = _data(64)
    wide = partial(_mlp, 96)
    run = partial(
        evaluate, {"a": wide, "b": wide}, ["accuracy", "naswot-v2", "params", "ntk@te-nas-code"],
        input_shape=(8,), n_draws=1, inputs=x, labels=y,
    )  # fmt: skip
    table = run(training=Checkpoints(states, test=(x, y)))
    _same(table, run(training=Checkpoints(on_disk, test=(x, y))))
    assert table["t"].tolist() == [0, 500] * 8
    cells = table.set_index(["name", "statistic", "t"])
    for name in "ab":
        for t in (0, 500):
            model = wide()
            model.load_state_dict(states[name][t])
            expected = measure(model.eval(), "accuracy", x, labels=y).value
            assert cells.loc[(name, "accuracy", t), "value"] == pytest.approx(expected)
            expected = measure(model.train(), "naswot-v2", x).value
            assert cells.loc[(name, "naswot-v2", t), "value"] == pytest.approx(expected, rel=1e-6)
            assert cells.loc[(name, "ntk", t), "reason"].startswith("the model does not come in")


def test_checkpoints_are_checked(tmp_path):
    states = _states(0)
    run = partial(evaluate, input_shape=(8,), n_draws=1)
    wide = {0: _mlp(30).state_dict()}
    for models, given, fact in [
        ([_mlp, partial(_mlp, 9)], states, r"by the names of the models.*for 2 models"),
        ({"a": _mlp}, {"b": states}, r"states must be of the models a, got a, b"),
        (_mlp, wide, r"states must fit the model '0', got at 0 one that does not.*0.weight"),
    ]:
        with pytest.raises(ArgumentError, match=fact):
            run(models, ["swap"], training=Checkpoints(given))
    for given, came in (({}, "none"), ({0.5: {}}, "0.5"), ({-1: {}}, "-1"), (3, "int")):
        with pytest.raises(ArgumentError, match=f"states must .*got {came}"):
            Checkpoints(given)
