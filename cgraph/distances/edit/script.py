"""The edit script: what to change in one graph to get the other, to read and to apply."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cgraph.distances.edit.costs import EditCosts
from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph

EditKind = Literal["disconnect", "delete", "replace", "insert", "connect"]


@dataclass(frozen=True, slots=True)
class EditOperation:
    """One edit of a kernel graph.

    Parameters
    ----------
    kind : {"disconnect", "delete", "replace", "insert", "connect"}
        Delete an edge, delete a kernel, give a kernel another label, insert a kernel, insert an
        edge.
    kernel : int
        Number of the kernel, or of the source of the edge. Kernels keep the numbers they have in
        the graph that is edited; inserted ones are numbered on from there.
    target : int or None
        Number of the target of the edge; None for a kernel.
    label : str or None
        New label of a kernel that is replaced or inserted; None otherwise.
    cost : float
        What it costs.
    text : str
        The edit in words.
    """

    kind: EditKind
    kernel: int
    target: int | None
    label: str | None
    cost: float
    text: str

    def __str__(self) -> str:
        return self.text


def edit_script(
    a: KernelGraph, b: KernelGraph, mapping: Sequence[int | None], costs: EditCosts
) -> tuple[EditOperation, ...]:
    """The edits that a map of kernels stands for.

    Parameters
    ----------
    a, b : KernelGraph
        From and to.
    mapping : sequence of (int or None)
        For each kernel of `a`, the kernel of `b` that it becomes; None where it is deleted.
    costs : EditCosts
        Prices them.

    Returns
    -------
    tuple of EditOperation
        In an order in which they can be done: edges are deleted before kernels, and inserted
        after them.
    """
    words = tuple(sorted({*a.labels, *b.labels}))
    costs = costs.over(words)
    place = {label: i for i, label in enumerate(words)}
    number = _numbers_in_edited(len(a), len(b), mapping)
    names = {i: _spoken(a, i) for i in range(len(a))}
    for j, new_number in enumerate(number):
        if new_number >= len(a):
            is_taken = b.names[j].isdigit() or b.names[j] in a.names
            names[new_number] = f"new {_spoken(b, j)}" if is_taken else b.names[j]
    before = {(u, v) for u, v in a.edges.tolist()}
    after = {(number[u], number[v]) for u, v in b.edges.tolist()}

    script = [
        EditOperation("disconnect", u, v, None, costs.edge, f"disconnect {names[u]} -> {names[v]}")
        for u, v in sorted(before - after)
    ]
    for i, (old, image) in enumerate(zip(a.labels, mapping, strict=True)):
        if image is None:
            price = float(costs.delete[place[old]])
            text = f"delete {old} at {names[i]}"
            script.append(EditOperation("delete", i, None, None, price, text))
        elif (new := b.labels[image]) != old:
            price = float(costs.substitute[place[old], place[new]])
            text = f"replace {old} at {names[i]} by {new}"
            script.append(EditOperation("replace", i, None, new, price, text))
    # Kernels first by what they are, so that a long script reads in groups.
    script.sort(key=lambda edit: (edit.kind != "disconnect", edit.kind != "delete", edit.kernel))
    for j, label in enumerate(b.labels):
        if number[j] >= len(a):
            price = float(costs.insert[place[label]])
            text = f"insert {label} as {names[number[j]]}"
            script.append(EditOperation("insert", number[j], None, label, price, text))
    script += [
        EditOperation("connect", u, v, None, costs.edge, f"connect {names[u]} -> {names[v]}")
        for u, v in sorted(after - before)
    ]
    return tuple(script)


def script_cost(operations: Iterable[EditOperation]) -> float:
    """What the edits cost together; the order does not matter to the last bit."""
    return math.fsum(edit.cost for edit in operations)


def apply_edits(graph: KernelGraph, operations: Iterable[EditOperation]) -> KernelGraph:
    """The graph after some edits.

    Parameters
    ----------
    graph : KernelGraph
        What is edited.
    operations : iterable of EditOperation
        Done in order.

    Returns
    -------
    KernelGraph
        Kernels that are left keep their order and names; inserted ones follow.

    Raises
    ------
    ArgumentError
        If an edit does not fit: it names a kernel or an edge that is not there, or deletes a
        kernel that still has edges.

    Examples
    --------
    >>> relu = KernelGraph(["relu"], [])
    >>> apply_edits(relu, [EditOperation("replace", 0, None, "gelu", 1.0, "")]).labels
    ('gelu',)
    """
    labels = dict(enumerate(graph.labels))
    names = dict(enumerate(graph.names))
    edges = {(u, v) for u, v in graph.edges.tolist()}
    for edit in operations:
        _apply(edit, labels, names, edges)
    place = {number: i for i, number in enumerate(labels)}
    rows = [(place[u], place[v]) for u, v in edges]
    return KernelGraph(labels.values(), rows, [names[number] for number in labels])


def _apply(
    edit: EditOperation, labels: dict[int, str], names: dict[int, str], edges: set[tuple[int, int]]
) -> None:
    number = edit.kernel
    if edit.kind == "insert":
        _check(number not in labels and edit.label is not None, edit, "name a new kernel")
        labels[number] = str(edit.label)
        names[number] = edit.text.rpartition(" as ")[2] or str(number)
        return
    _check(number in labels, edit, "name a kernel of the graph")
    if edit.kind == "replace":
        _check(edit.label is not None, edit, "give a label")
        labels[number] = str(edit.label)
    elif edit.kind == "delete":
        _check(all(number not in edge for edge in edges), edit, "follow the deletion of its edges")
        del labels[number], names[number]
    else:
        assert edit.target is not None
        edge = (number, edit.target)
        _check(edit.target in labels, edit, "name a kernel of the graph")
        _check((edge in edges) == (edit.kind == "disconnect"), edit, "find the edge, or its place")
        edges ^= {edge}


def _check(fits: bool, edit: EditOperation, must: str) -> None:
    if not fits:
        raise ArgumentError("operations", f"each {must}", repr(edit))


def _numbers_in_edited(n_a: int, n_b: int, mapping: Sequence[int | None]) -> list[int]:
    """For each kernel of b, its number in the edited graph."""
    kept = {j: i for i, j in enumerate(mapping) if j is not None}
    new = iter(range(n_a, n_a + n_b))
    return [kept[j] if j in kept else next(new) for j in range(n_b)]


def _spoken(graph: KernelGraph, i: int) -> str:
    name = graph.names[i]
    return f"kernel {name}" if name.isdigit() else name
