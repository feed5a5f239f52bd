"""`cgraph evaluate`: spaces, models of one's own, a training, and a run that was killed."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cgraph
from cgraph.spaces.limits import Limits, limits_table
from cgraph.statistics.agreement import agreement
from cgraph.statistics.methods import STATISTICS

MODELS = """
import time
from torch import nn

def small():
    return nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))

def wide(width=128):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

def several():
    return {"small": small, "wide": wide}

def slow(width):
    def make():
        time.sleep(0.3)
        return wide(width)
    return make

def queue():
    return {f"{width} wide": slow(width) for width in range(100, 108)}

number = 3
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    directory = tmp_path_factory.mktemp("models")
    (directory / "evaluated_models.py").write_text(MODELS)
    return directory


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    return home


def test_the_list_is_the_table(run):
    status, out, _ = run("evaluate", "--list")
    assert status == 0
    text = " ".join(out.split())
    for protocol in STATISTICS.values():
        assert f"{protocol.name} (recommended):" in text or f"{protocol.name}:" in text
        assert " ".join(protocol.definition.split()) in text
        assert protocol.source in text


def test_models_of_ones_own_with_a_training(run, here, tmp_path):
    options = ["--input-shape", 64, "--steps", 4, "--at", "0,1", "--draws", 1, "--workers", 1]
    status, out, err = run(
        "evaluate", "evaluated_models:several", "--statistics", "accuracy,swap", *options,
        "--agreement", "--out", tmp_path / "table.csv",
    )  # fmt: skip
    assert status == 0
    assert "draws" in err
    assert "left" in err
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["t"].tolist() == [0, 4] * 4
    assert table["name"].unique().tolist() == ["small", "wide"]
    assert "of 359 samples" in out
    taus = pd.read_csv(tmp_path / "table.agreement.csv")
    assert taus["a"][0] == "accuracy@held-out t=0"
    assert "Kendall's tau-b" in out


def test_one_model_and_samples_from_files(run, here, tmp_path):
    x = np.random.default_rng(0).standard_normal((80, 64), dtype=np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(80) % 10)
    np.savez(tmp_path / "both.npz", inputs=x, labels=np.arange(80) % 10)
    out_file = tmp_path / "table.parquet"
    status, _, _ = run(
        "evaluate", "evaluated_models.py:small", "--statistics", "grad-norm", "--draws", 1,
        "--inputs", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", "--workers", 1,
        "--out", out_file,
    )  # fmt: skip
    assert status == 0
    from evaluated_models import small

    expected = cgraph.evaluate(small, "grad-norm", inputs=x, labels=np.arange(80) % 10, n_draws=1)
    assert pd.read_parquet(out_file)["value"].tolist() == expected["value"].tolist()
    status, _, _ = run(
        "evaluate", "evaluated_models.py:small", "--statistics", "accuracy", "--draws", 1,
        "--epochs", 1, "--data", tmp_path / "both.npz", "--input-shape", 64, "--workers", 1,
    )  # fmt: skip
    assert status == 0


def _names(run, path, *options):
    arguments = ["--statistics", "params,layers", "--draws", 1, "--workers", 1, "--out", path]
    status, out, _ = run("evaluate", "nasbench201", *arguments, *options)
    assert status == 0
    return set(pd.read_parquet(path / "statistics.parquet")["name"]), out


def test_a_sample_of_a_space(run, tmp_path):
    few, _ = _names(run, tmp_path / "few", "--sample", 4)
    many, out = _names(run, tmp_path / "many", "--sample", 12, "--agreement")
    assert few < many
    assert len(many) == 12
    assert "12 networks of nasbench201" in out
    space = cgraph.spaces.get("nasbench201")
    programs = space.programs()
    assert len({programs[space.index(name)] for name in many}) == 12
    table = pd.read_parquet(tmp_path / "many" / "statistics.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "many" / "agreement.parquet"), agreement(table)
    )
    limited, _ = _names(run, tmp_path / "small", "--sample", 6, "--max-parameters", "0.5MB@int8")
    limits = Limits(max_parameters="0.5MB@int8")
    keeps = limits_table(space, limits)["keeps_limits"]
    assert all(keeps[space.index(name)] for name in limited)
    status, out, _ = run("evaluate", "nasbench201:6111", "--statistics", "params", "--workers", 1)
    assert status == 0
    assert "params@static" in out


