"""What an edit costs: substitutions, insertions and deletions of kernels, and of edges.

An `EditCosts` is a table over an ordered vocabulary of labels. The ready-made models also carry
a rule, so that they know labels they have not seen; a table of one's own refuses them. Costs are
symmetric, so that the distance is: d(a, b) = d(b, a). Where they obey the triangle inequality
as well, the distance is a metric between programs, by composition of edits (Bunke, 1997, "On a
relation between graph edit distance and maximum common subgraph").
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.distances.edit.alignment import align_series
from cgraph.distances.edit.rules import HEURISTIC_EDGE, Rule, heuristic_rule, uniform_rule
from cgraph.distances.edit.sized import SizedRule
from cgraph.errors import ArgumentError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, labels_of
from cgraph.graphs.series import steps_of

MOST_LABELS = 5_000
"""Labels that a table of costs has at most: 200 MB of substitutions."""

# Sums of costs are compared to this share of the largest of them.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False, init=False)
class EditCosts:
    """The cost model of the transformation distance.

    Parameters
    ----------
    substitute : array-like of shape (K, K)
        Cost to give a kernel of one label another. Symmetric, zero on the diagonal; infinity
        forbids a substitution.
    insert, delete : array-like of shape (K,)
        Cost to insert or delete a kernel, finite. Equal, where costs are symmetric. A number
        stands for K equal ones.
    edge : float or (float, float)
        Cost to insert or delete an edge, or the two costs.
    vocabulary : sequence of str
        The K labels.
    symmetrise : bool, default=False
        Whether asymmetric costs are replaced by the mean of both directions; they are refused
        otherwise.
    rule : callable, optional
        Gives the costs of labels that are not in the vocabulary: from labels to substitution
        costs and insertion costs.

    Attributes
    ----------
    substitute : ndarray of float64, shape (K, K)
    insert, delete : ndarray of float64, shape (K,)
    edge : float
    vocabulary : tuple of str
    rule : callable or None

    Raises
    ------
    ArgumentError
        If a shape does not fit the vocabulary, a cost is NaN or negative, an insertion or an edge
        costs infinity, a label costs something to keep, or costs are asymmetric.

    Examples
    --------
    >>> costs = EditCosts([[0, 2], [2, 0]], insert=3, delete=3, edge=1, vocabulary=["relu", "add"])
    >>> costs.is_metric
    True
    """

    substitute: NDArray[np.float64]
    insert: NDArray[np.float64]
    delete: NDArray[np.float64]
    edge: float
    vocabulary: tuple[str, ...]
    rule: Rule | None

    def __init__(
        self,
        substitute: ArrayLike,
        insert: ArrayLike,
        delete: ArrayLike,
        edge: float | Sequence[float],
        vocabulary: Iterable[str],
        *,
        symmetrise: bool = False,
        rule: Rule | None = None,
    ) -> None:
        words = _labels(vocabulary)
        k = len(words)
        checks.truth("symmetrise", symmetrise)
        if rule is not None:
            checks.function("rule", rule)
        matrix = _costs("substitute", substitute, (k, k))
        added, removed = _costs("insert", insert, (k,)), _costs("delete", delete, (k,))
        edges = _costs("edge", edge, (2,))
        for name, array in (("insert", added), ("delete", removed), ("edge", edges)):
            if np.isinf(array).any():
                raise ArgumentError(
                    name, "be finite", "an infinite cost", "a large cost makes an edit rare"
                )
        if matrix.diagonal().any():
            label = words[int(np.flatnonzero(matrix.diagonal())[0])]
            raise ArgumentError(
                "substitute", "be 0 on the diagonal", f"{matrix.diagonal().max():g} for {label!r}"
            )
        if symmetrise:
            matrix = (matrix + matrix.T) / 2
            added = removed = (added + removed) / 2
            edges = np.full(2, edges.mean())
        _check_symmetric(matrix, added, removed, edges, words)
        put = object.__setattr__
        for name, array in (("substitute", matrix), ("insert", added), ("delete", removed)):
            array.setflags(write=False)
            put(self, name, array)
        put(self, "edge", float(edges[0]))
        put(self, "vocabulary", words)
        put(self, "rule", rule)

    @staticmethod
    def uniform(node: float = 1.0, edge: float = 1.0, vocabulary: Iterable[str] = ()) -> EditCosts:
        """Every edit of a kernel costs the same, and so does every edit of an edge.

        Parameters
        ----------
        node, edge : float, default=1.0
            The two costs.
        vocabulary : iterable of str, default=()
            Labels to have in the table; other labels follow the same rule.

        Examples
        --------
        >>> EditCosts.uniform(edge=0.5)
        EditCosts(0 labels and a rule, edge=0.5)
        """
        node, edge = checks.number("node", node, 0), checks.number("edge", edge, 0)
        rule = functools.partial(uniform_rule, node=node)
        return EditCosts([], [], [], edge, (), rule=rule).over(vocabulary)

    @staticmethod
    def heuristic(vocabulary: Iterable[str] = (), edge: float = HEURISTIC_EDGE) -> EditCosts:
        """What an edit changes in the program: by family of operations, window and stride.

        The table and its reasons stand in `cgraph.distances.edit.rules`. It covers any label;
        on NAS-Bench-201 cells, 3x3 to 1x1 costs 2, a skip to a pool 3, a skip to 1x1 5, any other
        substitution 6; a skip costs 2 to insert or delete, a pool 4, 1x1 5, 3x3 6; an edge 1.

        Parameters
        ----------
        vocabulary : iterable of str, default=()
            Labels to have in the table; other labels follow the same rule.
        edge : float, default=1.0
            Cost of an edge.

        Examples
        --------
        >>> costs = EditCosts.heuristic(["conv2d[3x3]", "conv2d[1x1]", "relu"])
        >>> costs.substitute.tolist()
        [[0.0, 2.0, 6.0], [2.0, 0.0, 6.0], [6.0, 6.0, 0.0]]
        """
        edge = checks.number("edge", edge, 0)
        return EditCosts([], [], [], edge, (), rule=heuristic_rule).over(vocabulary)

    @staticmethod
    def hardware(
        graphs: Iterable[ComputationalGraph],
        *,
        label: str = "attributes",
        edge: float = 0.1,
        floor: float = 0.05,
    ) -> EditCosts:
        """What an edit changes in multiply-accumulates and in bytes, measured on graphs.

        Each label has a mean number of MACs and a mean number of bytes that its kernels read and
        write, parameters included; both are divided by their mean over all kernels. Inserting or
        deleting a kernel costs the sum of the two, a substitution the sum of the two differences,
        and each edit `floor` more, so that different labels are never at 0.

        Parameters
        ----------
        graphs : iterable of ComputationalGraph
            What is measured; at least one kernel.
        label : {"attributes", "operation", "family"}, default="attributes"
            How kernels are labelled; as in `project`.
        edge : float, default=0.1
            Cost of an edge.
        floor : float, default=0.05
            Least cost of an edit of a kernel, > 0.

        Returns
        -------
        EditCosts
            Over the labels that occur, and "input" and "output". It has no rule: a label it did
            not see is refused.
        """
        edge, floor = checks.number("edge", edge, 0), checks.number("floor", floor, above=0)
        hint = "a model has to go through trace() first"
        programs = checks.instances(
            "graphs", graphs, ComputationalGraph, "be computational graphs", hint
        )
        labels, sizes = _sizes_by_label(programs, label)
        apart = np.abs(sizes[:, None] - sizes[None]).sum(axis=2)
        substitute = np.where(np.eye(len(labels), dtype=bool), 0.0, apart + floor)
        indel = sizes.sum(axis=1) + floor
        return EditCosts(substitute, indel, indel, edge, labels)

    @staticmethod
    def sized(
        base: EditCosts | None = None,
        *,
        parameters: float = 1.0,
        activations: float = 1.0,
        macs: float = 1.0,
    ) -> EditCosts:
        """What an edit changes in the operations and in the sizes of their tensors.

        A kernel that stays an operation and gets other tensors costs the relative difference
        |x - y| / max(x, y) of the bytes of its parameters, of the bytes of the values that it
        reads and writes, and of its multiply-accumulates, in hundredths and rounded up, each times
        its weight; 0.1 more where a shape or a data type differs at all. A convolution of twice
        the width costs about 2, as much as one of another window.

        Parameters
        ----------
        base : EditCosts, optional
            What an edit of the operations costs; `EditCosts.heuristic()` by default.
        parameters, activations, macs : float, default=1.0
            The three weights, >= 0.

        Returns
        -------
        EditCosts
            For labels with sizes: computational graphs in `edit_distance`, and populations of
            graphs that come from ``project(graph, label="sized")``. A metric where `base` is.

        Raises
        ------
        ArgumentError
            If a weight is negative or not a number.

        Examples
        --------
        >>> import torch
        >>> from torch import nn
        >>> from cgraph import edit_distance, trace
        >>> thin, wide = (trace(nn.Linear(8, n), torch.empty(1, 8)) for n in (16, 32))
        >>> print(edit_distance(thin, wide, EditCosts.sized()))
        edit distance 1.5, 0 edits
        1 kernel on other sizes
          linear 8 -> 16 became 8 -> 32 at linear: +144 parameters, +576 B, +128 MACs (1.5)
        """
        weights = {"parameters": parameters, "activations": activations, "macs": macs}
        numbers = [checks.number(name, weight, 0) for name, weight in weights.items()]
        chosen = EditCosts.heuristic() if base is None else base
        checks.instance("base", chosen, EditCosts, "be EditCosts")
        rule = SizedRule(chosen.table, *numbers)
        return EditCosts([], [], [], chosen.edge, (), rule=rule)

    @property
    def sees_sizes(self) -> bool:
        """Whether the costs are of labels with sizes; see `EditCosts.sized`."""
        return isinstance(self.rule, SizedRule)

    def table(self, vocabulary: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Substitution costs (K, K) and insertion costs (K,) of K labels, which may be changed.

        Raises
        ------
        ArgumentError
            If a label is not in the table and there is no rule for it.
        """
        costs = self.over(vocabulary)
        return costs.substitute.copy(), costs.insert.copy()

    def over(self, vocabulary: Iterable[str]) -> EditCosts:
        """The same costs over another vocabulary, in its order.

        A label of the compact view, such as "relu>conv2d[3x3]", costs what its kernels do: to
        insert it, their sum and that of the edges between them; to replace it, the cheapest
        alignment with the kernels of the other; see `cgraph.distances.edit.alignment`.

        Raises
        ------
        ArgumentError
            If a label is not in the table and there is no rule for it.

        Examples
        --------
        >>> EditCosts.heuristic().over(["skip_connect", "avg_pool_3x3"]).substitute[0, 1]
        np.float64(3.0)
        """
        words = _labels(vocabulary)
        place = {label: i for i, label in enumerate(self.vocabulary)}
        if any(len(steps_of(label)) > 1 for label in words if label not in place):
            return self._aligned(words, place)
        if self.rule is not None and not set(words) <= set(place):
            return self._ruled(words, place)
        for label in words:
            if label not in place:
                raise ArgumentError(
                    "costs",
                    "know every label",
                    f"none for {label!r}",
                    f"the table has {', '.join(map(repr, self.vocabulary))}",
                )
        order = np.array([place[label] for label in words], dtype=np.int64)
        return EditCosts(
            self.substitute[np.ix_(order, order)],
            self.insert[order],
            self.delete[order],
            self.edge,
            words,
            rule=self.rule,
        )

    def _aligned(self, words: tuple[str, ...], place: dict[str, int]) -> EditCosts:
        """Costs with those of series of kernels, which follow from the costs of the kernels."""
        series = [(label,) if label in place else steps_of(label) for label in words]
        kernels = tuple(sorted({step for steps in series for step in steps}))
        single = self.over(kernels)
        substitute, indel = align_series(
            series, kernels, single.substitute, single.insert, single.edge
        )
        return EditCosts(substitute, indel, indel, self.edge, words, rule=self.rule)

    def _ruled(self, words: tuple[str, ...], place: dict[str, int]) -> EditCosts:
        """Costs of the rule, with those of the table where it has both labels."""
        assert self.rule is not None
        substitute, indel = self.rule(words)
        known = [i for i, label in enumerate(words) if label in place]
        order = [place[words[i]] for i in known]
        substitute[np.ix_(known, known)] = self.substitute[np.ix_(order, order)]
        indel[known] = self.insert[order]
        return EditCosts(substitute, indel, indel, self.edge, words, rule=self.rule)

    @property
    def triangle_violations(self) -> tuple[str, ...]:
        """Where a detour is cheaper than the direct edit, as sentences; empty for a metric.

        Only the labels of the table are looked at.
        """
        closed, indel = _shortest(self.substitute, self.insert)
        slack = _TOLERANCE * (1 + self.insert.max(initial=0))
        pairs = np.argwhere(closed < self.substitute - slack)
        found = [
            f"{self.vocabulary[i]} to {self.vocabulary[j]} costs {self.substitute[i, j]:g}, "
            f"by a detour {closed[i, j]:g}"
            for i, j in pairs.tolist()
            if i < j
        ]
        found += [
            f"inserting {self.vocabulary[i]} costs {self.insert[i]:g}, by a detour {indel[i]:g}"
            for i in np.flatnonzero(indel < self.insert - slack).tolist()
        ]
        return tuple(found)

    @property
    def is_metric(self) -> bool:
        """Whether the distance is a metric between classes of identical programs.

        That is: no detour is cheaper, and no edit of the table is free.
        """
        off_diagonal = self.substitute[~np.eye(len(self.vocabulary), dtype=bool)]
        free = not ((off_diagonal > 0).all() and (self.insert > 0).all() and self.edge > 0)
        return not free and not self.triangle_violations

    def closure(self) -> EditCosts:
        """The largest costs below these that obey the triangle inequality.

        An edit costs what its cheapest detour over the labels of the table does; the rule, which
        knows other labels, is left out.

        Examples
        --------
        >>> costs = EditCosts(
        ...     [[0, 1, 9], [1, 0, 1], [9, 1, 0]], 5, 5, edge=1, vocabulary=["a", "b", "c"])
        >>> costs.triangle_violations
        ('a to c costs 9, by a detour 2',)
        >>> costs.closure().substitute[0, 2]
        np.float64(2.0)
        """
        substitute, indel = _shortest(self.substitute, self.insert)
        return EditCosts(substitute, indel, indel, self.edge, self.vocabulary)

    def __repr__(self) -> str:
        rule = " and a rule" if self.rule is not None else ""
        return f"EditCosts({len(self.vocabulary)} labels{rule}, edge={self.edge:g})"


