"""What an edit of a sized label costs: that of its operation, and of the change of its amounts.

Amounts are the bytes of a kernel's parameters, the bytes of the values that it reads and writes,
and its multiply-accumulates. Each is compared by its relative difference |x - y| / max(x, y), a
metric on numbers >= 0 that is 1 between something and nothing. A substitution costs what `base`
asks for the operations and the weighted sum of the three differences; an insertion is a change
from nothing. Labels that differ in shapes alone are `SHAPE` apart. Differences are rounded up to
hundredths, so that sums of costs are exact; a metric rounded up is one, and so is a sum of metrics:
the costs are one where those of `base` are (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.tensors import Amounts, split_label

SHAPE = 0.1
"""Cost between kernels that differ in the shapes or types of their tensors and in nothing else."""

Table = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class SizedRule:
    """Costs of sized labels.

    Parameters
    ----------
    base : callable
        From labels to substitution costs (K, K) and insertion costs (K,): those of operations.
    parameters, activations, macs : float
        Cost where the amount changes between nothing and something.
    """

    base: Callable[[Sequence[str]], Table]
    parameters: float
    activations: float
    macs: float

    def __call__(self, labels: Sequence[str]) -> Table:
        """Substitution costs (K, K) and insertion costs (K,) of sized labels."""
        parts = [split_label(label) for label in labels]
        for label, (_, amounts) in zip(labels, parts, strict=True):
            if amounts is None and label not in (INPUT_LABEL, OUTPUT_LABEL):
                raise ArgumentError(
                    "costs",
                    "be of operations alone for labels without sizes",
                    f"sized costs for {label!r}",
                    'project(graph, label="sized") gives labels with sizes',
                )
        words = sorted({word for word, _ in parts})
        place = {word: i for i, word in enumerate(words)}
        order = np.array([place[word] for word, _ in parts], dtype=np.int64)
        substitute, indel = self.base(words)
        apart, whole = self._amounts([amounts or Amounts(0, 0, 0) for _, amounts in parts])
        differ = SHAPE * (1.0 - np.eye(len(labels)))
        return substitute[np.ix_(order, order)] + apart + differ, indel[order] + whole + SHAPE

    def _amounts(self, amounts: Sequence[Amounts]) -> Table:
        """Costs of the changes of amounts, and of all of them."""
        values = np.array(amounts, dtype=np.int64).reshape(-1, 3)
        weights = np.array([self.parameters, self.activations, self.macs])
        apart = np.zeros((len(values), len(values)))
        for value, weight in zip(values.T, weights, strict=True):
            # At least 1, as of two that are nothing the difference is 0.
            larger = np.maximum(np.maximum(value[:, None], value[None]), 1)
            hundredths = -(-100 * np.abs(value[:, None] - value[None]) // larger)
            apart += weight * hundredths / 100
        whole: NDArray[np.float64] = (values > 0) @ weights
        return apart, whole
