"""What a histogram of a program counts: its kernels, its pairs of kernels, its neighbourhoods.

Each occurrence counts 1, or by the size of its kernels: their MACs, or the bytes they move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.distances.plans import Programs
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from cgraph.registry import Table

WL_ROUNDS = 2
"""How many edges the neighbourhood of "neighbourhoods" reaches."""

_MOST_DENSE = 1 << 28  # entries of a table of counts


@dataclass(frozen=True, slots=True, eq=False)
class Occurrences:
    """Everything of a kind that there is in a population, one by one.

    Parameters
    ----------
    categories : sequence
        The K categories, comparable between populations.
    graph : ndarray of int64, shape (n_occurrences,)
        The graph that each occurrence is in.
    category : ndarray of int64, shape (n_occurrences,)
        Its category.
    kernels : ndarray of int64, shape (n_occurrences, r)
        The kernels it consists of, numbered through all graphs.
    """

    categories: Sequence[Hashable]
    graph: NDArray[np.int64]
    category: NDArray[np.int64]
    kernels: NDArray[np.int64]

    def histogram(self, n_graphs: int, sizes: NDArray[np.int64] | None) -> Histogram:
        """Occurrences of each graph by category.

        Each counts 1; with sizes of kernels, as much of the number of occurrences in its graph as
        its kernels have of all sizes there.
        """
        k = len(self.categories)
        cells, index = np.unique(self.graph * k + self.category, return_inverse=True)
        owner, category = np.divmod(cells, max(k, 1))
        if sizes is None:
            counts = np.bincount(index, minlength=len(cells)).astype(np.float64)
        else:
            own = sizes[self.kernels].sum(axis=1)
            sums = np.bincount(index, own, minlength=len(cells))
            total = np.bincount(owner, sums, minlength=n_graphs)
            n_occurrences = np.bincount(self.graph, minlength=n_graphs)
            counts = sums * n_occurrences[owner] / np.where(total > 0, total, 1)[owner]
        there = counts > 0
        offsets = np.searchsorted(owner[there], np.arange(n_graphs + 1))
        return Histogram(offsets.astype(np.int64), category[there], counts[there], k)


class Histogram(NamedTuple):
    """Counts of the categories that occur in each program."""

    offsets: NDArray[np.int64]  # (n + 1,)
    categories: NDArray[np.int64]  # (n_entries,) rising in each program
    counts: NDArray[np.float64]  # (n_entries,) above 0
    n_categories: int

    def dense(self) -> NDArray[np.float64]:
        """The counts of every category, shape (n, K).

        Raises
        ------
        ArgumentError
            If they are too many to hold.
        """
        n, k = len(self.offsets) - 1, self.n_categories
        if n * k > _MOST_DENSE:
            raise ArgumentError(
                "feature",
                "have fewer categories where points are needed",
                f"{k:,} for {n:,} programs",
                "distances are computed without points: metric='jensen-shannon', or a clustering "
                "method that works on distances",
            )
        result = np.zeros((n, k))
        result[np.repeat(np.arange(n), np.diff(self.offsets)), self.categories] = self.counts
        return result

    def renumbered(self, place: NDArray[np.int64], n_categories: int) -> Histogram:
        """The same counts with the category k called ``place[k]``."""
        owner = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        categories = place[self.categories]
        order = np.lexsort((categories, owner))
        return Histogram(self.offsets, categories[order], self.counts[order], n_categories)


@dataclass(frozen=True, slots=True)
class Feature:
    """Something to count in a program.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From a population to its `Occurrences`.
    summary : str
        What is counted, in a line.
    is_open : bool
        Whether there are more categories than anybody lists, of which a program has few.
    """

    name: str
    function: Callable[[Population], Occurrences]
    summary: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much a kernel counts in a histogram.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From a population to a number >= 0 for each of its kernels; None where it has none.
    summary : str
        What a kernel counts by, in a line.
    """

    name: str
    function: Callable[[Population], NDArray[np.int64] | None]
    summary: str