def check_costs(costs: EditCosts | None) -> EditCosts:
    """The argument `costs` of whatever counts edits: `EditCosts.heuristic` where there is none.

    Raises
    ------
    ArgumentError
        If it is something else.
    """
    if costs is None:
        return EditCosts.heuristic()
    return checks.instance("costs", costs, EditCosts, "be EditCosts")


def _costs(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A copy of costs as an array of a shape; a number stands for a whole vector."""
    if len(shape) == 1 and not isinstance(value, Sequence | np.ndarray):
        return np.full(shape, checks.number(name, value, 0))
    words = f"hold costs, numbers >= 0, of shape {shape}"
    return checks.numbers(name, value, shape, 0, finite=False, words=words)


def _labels(vocabulary: Iterable[str]) -> tuple[str, ...]:
    words = checks.texts("vocabulary", vocabulary, different=True)
    if len(words) > MOST_LABELS:
        raise ArgumentError("vocabulary", f"hold at most {MOST_LABELS:,} labels", f"{len(words):,}")
    return words


def _check_symmetric(
    substitute: NDArray[np.float64],
    insert: NDArray[np.float64],
    delete: NDArray[np.float64],
    edges: NDArray[np.float64],
    words: tuple[str, ...],
) -> None:
    hint = "symmetrise=True takes the mean of both directions"
    if not np.array_equal(substitute, substitute.T):
        i, j = np.argwhere(substitute != substitute.T)[0]
        raise ArgumentError(
            "substitute",
            "be symmetric",
            f"{substitute[i, j]:g} from {words[i]!r} to {words[j]!r} and {substitute[j, i]:g} back",
            hint,
        )
    if not np.array_equal(insert, delete):
        i = int(np.flatnonzero(insert != delete)[0])
        raise ArgumentError(
            "insert", "equal delete", f"{insert[i]:g} and {delete[i]:g} for {words[i]!r}", hint
        )
    if edges[0] != edges[1]:
        raise ArgumentError(
            "edge", "cost the same both ways", f"{edges[0]:g} and {edges[1]:g}", hint
        )


def _shortest(
    substitute: NDArray[np.float64], indel: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Costs of the cheapest detours over labels (Floyd and Warshall)."""
    closed = substitute.copy()
    for k in range(len(closed)):
        closed = np.minimum(closed, closed[:, k, None] + closed[None, k])
    return closed, (closed + indel[None]).min(axis=1, initial=np.inf)


def _sizes_by_label(
    graphs: Iterable[ComputationalGraph], label: str
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Labels that occur and their relative MACs and bytes, shape (K, 2)."""
    rows: list[tuple[str, int, int]] = []
    for graph in graphs:
        bytes_of = np.array([m.bytes for m in graph.memories], dtype=np.int64)
        moved = np.zeros(len(graph.kernels), dtype=np.int64)
        np.add.at(moved, graph.reads[:, 1], bytes_of[graph.reads[:, 0]])
        np.add.at(moved, graph.writes[:, 0], bytes_of[graph.writes[:, 1]])
        rows += [
            (word, kernel.macs, int(moved[i]))
            for i, (word, kernel) in enumerate(
                zip(labels_of(graph, label), graph.kernels, strict=True)
            )
        ]
        rows += [(INPUT_LABEL, 0, int(bytes_of[m])) for m in graph.inputs]
        rows += [(OUTPUT_LABEL, 0, int(bytes_of[m])) for m in graph.outputs]
    if not rows:
        raise ArgumentError("graphs", "hold at least one kernel", "none")
    labels, code = np.unique([row[0] for row in rows], return_inverse=True)
    sizes = np.array([row[1:] for row in rows], dtype=np.float64)
    scale = sizes.mean(axis=0)
    sums = np.zeros((len(labels), 2))
    np.add.at(sums, code, sizes / np.where(scale > 0, scale, 1))
    return tuple(labels.tolist()), sums / np.bincount(code)[:, None]
