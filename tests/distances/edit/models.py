"""Cost models for the tests: named, over the labels a, b, c."""

import math

import numpy as np

from cgraph.distances.edit.costs import EditCosts


def random_costs(vocabulary, seed=0, forbidden=False):
    """Symmetric costs without any further law, off every grid."""
    rng = np.random.default_rng(seed)
    k = len(vocabulary)
    substitute = np.triu(rng.uniform(0, 5, (k, k)), 1)
    if forbidden:
        substitute[0, 1:] = math.inf
    indel = rng.uniform(0, 3, k)
    return EditCosts(substitute + substitute.T, indel, indel, float(rng.uniform(0, 2)), vocabulary)


NO = math.inf

COSTS = {
    "uniform": EditCosts.uniform(vocabulary=list("abc")),
    "free edges": EditCosts.uniform(edge=0, vocabulary=list("abc")),
    "tenths": EditCosts.uniform(node=0.3, edge=0.7, vocabulary=list("abc")),
    "heuristic": EditCosts.heuristic(list("abc")),
    "one label apart": EditCosts(
        [[0, math.inf, math.inf], [math.inf, 0, 2], [math.inf, 2, 0]],
        [4, 1, 3],
        [4, 1, 3],
        1,
        list("abc"),
    ),
    "dear substitution": EditCosts([[0, 9, 9], [9, 0, 1], [9, 1, 0]], 2, 2, 0.5, list("abc")),
    "random": random_costs(list("abc"), seed=1),
    "random, forbidden": random_costs(list("abc"), seed=2, forbidden=True),
}