def histograms(
    x: Programs, other: Programs | None, feature: str = "kernels", weigh_by: str | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Histograms of programs and of others over the same categories, every category written out.

    Parameters
    ----------
    x, other : Population or ndarray of shape (n, K)
        Programs; counts are passed on as they are.
    feature : str, default="kernels"
        A name in `FEATURES`.
    weigh_by : str, optional
        A name in `WEIGHINGS`; by default every occurrence counts 1. A program without any size
        has an empty histogram.

    Returns
    -------
    counts : ndarray of float64, shape (n, K)
        Of `x`. The categories of `x` stand first, then those that only `other` has.
    other_counts : ndarray of float64, shape (m, K) or None
        Of `other`, None where that is None.

    Raises
    ------
    ArgumentError
        If a population does not have what it is to be weighed by, or the counts are too many.
    """
    if not isinstance(x, Population):
        assert not isinstance(other, Population)
        return x, other
    assert other is None or isinstance(other, Population)
    counts, other_counts = sparse_histograms(x, other, feature, weigh_by)
    return counts.dense(), None if other_counts is None else other_counts.dense()


def sparse_histograms(
    x: Population, other: Population | None, feature: str, weigh_by: str | None
) -> tuple[Histogram, Histogram | None]:
    """As `histograms`, of populations, without the categories that do not occur."""
    words, counts = _histogram("population", x, feature, weigh_by)
    if other is None:
        return counts, None
    other_words, other_counts = _histogram("other", other, feature, weigh_by)
    place = {word: i for i, word in enumerate(words)}
    new = [place.setdefault(word, len(place)) for word in other_words]
    other_counts = other_counts.renumbered(np.array(new, dtype=np.int64), len(place))
    return counts._replace(n_categories=len(place)), other_counts


def categories(x: Population, feature: str) -> tuple[Hashable, ...]:
    """What the columns of the `histograms` of a population count, in order."""
    if feature == "kernels":
        return tuple(x.vocabulary)
    return tuple(FEATURES[feature].function(x).categories)


def histogram_over(words: Sequence[Hashable], x: Population, feature: str) -> NDArray[np.float64]:
    """Histograms of programs over given categories, and over those that they have beside them.

    Parameters
    ----------
    words : sequence
        Categories, as `categories` gives them for other programs.
    x : Population
        The programs.
    feature : str
        A name in `FEATURES`.

    Returns
    -------
    ndarray of float64, shape (n, K)
        The given categories stand first, K >= len(words).
    """
    own, counts = _histogram("population", x, feature, None)
    place = {word: i for i, word in enumerate(words)}
    new = [place.setdefault(word, len(place)) for word in own]
    return counts.renumbered(np.array(new, dtype=np.int64), len(place)).dense()


def _histogram(
    name: str, population: Population, feature: str, weigh_by: str | None
) -> tuple[Sequence[Hashable], Histogram]:
    found = FEATURES[feature].function(population)
    sizes = None if weigh_by is None else WEIGHINGS[weigh_by].function(population)
    if weigh_by is not None and sizes is None:
        raise ArgumentError(
            name,
            f"know the {weigh_by} of its kernels",
            "graphs without them",
            "graphs of project() have them; without weigh_by every kernel counts 1",
        )
    return found.categories, found.histogram(len(population), sizes)


# What to do with a list of graphs.
PACK = "Population(graphs) is one"


def check_counts(name: str, counts: object) -> NDArray[np.float64]:
    """Counts of usage as float64.

    Raises
    ------
    ArgumentError
        If the array has not two dimensions, or holds NaN, infinity or negative numbers.
    """
    words = "be a Population or counts of shape (n_graphs, K)"
    array = checks.numbers(name, counts, (None, None), 0, words=words, hint=PACK)
    return array + 0.0  # a negative zero becomes a zero


def _kernels(population: Population) -> Occurrences:
    graph = np.repeat(np.arange(len(population)), population.n_kernels)
    kernels = np.arange(len(graph))[:, None]
    labels = population.label_ids.astype(np.int64)
    return Occurrences(population.vocabulary, graph, labels, kernels)


def _bigrams(population: Population) -> Occurrences:
    graph, ends = _edges(population)
    labels = population.label_ids[ends]
    pairs, kind = np.unique(labels, axis=0, return_inverse=True)
    words = [(population.vocabulary[u], population.vocabulary[v]) for u, v in pairs.tolist()]
    return Occurrences(words, graph, kind.reshape(-1), ends)


def _neighbourhoods(population: Population) -> Occurrences:
    """Colours of Weisfeiler and Leman after 0, 1, ..., `WL_ROUNDS` rounds, all counted."""
    graph = np.repeat(np.arange(len(population)), population.n_kernels)
    source, target = _edges(population)[1].T
    names = [hashlib.blake2b(w.encode(), digest_size=8).digest() for w in population.vocabulary]
    colour = np.frombuffer(b"".join(names), np.uint64)[population.label_ids]
    colours = [colour]
    for _ in range(WL_ROUNDS):
        # A sum of scrambled colours stands for the multiset of them, modulo 2^64.
        before, after = np.zeros_like(colour), np.zeros_like(colour)
        np.add.at(before, target, _scramble(colour[source]))
        np.add.at(after, source, _scramble(colour[target]))
        # Its own colour is turned over first: else it could change places with a neighbour's.
        colour = _scramble(_scramble(_scramble(~colour) + before) + after)
        colours.append(colour)
    words, kind = np.unique(np.concatenate(colours), return_inverse=True)
    n_times = WL_ROUNDS + 1
    kernels = np.tile(np.arange(len(graph)), n_times)[:, None]
    return Occurrences(words.tolist(), np.tile(graph, n_times), kind, kernels)


def _edges(population: Population) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Graph of each edge, and its two kernels numbered through all graphs."""
    graph = np.repeat(np.arange(len(population)), np.diff(population.edge_offsets))
    return graph, population.edges + population.node_offsets[graph][:, None]


def _scramble(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A one-to-one map of 64-bit numbers that mixes every bit (splitmix64)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


FEATURES: Table[Feature] = Table(
    "feature",
    [
        Feature("kernels", _kernels, "kernels by label", is_open=False),
        Feature("bigrams", _bigrams, "edges by the labels of their two kernels", is_open=True),
        Feature(
            "neighbourhoods",
            _neighbourhoods,
            f"kernels by label and by their neighbourhoods up to {WL_ROUNDS} edges away "
            "(Weisfeiler and Leman)",
            is_open=True,
        ),
    ],
)

WEIGHINGS: Table[Weighing] = Table(
    "weigh_by",
    [
        Weighing("macs", lambda population: population.macs, "its multiply-accumulates"),
        Weighing("bytes", lambda population: population.bytes, "the bytes it reads and writes"),
    ],
)
