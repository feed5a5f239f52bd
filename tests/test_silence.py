"""What was once accepted in silence, or turned into something else, is refused in words."""

import numpy as np
import pytest
import torch
from torch import nn

import cgraph
from cgraph.statistics.candidate import Candidate
from tests.fuzz import recipes


def ranked(column=None, value=None, **options):
    table = recipes.table()
    if column is not None:
        table[column] = value
    return cgraph.rank(recipes.clustering(), table, n_bootstrap=5, **options)


def evaluated(**options):
    return cgraph.evaluate(nn.ReLU, "regions", **{"input_shape": (8,), "n_draws": 1} | options)


def clustering(**fields):
    return cgraph.Clustering(**recipes._own(recipes.clustering()) | fields)


KERNELS = {"labels": ["relu"], "edges": []}
ARRAYS = {
    "vocabulary": ["relu"], "node_offsets": [0, 1], "label_ids": [0], "edge_offsets": [0, 0],
    "edges": [],
}  # fmt: skip
CALLS = {
    "direction NaN": (lambda: ranked("direction", np.nan), "directions, 1 where higher .* got nan"),
    "direction 0": (lambda: ranked("direction", 0), "directions, .* got 0"),
    "infinite value": (lambda: ranked("value", np.inf), "column 'value' .* finite"),
    "negative error": (lambda: ranked("standard_error", -1.0), "standard errors, 0 or more"),
    "name a number": (lambda: ranked("name", 7), "column 'name' of table must hold text, got 7"),
    "weight NaN": (
        lambda: ranked(weights=dict.fromkeys("abcd", np.nan)),
        r"weights\['a'\] must be a finite number above 0, got nan",
    ),
    "weight negative": (lambda: ranked(weights=dict.fromkeys("abcd", -1)), "above 0, got -1"),
    "weight missing": (lambda: ranked(weights={"a": 1}), "none for 3, first 'b'"),
    "programs 1.5": (lambda: ranked(n_programs=[1.5, 2]), "n_programs must be whole numbers"),
    "eligible 1": (lambda: ranked(eligible=[1, 1, 1, 1]), "eligible must be 4 truth values"),
    "rank seed": (lambda: ranked(random_state=-1), "random_state .* got -1"),
    "no statistic": (lambda: ranked(statistics=[]), "name at least one statistic, got none"),
    "seed None": (lambda: evaluated(seed=None), "seed must be a whole number, .* got None"),
    "seed NaN": (lambda: evaluated(seed=np.nan), "seed must be a whole number, .* got nan"),
    "seed text": (lambda: evaluated(seed="a"), "seed must be a whole number, .* got 'a'"),
    "seed 1.5": (lambda: evaluated(seed=1.5), "seed must be a whole number, .* got 1.5"),
    "seed True": (lambda: evaluated(seed=True), "seed must be a whole number, .* got True"),
    "draws 1.5": (lambda: evaluated(n_draws=1.5), "n_draws must be a whole number"),
    "shape 8.5": (lambda: evaluated(input_shape=(8.5,)), r"input_shape\[0\] must be a whole"),
    "labels of one text": (lambda: cgraph.KernelGraph("relu", []), "labels .* got 'relu'"),
    "labels in no order": (lambda: cgraph.KernelGraph({"relu"}, []), "labels must be a sequence"),
    "labels numbers": (lambda: cgraph.KernelGraph([1], []), r"labels\[0\] must be text, got 1"),
    "macs 1.7": (lambda: cgraph.KernelGraph(**KERNELS, macs=[1.7]), "macs must be whole numbers"),
    "macs True": (lambda: cgraph.KernelGraph(**KERNELS, macs=[True]), "macs must be whole numbers"),
    "kernels 0.9": (
        lambda: cgraph.Population.from_arrays(**ARRAYS | {"label_ids": [0.9]}),
        "label_ids must be whole numbers",
    ),
    "kernels 2^32": (
        lambda: cgraph.Population.from_arrays(**ARRAYS | {"label_ids": [2**32]}),
        "label_ids must hold whole numbers",
    ),
    "vocabulary of one text": (lambda: cgraph.EditCosts.uniform(vocabulary="ab"), "got 'ab'"),
    "outputs 0.5": (
        lambda: cgraph.ComputationalGraph([], [], [], [], outputs=[0.5]),
        "outputs must be whole numbers",
    ),
    "cluster 0.9": (lambda: clustering(labels=[0, 0, 0.9, 1]), "labels must be whole numbers"),
    "quality NaN": (lambda: clustering(quality={"inertia": np.nan}), "finite number, got nan"),
    "edge True": (lambda: cgraph.EditCosts.uniform(edge=True), "edge must be .* got True"),
    "ram 1.5": (lambda: cgraph.Device("a", 1.5), "ram_bytes must be a whole number"),
    "rate inf": (lambda: cgraph.Device("a", 1, macs_per_second=np.inf), "finite number above 0"),
    "steps True": (lambda: cgraph.Training(steps=True), "steps must be a whole number"),
    "no latency": (lambda: cgraph.Limits(max_latency=""), "max_latency must be a device"),
    "study seed": (lambda: cgraph.Study("nasbench201", seed=-1), "seed must be .* got -1"),
    "study inputs": (lambda: cgraph.Study("nasbench201", inputs="noise"), "of gaussian, crops"),
    "study limits": (lambda: cgraph.Study("nasbench201", limits="1MB"), "limits must be Limits"),
    "boundary": (lambda: cgraph.project(recipes.program(), boundary="no"), "True or False"),
    "landmarks NaN": (lambda: cgraph.landmarks([[np.nan, 1]], 1), "finite numbers, 0 or more"),
    "candidate": (lambda: Candidate("a", "b", None, {"full": (8,)}), "build must be a function"),
    "many samples": (
        lambda: cgraph.measure(nn.ReLU(), "naswot-v2", torch.empty(8193, 1)),
        "inputs must hold at most 8,192 samples .* got 8,193; give fewer",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_what_was_accepted_is_refused(case):
    call, fact = CALLS[case]
    with pytest.raises(cgraph.CGraphError, match=fact):
        call()


def test_a_single_text_is_one_statistic_everywhere():
    assert cgraph.Study("nasbench201", statistics="ntk").statistics == ("ntk",)
    assert ranked(statistics="ntk").protocols == ("ntk@full",)
    assert list(evaluated()["statistic"]) == ["regions"]
