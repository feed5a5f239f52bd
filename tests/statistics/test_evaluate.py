"""The estimator: what it depends on, and what it does not."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.nasbench201 import network
from cgraph.statistics.candidate import Candidate
from cgraph.statistics.evaluate import COLUMNS, evaluate
from cgraph.statistics.methods import STATISTICS
from cgraph.statistics.store import DrawStore
from tests.statistics.networks import convolutional, images, multilayer

SHAPES = {"full": (3, 8, 8), "thin": (3, 8, 8), "cell": (1, 3, 3)}
CELL = "|nor_conv_1x1~0|+|skip_connect~0|none~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
DEAD = "|nor_conv_1x1~0|+|skip_connect~0|none~1|+|none~0|none~1|none~2|"


def _build(arch, skeleton):
    return network.build(arch, "cell" if skeleton == "cell" else "thin", skip_zeros=True)


def _cell(name="cell", arch=CELL, program=None):
    return Candidate(name, program or arch, partial(_build, arch), SHAPES)


def _mlp(width=96):
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 3))


def _same(a, b):
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_a_row_for_each_model_statistic_and_protocol():
    table = evaluate([_cell(), _cell("dead", DEAD)], n_draws=2)
    assert list(table.columns) == list(COLUMNS)
    assert list(table["protocol"][:4]) == [
        "ntk@te-nas-code", "regions@te-nas", "naswot-v1@zero-cost-nas", "naswot-v2@zen-nas",
    ]  # fmt: skip
    assert list(table["direction"][:4]) == [-1, 1, 1, 1]
    alive, dead = table[table["name"] == "cell"], table[table["name"] == "dead"]
    assert np.isfinite(alive["value"]).all()
    assert (alive["standard_error"] >= 0).all()
    assert (alive["n_failures"] == 0).all()
    failed = dead[dead["statistic"].isin(["ntk", "naswot-v1"])]
    assert failed["value"].isna().all()
    assert (failed["n_failures"] == 2).all()
    assert (failed["reason"] == "the output ignores the input").all()


def test_mean_and_standard_error():
    single = [evaluate(_cell(), "naswot-v2", n_draws=n, store=None) for n in (1, 2, 3)]
    assert math.isnan(single[0]["standard_error"][0])
    draws = [single[0]["value"][0]]
    draws.append(2 * single[1]["value"][0] - draws[0])
    draws.append(3 * single[2]["value"][0] - sum(draws))
    assert single[2]["standard_error"][0] == pytest.approx(
        np.std(draws, ddof=1) / np.sqrt(3), rel=1e-6
    )


def test_nothing_depends_on_company_order_or_workers():
    models = [_cell(), _cell("other", CELL.replace("avg_pool_3x3", "nor_conv_3x3"))]
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    names = ["regions", "naswot-v1"]
    together = evaluate(models, names, n_draws=2)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    _same(evaluate(models, names, n_draws=2, n_jobs=2), together)
    backwards = evaluate(models[::-1], names, n_draws=2)
    _same(backwards.sort_values("name", kind="stable", ignore_index=True), together)
    one = evaluate(models[0], ["naswot-v1"], n_draws=2)
    _same(one, together[1:2].reset_index(drop=True))


def test_statistics_do_not_depend_on_what_they_share_a_network_with():
    quick = [n for n, p in STATISTICS.items() if p.batch_size <= 128]
    together = evaluate(_cell(), quick, n_draws=1)
    for i in range(len(quick)):
        alone = evaluate(_cell(), [quick[i]], n_draws=1)
        _same(alone, together[i : i + 1].reset_index(drop=True))


def test_equal_programs_share_their_values():
    made = []

    def build(name, skeleton):
        made.append(name)
        return multilayer()

    models = [Candidate(n, "p", partial(build, n), {"full": (8,)}) for n in ("b", "a")]
    table = evaluate(models, ["naswot-v2"], n_draws=2)
    assert made == ["a", "a"]
    assert table["value"].nunique() == 1


def test_another_seed_is_another_value():
    a, b = (evaluate(_cell(), "naswot-v2", n_draws=1, seed=s)["value"][0] for s in (0, 1))
    assert a != b


def test_modules_factories_and_mappings():
    by_name = evaluate(
        {"module": _mlp(), "factory": _mlp, "wide": partial(_mlp, 128)},
        ["naswot-v2", "ntk@te-nas-code"],
        input_shape=(8,),
        n_draws=1,
    )
    by_name = by_name.set_index(["name", "statistic"]).sort_index()
    assert by_name.loc[("module", "naswot-v2"), "protocol"] == "naswot-v2@zen-nas"
    assert (
        by_name.loc[("module", "naswot-v2"), "program"]
        == by_name.loc[("factory", "naswot-v2"), "program"]
        != by_name.loc[("wide", "naswot-v2"), "program"]
    )
    assert by_name.loc[("wide", "ntk"), "reason"].startswith("the model does not come in")
    unnamed = evaluate([_mlp, partial(_mlp, 128)], ["naswot-v2"], input_shape=(8,), n_draws=1)
    assert list(unnamed["name"]) == ["0", "1"]
    assert list(unnamed["value"]) == [
        by_name.loc[("module", "naswot-v2"), "value"],
        by_name.loc[("wide", "naswot-v2"), "value"],
    ]


def test_a_module_is_left_alone():
    model = convolutional()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    evaluate(model, ["naswot-v2"], input_shape=(3, 8, 8), n_draws=1)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_a_batch_of_ones_own():
    x = images(80, shape=(8,))
    table = evaluate(_mlp, ["naswot-v2", "naswot-v1"], inputs=x, n_draws=1)
    assert np.isfinite(table["value"]).all()
    named = evaluate(_mlp, ["naswot-v2"], inputs={"input": x}, n_draws=1)
    assert named["value"][0] == table["value"][0]
    with pytest.raises(ArgumentError, match=r"inputs must hold at least 64 samples.*got 20") as e:
        evaluate(_mlp, ["naswot-v2"], inputs=x[:20], n_draws=1)
    assert e.value.__notes__ == ["while evaluating '0', draw 0"]


def test_a_store_resumes_after_a_kill(tmp_path):
    path = tmp_path / "draws.sqlite"
    calls = []

    def stop(done, total):
        calls.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    models = [_cell(), _cell("dead", DEAD)]
    with pytest.raises(KeyboardInterrupt):
        evaluate(models, n_draws=2, store=path, progress=stop)
    assert calls == [(0, 4), (1, 4), (2, 4), (3, 4)]
    calls.clear()
    resumed = evaluate(models, n_draws=2, store=path, progress=lambda *c: calls.append(c))
    assert calls == [(3, 4), (4, 4)]
    _same(resumed, evaluate(models, n_draws=2))
    calls.clear()
    evaluate(models, ["ntk", "regions"], n_draws=3, store=path, progress=lambda *c: calls.append(c))
    assert calls == [(4, 6), (5, 6), (6, 6)]
    with DrawStore(path) as store:
        assert min(store.seconds().values()) >= 0


def test_arguments_are_checked():
    with pytest.raises(ArgumentError, match=r"n_draws must be a whole number, .*got 0"):
        evaluate(_cell(), n_draws=0)
    with pytest.raises(ArgumentError, match="statistics must name at least one"):
        evaluate(_cell(), [])
    with pytest.raises(UnknownNameError, match=r"statistic must be one of ntk.*'nkt'.*'ntk'"):
        evaluate(_cell(), ["nkt"])
    with pytest.raises(UnknownNameError, match="inputs must be one of gaussian, crops"):
        evaluate(_cell(), inputs="noise")
    with pytest.raises(ArgumentError, match="models must have a name each, got cell twice"):
        evaluate([_cell(), _cell()])
    with pytest.raises(ArgumentError, match="input_shape must be given for '0'"):
        evaluate([_mlp])
    with pytest.raises(ArgumentError, match=r"models must be modules.*got int"):
        evaluate(3)

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(8))

    with pytest.raises(ArgumentError, match=r"'1' \(Own\) without reset_parameters"):
        evaluate(nn.Sequential(nn.Linear(8, 8), Own()), input_shape=(8,))
