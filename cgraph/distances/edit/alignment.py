"""What it costs to turn one series of kernels into another, from the costs of the kernels.

Two series are aligned: each kernel of one is replaced by a kernel of the other or left out, in
order (Wagner and Fischer, 1974, "The string-to-string correction problem"). A kernel in a series
comes with the edge that joins it to the others, so leaving one out costs its deletion and an
edge. A series of m kernels costs its kernels and its m - 1 edges to insert or delete. So the
distance of a program from the empty one is the same in both views, whatever series it is cut
into; and where the costs of kernels obey the triangle inequality and no replacement costs more
than a deletion and an insertion, so do those of series. Where no kernel of one may be replaced by
any of the other, as for an input, neither may the series.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled


def align_series(
    series: Sequence[Sequence[str]],
    kernels: Sequence[str],
    substitute: NDArray[np.float64],
    indel: NDArray[np.float64],
    edge: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Costs to replace, and to insert or delete, series of kernels.

    Parameters
    ----------
    series : sequence of sequence of str
        S of them. Two of one kernel each cost what the kernels cost.
    kernels : sequence of str
        The K labels that occur in them.
    substitute : ndarray of shape (K, K)
        Costs to replace a kernel.
    indel : ndarray of shape (K,)
        Costs to insert or delete a kernel.
    edge : float
        Cost of an edge.

    Returns
    -------
    ndarray of shape (S, S), ndarray of shape (S,)

    Examples
    --------
    >>> costs = np.array([[0.0, 2.0], [2.0, 0.0]]), np.array([3.0, 5.0])
    >>> apart, alone = align_series([("a", "b"), ("a",)], "ab", *costs, edge=1.0)
    >>> apart.tolist(), alone.tolist()
    ([[0.0, 6.0], [6.0, 0.0]], [9.0, 3.0])
    """
    number = {label: i for i, label in enumerate(kernels)}
    steps = np.array([number[step] for steps in series for step in steps], dtype=np.int64)
    lengths = np.array([len(steps) for steps in series], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    apart = np.zeros((len(series), len(series)))
    _align(steps, offsets, substitute, indel + edge, apart)
    alone = np.array([indel[steps[a:b]].sum() for a, b in itertools.pairwise(offsets)])
    # Sums of costs on a grid of hundredths stay on it.
    return np.round(apart, 9), np.round(alone + edge * (lengths - 1), 9)


@compiled
def _align(steps: Any, offsets: Any, substitute: Any, gap: Any, apart: Any) -> None:
    longest = 0
    for s in range(len(offsets) - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    row, above = np.empty(longest + 1), np.empty(longest + 1)
    for s in range(len(offsets) - 1):
        a = steps[offsets[s] : offsets[s + 1]]
        for t in range(s):
            b = steps[offsets[t] : offsets[t + 1]]
            if len(a) == 1 and len(b) == 1:
                apart[s, t] = apart[t, s] = substitute[a[0], b[0]]
                continue
            may_replace = False
            above[0] = 0.0
            for j in range(len(b)):
                above[j + 1] = above[j] + gap[b[j]]
            for i in range(len(a)):
                row[0] = above[0] + gap[a[i]]
                for j in range(len(b)):
                    may_replace |= substitute[a[i], b[j]] < np.inf
                    best = above[j] + substitute[a[i], b[j]]
                    best = min(best, above[j + 1] + gap[a[i]], row[j] + gap[b[j]])
                    row[j + 1] = best
                row, above = above, row
            apart[s, t] = apart[t, s] = above[len(b)] if may_replace else np.inf