def test_a_run_that_was_killed_goes_on(run, here, tmp_path):
    options = ["--statistics", "swap,params", "--input-shape", "64", "--draws", "1", "--workers",
               "1", "--out", str(tmp_path)]  # fmt: skip
    command = ["evaluate", "evaluated_models.py:queue", *options]
    program = [sys.executable, "-c", "from cgraph.cli import main; main()", *command]
    running = subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    store = tmp_path / "draws.sqlite"
    try:
        while len(_finished(store)) < 2:
            assert running.poll() is None, running.communicate()[1].decode()
            time.sleep(0.05)
    finally:
        running.kill()
        running.communicate()
    before = _finished(store)
    assert 2 <= len(before) < 8
    assert not (tmp_path / "statistics.parquet").exists()
    status, _, _ = run(*command)
    assert status == 0
    after = _finished(store)
    assert len(after) == 8
    assert {program: after[program] for program in before} == before
    from evaluated_models import queue

    expected = cgraph.evaluate(queue(), ["swap", "params"], input_shape=(64,), n_draws=1)
    found = pd.read_parquet(tmp_path / "statistics.parquet")
    assert found["value"].tolist() == expected["value"].tolist()


def _finished(store):
    """Programs of a store with what was written of each, times included."""
    if not store.exists():
        return {}
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        if not connection.execute("SELECT name FROM sqlite_master").fetchall():
            return {}
        rows = connection.execute("SELECT * FROM draws ORDER BY protocol").fetchall()
    connection.close()
    found = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1:])
    return {program: values for program, values in found.items() if len(values) == 2}


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        ([], "TARGET must be given"),
        (["nasbench21"], "did you mean 'nasbench201'"),
        (["nasbench201", "--sample", 99999], "1 to 5,425"),
        (["nasbench201:3", "--sample", 2], "--sample must be left out for an architecture"),
        (["nasbench201:3", "--statistics", "nkt"], "did you mean 'ntk'"),
        (["nasbench201:3", "--statistics", "accuracy"], "--statistics must come with --steps"),
        (["nasbench201:3", "--data", "x.npz"], "--data must come with --steps or --epochs"),
        (["nasbench201:3", "--steps", 1, "--at", "half"], "--at must be parts like 0,0.5,1"),
        (["nasbench201:3", "--steps", 1, "--data", "x.npz"], "--data must be a file that is there"),
        (["nasbench201:3", "--inputs", "x.npy"], "--inputs must be a file that is there"),
        (["nasbench201:3", "--device", "nonsense"], "--device must be a device"),
        (["nasbench201:3", "--draws", 0], "--draws must be a whole number, from 1 to 1,000,000"),
        (["nasbench201:3", "--steps", 0], "--steps must be a whole number"),
        (["nasbench201", "--max-parameters", 10], "--max-parameters must be an amount"),
        (["nasbench201", "--max-latency", -1], "--max-latency must be a device and an amount"),
        (["nasbench201:3", "--inputs", "text.npy"], "--inputs must hold one array of numbers"),
        (["nasbench201:3", "--inputs", "words.npy"], "'words.npy' of <U1"),
        (["nasbench201:3", "--out", "text.npy/deeper"], "--out must be a directory that can be"),
        (["nasbench201:3", "--out", "table.txt"], "--out must be a directory, or end in .parquet"),
        (["nasbench201:3", "--out", "absent/table.csv"], "in a directory that is there"),
        (["evaluated_models:several"], "--input-shape must be given for 'small'"),
        (["evaluated_models:number"], "name a space, what builds a module"),
        (["evaluated_models:smal"], "did you mean small"),
        (["evaluated_models:small", "--input-shape", "big"], "the shape of one input, like 3,32"),
        (["evaluated_models:small", "--input-shape", 9], "could not capture module '0'"),
        (["evaluated_models:small", "--fits", "stm32f746"], "limits must be left out for a model"),
    ],
    ids=lambda v: " ".join(map(str, v))[-30:] if isinstance(v, list) else "",
)
def test_an_error_is_one_message(arguments, fact, run, here):
    Path("text.npy").write_text("words")
    np.save("words.npy", ["a", "b"])
    status, _, err = run("evaluate", *arguments, "--workers", 1)
    assert status == 2
    assert fact in err
    assert "Traceback" not in err
