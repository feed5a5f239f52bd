"""What a histogram of a program counts: its kernels, its pairs of kernels, its neighbourhoods."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgraph.distances.plans import Programs
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from cgraph.registry import Table

WL_ROUNDS = 2
"""How many edges the neighbourhood of "neighbourhoods" reaches."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something to count in a program.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From a population to the categories, K of them and comparable between populations, and
        the counts of shape (n, K).
    summary : str
        What is counted, in a line.
    """

    name: str
    function: Callable[[Population], tuple[Sequence[Hashable], NDArray[np.int64]]]
    summary: str


def histograms(
    x: Programs, other: Programs | None, feature: str = "kernels"
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Counts of programs and of others over the same categories.

    Parameters
    ----------
    x, other : Population or ndarray of shape (n, K)
        Programs; counts are passed on as they are.
    feature : str, default="kernels"
        A name in `FEATURES`.

    Returns
    -------
    counts : ndarray of float64, shape (n, K)
        Of `x`. The categories of `x` stand first, then those that only `other` has.
    other_counts : ndarray of float64, shape (m, K) or None
        Of `other`, None where that is None.
    """
    record = FEATURES[feature]
    if not isinstance(x, Population):
        assert not isinstance(other, Population)
        return x, other
    words, counts = record.function(x)
    if other is None:
        return counts.astype(np.float64), None
    assert isinstance(other, Population)
    other_words, other_counts = record.function(other)
    known = set(words)
    union = [*words, *(word for word in other_words if word not in known)]
    column = {word: i for i, word in enumerate(union)}
    result = np.zeros((len(x), len(union)))
    result[:, : len(words)] = counts
    other_result = np.zeros((len(other), len(union)))
    other_result[:, [column[word] for word in other_words]] = other_counts
    return result, other_result


def check_counts(name: str, counts: object) -> NDArray[np.float64]:
    """Counts of usage as float64.

    Raises
    ------
    ArgumentError
        If the array has not two dimensions, or holds NaN, infinity or negative numbers.
    """
    try:
        array = np.array(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            name, "be a Population or an array of counts", type(counts).__name__
        ) from error
    if array.ndim != 2:
        raise ArgumentError(
            name, "be a Population or counts of shape (n_graphs, K)", f"shape {array.shape}"
        )
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        i, k = np.argwhere(bad)[0]
        raise ArgumentError(name, "hold finite counts >= 0", f"{array[i, k]} at ({i}, {k})")
    return array + 0.0  # a negative zero becomes a zero


def _kernels(population: Population) -> tuple[Sequence[Hashable], NDArray[np.int64]]:
    return population.vocabulary, population.usage()


def _bigrams(population: Population) -> tuple[Sequence[Hashable], NDArray[np.int64]]:
    graph = np.repeat(np.arange(len(population)), np.diff(population.edge_offsets))
    ends = population.label_ids[population.node_offsets[graph][:, None] + population.edges]
    pairs, kind = np.unique(ends, axis=0, return_inverse=True)
    words = [(population.vocabulary[u], population.vocabulary[v]) for u, v in pairs.tolist()]
    return words, _count(graph, kind.reshape(-1), (len(population), len(words)))


def _neighbourhoods(population: Population) -> tuple[Sequence[Hashable], NDArray[np.int64]]:
    """Colours of Weisfeiler and Leman after 0, 1, ..., `WL_ROUNDS` rounds, all counted."""
    graph = np.repeat(np.arange(len(population)), population.n_kernels)
    owner = np.repeat(np.arange(len(population)), np.diff(population.edge_offsets))
    source, target = (population.edges + population.node_offsets[owner][:, None]).T
    names = [hashlib.blake2b(w.encode(), digest_size=8).digest() for w in population.vocabulary]
    colour = np.frombuffer(b"".join(names), np.uint64)[population.label_ids]
    colours = [colour]
    for _ in range(WL_ROUNDS):
        # A sum of scrambled colours stands for the multiset of them, modulo 2^64.
        before, after = np.zeros_like(colour), np.zeros_like(colour)
        np.add.at(before, target, _scramble(colour[source]))
        np.add.at(after, source, _scramble(colour[target]))
        colour = _scramble(_scramble(_scramble(colour) + before) + after)
        colours.append(colour)
    words, kind = np.unique(np.concatenate(colours), return_inverse=True)
    graphs = np.tile(graph, WL_ROUNDS + 1)
    return words.tolist(), _count(graphs, kind, (len(population), len(words)))


def _count(
    graph: NDArray[np.int64], kind: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.int64]:
    counts = np.bincount(graph * shape[1] + kind, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.int64, copy=False)


def _scramble(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A one-to-one map of 64-bit numbers that mixes every bit (splitmix64)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


FEATURES: Table[Feature] = Table(
    "feature",
    [
        Feature("kernels", _kernels, "kernels by label"),
        Feature("bigrams", _bigrams, "edges by the labels of their two kernels"),
        Feature(
            "neighbourhoods",
            _neighbourhoods,
            f"kernels by label and by their neighbourhoods up to {WL_ROUNDS} edges away "
            "(Weisfeiler and Leman)",
        ),
    ],
)
