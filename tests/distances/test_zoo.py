"""Distances between models of many kinds: every operation that they run has costs."""

import numpy as np
import pytest
import torch

from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.methods import DISTANCES
from cgraph.graphs.kernel import project
from cgraph.graphs.population import Population
from cgraph.tracing.record import trace
from tests import laws
from tests.tracing.pretrained import PRETRAINED
from tests.tracing.zoo import ZOO


@pytest.fixture(scope="module")
def models():
    graphs = {}
    for name, make in ZOO.items():
        model, inputs = make()
        graphs[name] = project(trace(model.eval(), *inputs))
    try:
        import transformers  # noqa: F401
    except ImportError:  # the extra 'zoo'
        return Population(graphs.values(), graphs)
    for name, make in PRETRAINED.items():
        model, inputs = make()
        graphs[name] = project(trace(model.eval(), **inputs))
    return Population(graphs.values(), graphs)


# The exact distance of large programs takes its time; its bounds have the same costs.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", [name for name in DISTANCES if name != "edit"])
def test_every_pair_has_a_distance(models, metric):
    torch.manual_seed(0)
    if metric == "transport":  # a second for each pair of the largest
        models = models[models.n_kernels < 60]
    distances = pairwise_distances(models, metric)
    assert len(models) >= len(ZOO)
    laws.check_finite(distances)
    assert np.array_equal(distances, distances.T)
    assert (distances.diagonal() <= 1e-9).all()
    lower, upper = (pairwise_distances(models, f"edit-{end}") for end in ("lower", "upper"))
    assert (lower <= upper).all()
