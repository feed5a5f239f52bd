"""What is exported of a study: which architectures, and what is known of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.ranking.order import Ranking

if TYPE_CHECKING:
    from cgraph.spaces.space import Space

SELECTIONS = ("all", "representatives", "evaluated", "medoids", "best", "cluster N")
GraphKind = Literal["kernel", "computational"]
GRAPH_KINDS: tuple[GraphKind, ...] = ("kernel", "computational")

Progress = Callable[[int, int], None]
"""Called with the architectures that are done, and how many there are."""


class Studied(Protocol):
    """What an export reads of a study: `cgraph.StudyResult` is one."""

    @property
    def directory(self) -> Path:
        """Where the study lies."""

    @property
    def configuration(self) -> dict[str, Any]:
        """What was studied and how, with "space", "part" and "seed"."""

    @property
    def architectures(self) -> pd.DataFrame:
        """A row for each architecture, with "name", "cluster" and "is_medoid"."""

    @property
    def statistics(self) -> pd.DataFrame:
        """A row for each evaluated network and protocol, as `cgraph.evaluate` gives it."""

    @property
    def ranking(self) -> Ranking:
        """The clusters in order."""

    @property
    def accuracies(self) -> pd.DataFrame | None:
        """Columns "name" and "accuracy", where they are known."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The architectures of a study that are exported.

    Parameters
    ----------
    study : Studied
        The study.
    positions : ndarray of int64, shape (n_chosen,)
        Rows of its table of architectures.
    graphs : {"kernel", "computational"}, default="kernel"
        Which graph of an architecture is written, where graphs are.
    space : Space or str, default=None
        The space, where it neither ships nor comes with an installed package.
    copies : ndarray of int64, shape (n_chosen,), optional
        How many architectures that were to be chosen from each stands for.
    """

    study: Studied
    positions: NDArray[np.int64]
    graphs: GraphKind = "kernel"
    space: Space | str | None = None
    copies: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def n_copies(self) -> NDArray[np.int64]:
        """How many architectures each stands for, shape (n_chosen,): itself where all are."""
        return np.ones(len(self), dtype=np.int64) if self.copies is None else self.copies

    @property
    def names(self) -> list[str]:
        """Strings of the architectures."""
        return [str(name) for name in self.study.architectures["name"].iloc[self.positions]]

    def found_space(self) -> Space:
        """The space that was studied.

        Raises
        ------
        ArgumentError
            If it has to be given and is not, or is not the one that was studied.
        """
        from cgraph.spaces.studied import studied_space

        architectures = self.study.architectures["name"].tolist()
        return studied_space(self.study.configuration, architectures, self.space)


def choose(
    study: Studied,
    only: str,
    *,
    limit: int | None = None,
    by_rank: bool = False,
    distinct: bool = False,
    graphs: GraphKind = "kernel",
    space: Space | str | None = None,
) -> Chosen:
    """The architectures of a study that a word stands for.

    Parameters
    ----------
    study : Studied
        A study that has run.
    only : str
        "all"; "evaluated"; "medoids"; "representatives", which are both; "best", the members of
        the cluster in first place; "cluster 3", those of a cluster.
    limit : int, optional
        How many at most, >= 1: drawn at random by the seed of the study; of different programs of
        a cluster, spread over it.
    by_rank : bool, default=False
        Whether they stand by the place of their cluster, and not in the order of the space.
    distinct : bool, default=False
        Whether they are different programs; of a cluster as `Ranking.sample` gives them, of a
        selection the first one of each program.
    graphs : {"kernel", "computational"}, default="kernel"
        Which graph of an architecture is written.
    space : Space or str, optional
        The space, where it neither ships nor comes with an installed package.

    Raises
    ------
    ArgumentError
        If there is no such selection or cluster, or a number is out of range.
    """
    if not isinstance(graphs, str) or graphs not in GRAPH_KINDS:
        raise ArgumentError("graphs", f"be {' or '.join(GRAPH_KINDS)}", checks.came(graphs))
    if limit is not None:
        limit = checks.whole("limit", limit, 1)
    checks.truth("distinct", distinct)
    number = _cluster_of(study, only)
    copies = None
    if distinct and number is not None:
        positions, copies = _spread(study, number, limit)
    else:
        positions = _positions(study, only)
        if distinct:
            positions, copies = _different(study, positions)
        if limit is not None and limit < len(positions):
            rng = np.random.default_rng(study.configuration["seed"])
            drawn = np.sort(rng.choice(len(positions), size=limit, replace=False))
            positions = positions[drawn]
            copies = None if copies is None else copies[drawn]
    if by_rank:
        place = {int(c): i for i, c in enumerate(study.ranking.table["cluster"])}
        clusters = study.architectures["cluster"].to_numpy()[positions]
        order = np.argsort([place[int(c)] for c in clusters], kind="stable")
        positions = positions[order]
        copies = None if copies is None else copies[order]
    return Chosen(study, positions, graphs, space, copies)


def batches(chosen: Chosen, size: int, progress: Progress | None) -> Iterator[NDArray[np.int64]]:
    """Positions in pieces, with progress reported after each."""
    for first in range(0, len(chosen), size):
        piece = chosen.positions[first : first + size]
        yield piece
        if progress is not None:
            progress(first + len(piece), len(chosen))


def _positions(study: Studied, only: str) -> NDArray[np.int64]:
    """Rows of a selection, rising."""
    table = study.architectures
    if only == "all":
        return np.arange(len(table), dtype=np.int64)
    is_medoid = table["is_medoid"].to_numpy(dtype=bool)
    if only == "medoids":
        return np.flatnonzero(is_medoid)
    if only in ("evaluated", "representatives"):
        is_chosen = table["name"].isin(study.statistics["name"].unique()).to_numpy(dtype=bool)
        return np.flatnonzero(is_chosen | is_medoid if only == "representatives" else is_chosen)
    number = _cluster_of(study, only)
    assert number is not None
    members = set(study.ranking.members[number])
    return np.flatnonzero(table["name"].isin(members).to_numpy(dtype=bool))


def _spread(
    study: Studied, number: int, limit: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of different programs of a cluster, and how many of its members each stands for."""
    n = study.ranking.layout_of(number).n_programs
    if not n:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    seed = int(study.configuration["seed"])
    sample = study.ranking.sample_table(
        n if limit is None else min(n, limit), cluster=number, random_state=seed
    )
    place = pd.Series(np.arange(len(study.architectures)), index=study.architectures["name"])
    return place[sample["name"]].to_numpy(), sample["n_copies"].to_numpy()


def _different(
    study: Studied, positions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each program, rising, and how many rows have it."""
    programs = study.architectures["class"].to_numpy()[positions]
    _, first, counts = np.unique(programs, return_index=True, return_counts=True)
    order = np.argsort(first)
    return positions[first[order]], counts[order]


def _cluster_of(study: Studied, only: str) -> int | None:
    """Number of the cluster that a selection is; None where it is none."""
    if only in SELECTIONS and only not in ("best", "cluster N"):
        return None
    return study.ranking.best if only == "best" else _cluster_number(study, only)


def _cluster_number(study: Studied, only: str) -> int:
    found = re.fullmatch(r"cluster[ :=]?(\d+)", only)
    if found is None:
        raise ArgumentError("only", f"be one of {', '.join(SELECTIONS)}", repr(only))
    number, n = int(found.group(1)), len(study.ranking.members)
    if number >= n:
        raise ArgumentError("only", f"name a cluster, 0 to {n - 1}", repr(only))
    return number
