"""One value by threads, processes and clusters; no generator of the caller moves."""

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cgraph import evaluate, measure, trace
from cgraph.parallel import engine
from cgraph.spaces import from_models
from cgraph.statistics.candidate import Candidate

STATISTICS = ["grad-norm", "snip", "regions"]


def network(width, skeleton="full"):
    del skeleton
    layers = [nn.Linear(8, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(width, 4))


def candidates():
    return [
        Candidate(f"{width} wide", f"a net {width} wide", partial(network, width), {"full": (8,)})
        for width in (4, 8, 16, 32)
    ]


def run(**options):
    return evaluate(candidates(), STATISTICS, n_draws=2, **options)


@pytest.fixture(scope="module")
def expected():
    return run()


def test_two_threads_get_the_values_of_one(expected):
    with ThreadPoolExecutor(4) as threads:
        tables = list(threads.map(lambda _: run(), range(4)))
    for table in tables:
        pd.testing.assert_frame_equal(table, expected, check_exact=True)


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_the_engines_of_joblib_give_the_same_bytes(backend, expected):
    with joblib.parallel_config(backend):
        table = run(n_jobs=2)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


@pytest.mark.filterwarnings("ignore")  # what a cluster says of its ports and its end
def test_a_dask_cluster_gives_the_same_bytes(expected):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with engine("dask", n_jobs=2):
        table = run(n_jobs=2)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


@pytest.mark.filterwarnings("ignore")
def test_dask_workers_of_two_threads_give_the_same_bytes(expected):
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with (
        distributed.Client(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ),
        joblib.parallel_config("dask"),
    ):
        table = run(n_jobs=2)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


@pytest.mark.filterwarnings("ignore")
def test_a_ray_cluster_gives_the_same_bytes(expected):
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    with engine("ray", n_jobs=2):
        table = run(n_jobs=2)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_measure_and_trace_from_threads():
    model, x = network(16), torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    single = measure(model, "naswot-v2", x), trace(model, x)

    def both(_):
        return measure(model, "naswot-v2", x).value, trace(model, x)

    torch.manual_seed(3)
    first = measure(model, "naswot-v2", x, mode="eval").value
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(both, range(8)))
        values = list(
            threads.map(lambda _: measure(model, "naswot-v2", x, mode="eval").value, "ab")
        )
    assert {graph.n_parameters for _, graph in found} == {single[1].n_parameters}
    assert all(graph == single[1] for _, graph in found)
    assert values == [first, first]


def drawing_factory():
    np.random.rand(3)  # noqa: NPY002 - as a model of somebody does
    random.random()
    return nn.Linear(8, 4)


X = torch.zeros(4, 8)

CALLS = {
    "evaluate a module": lambda model: evaluate(model, "snip", input_shape=(8,), n_draws=1),
    "evaluate a factory": lambda _: evaluate(drawing_factory, "snip", input_shape=(8,), n_draws=1),
    "evaluate candidates": lambda _: evaluate(candidates()[:1], "zen", n_draws=1),
    "measure": lambda model: measure(model, "snip", X, labels=[0, 1, 2, 3]),
    "trace": lambda model: trace(model, X),
    "trace, computing": lambda model: trace(model, X, fake=False),
    "population": lambda _: from_models(MODELS, (8,)).population(),
    "graph": lambda _: from_models(MODELS, (8,)).graph("a"),
}
MODELS = {"a": drawing_factory, "b": partial(nn.Linear, 8, 2)}


def states():
    of_numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
    return random.getstate(), of_numpy, torch.get_rng_state().tolist()


@pytest.mark.parametrize("name", CALLS)
def test_generators_of_the_caller_do_not_move(name):
    model = network(4).train()
    before = states()
    CALLS[name](model)
    assert states() == before
