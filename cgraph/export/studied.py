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
    """

    study: Studied
    positions: NDArray[np.int64]
    graphs: GraphKind = "kernel"
    space: Space | str | None = None

    def __len__(self) -> int:
        return len(self.positions)

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
        How many at most, >= 1: drawn at random by the seed of the study.
    by_rank : bool, default=False
        Whether they stand by the place of their cluster, and not in the order of the space.
    graphs : {"kernel", "computational"}, default="kernel"
        Which graph of an architecture is written.
    space : Space or str, optional
        The space, where it neither ships nor comes with an installed package.

    Raises
    ------
    ArgumentError
        If there is no such selection or cluster, or a number is out of range.
    """
    if graphs not in GRAPH_KINDS:
        raise ArgumentError("graphs", f"be {' or '.join(GRAPH_KINDS)}", repr(graphs))
    positions = _positions(study, only)
    if limit is not None:
        if not isinstance(limit, int) or limit < 1:
            raise ArgumentError("limit", "be a whole number, 1 or more", limit)
        if limit < len(positions):
            rng = np.random.default_rng(study.configuration["seed"])
            positions = np.sort(rng.choice(positions, size=limit, replace=False))
    if by_rank:
        place = {int(c): i for i, c in enumerate(study.ranking.table["cluster"])}
        clusters = study.architectures["cluster"].to_numpy()[positions]
        order = np.argsort([place[int(c)] for c in clusters], kind="stable")
        positions = positions[order]
    return Chosen(study, positions, graphs, space)


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
    number = study.ranking.best if only == "best" else _cluster_number(study, only)
    members = set(study.ranking.members[number])
    return np.flatnonzero(table["name"].isin(members).to_numpy(dtype=bool))


def _cluster_number(study: Studied, only: str) -> int:
    found = re.fullmatch(r"cluster[ :=]?(\d+)", only)
    if found is None:
        raise ArgumentError("only", f"be one of {', '.join(SELECTIONS)}", repr(only))
    number, n = int(found.group(1)), len(study.ranking.members)
    if number >= n:
        raise ArgumentError("only", f"name a cluster, 0 to {n - 1}", repr(only))
    return number
