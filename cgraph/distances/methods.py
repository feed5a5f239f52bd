"""The table of distances: every method with its properties and its source."""

from __future__ import annotations

from cgraph.distances.edit.intervals import lower_plan, upper_plan
from cgraph.distances.edit.matrix import edit_plan
from cgraph.distances.measures import HELLINGER, JENSEN_SHANNON, KULLBACK_LEIBLER
from cgraph.distances.plans import DistanceMethod
from cgraph.distances.transport import transport_plan
from cgraph.distances.usage import hellinger_points
from cgraph.registry import Table

DISTANCES: Table[DistanceMethod] = Table(
    "metric",
    [
        DistanceMethod(
            name="kl",
            function=KULLBACK_LEIBLER.plan,
            feature="usage",
            is_metric=False,
            is_symmetric=True,
            is_exact=True,
            cost="K multiplications",
            summary="symmetrised Kullback-Leibler divergence KL(p||q) + KL(q||p) of smoothed usage "
            "(1/2 added to each count), in nats",
            source="H. Jeffreys, An invariant form for the prior probability in estimation "
            "problems, 1946; S. Kullback and R. A. Leibler, On information and sufficiency, 1951; "
            "the smoothing: R. Krichevsky and V. Trofimov, The performance of universal encoding, "
            "1981",
        ),
        DistanceMethod(
            name="jensen-shannon",
            function=JENSEN_SHANNON.plan,
            feature="usage",
            is_metric=True,
            is_symmetric=True,
            is_exact=True,
            cost="K logarithms",
            summary="square root of the Jensen-Shannon divergence of usage in bits, in [0, 1]",
            source="D. M. Endres and J. E. Schindelin, A new metric for probability "
            "distributions, 2003",
        ),
        DistanceMethod(
            name="hellinger",
            function=HELLINGER.plan,
            feature="usage",
            is_metric=True,
            is_symmetric=True,
            is_exact=True,
            cost="K multiplications",
            summary="Euclidean distance of the square roots of usage over sqrt(2), in [0, 1]",
            source="E. Hellinger, Neue Begruendung der Theorie quadratischer Formen von "
            "unendlichvielen Veraenderlichen, 1909",
            embedding=hellinger_points,
        ),
        DistanceMethod(
            name="edit",
            function=edit_plan,
            feature="graph",
            is_metric=True,
            is_symmetric=True,
            is_exact=True,
            cost="exponential in kernels; microseconds for cells",
            summary="cost of the cheapest edit that turns one kernel graph into the other; a "
            "metric where the costs are one, as the default costs are",
            source="A. Sanfeliu and K.-S. Fu, A distance measure between attributed relational "
            "graphs for pattern recognition, 1983",
        ),
        DistanceMethod(
            name="edit-lower",
            function=lower_plan,
            feature="graph",
            is_metric=False,
            is_symmetric=True,
            is_exact=False,
            cost="a transport problem between types of kernels",
            summary="certified lower bound of the edit distance, for graphs of any size",
            source="K. Riesen, A. Fischer and H. Bunke, Computing upper and lower bounds of graph "
            "edit distance in cubic time, 2014",
        ),
        DistanceMethod(
            name="edit-upper",
            function=upper_plan,
            feature="graph",
            is_metric=False,
            is_symmetric=True,
            is_exact=False,
            cost="two transport problems between types of kernels",
            summary="cost of an edit script, an upper bound of the edit distance, for graphs of "
            "any size",
            source="K. Riesen and H. Bunke, Approximate graph edit distance computation by means "
            "of bipartite graph matching, 2009",
        ),
        DistanceMethod(
            name="transport",
            function=transport_plan,
            feature="graph",
            is_metric=False,
            is_symmetric=True,
            is_exact=False,
            cost="milliseconds: conditional gradient steps, each an optimal transport",
            summary="fused Gromov-Wasserstein: cost of moving kernels of equal mass to others, "
            "half for their operations, half for the directed paths between them",
            source="T. Vayer et al., Optimal transport for structured data with application on "
            "graphs, 2019; solved by POT: R. Flamary et al., 2021",
            holds_lock=True,
        ),
    ],
)
