"""New architectures of a cluster, from a space that a study drew its population from.

Architectures are drawn from the space, and those that the clustering assigns to the cluster are
kept. Where few are, members of the cluster are mutated in place of that, and assigned as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cgraph.clustering.assigning import Assigner
from cgraph.errors import ArgumentError
from cgraph.ranking.draws import Draws
from cgraph.spaces.limits import KEEPS, Limits, limits_table
from cgraph.spaces.sampled import DrawnSpace, SampledSpace
from cgraph.spaces.space import Space
from cgraph.spaces.studied import studied_space

BATCH = 64
"""Architectures that are assigned at once."""

LEAST_ACCEPTANCE = 0.1
"""Share of draws to be of the cluster, below which members are mutated."""

MOST_TRIES = 500
"""Architectures that are tried for each that is asked for, and as many batches at least."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyMembers:
    """New members of the clusters of a study; see `cgraph.ranking.draws.MemberSource`.

    Parameters
    ----------
    configuration : mapping
        What was studied and how.
    architectures : DataFrame
        The table of the study, with "name" and "cluster".
    assigner : Assigner
        What gives architectures their clusters.
    directory : Path
        Where the study lies, for the errors.
    space : Space or str, optional
        The space, where the study's name for it does not stand for an installed one.
    """

    configuration: Mapping[str, Any]
    architectures: pd.DataFrame
    assigner: Assigner
    directory: Path
    space: Space | str | None = None

    def draw(self, cluster: int, n: int, random_state: int) -> Draws:
        """Architectures of a cluster that are not of the study's population, none twice.

        Parameters
        ----------
        cluster : int
            The cluster.
        n : int
            How many, at least 1.
        random_state : int
            Seed of the draws.

        Raises
        ------
        ArgumentError
            If `n` is below 1, the space has to be given, or so many are not found.
        """
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ArgumentError("n", "be a whole number, 1 or more", repr(n)[:200])
        space, rng = self._sampled(), np.random.default_rng([random_state, cluster])
        names = self.architectures["name"]
        members = names[self.architectures["cluster"] == cluster].tolist()
        seen = set(names)
        found: list[str] = []
        n_tried = n_mutated = 0
        can_mutate = True
        while len(found) < n:
            is_rare = n_tried >= 2 * BATCH and len(found) < LEAST_ACCEPTANCE * n_tried
            fresh = self._mutated(space, members + found, rng) if is_rare and can_mutate else None
            if fresh is None:
                fresh, can_mutate = list(space.sample(BATCH, rng)), not is_rare
            else:
                n_mutated += len(fresh)
            batch = [name for name in dict.fromkeys(fresh) if name not in seen]
            seen.update(batch)
            n_tried += len(fresh)
            if batch:
                found += self._of_cluster(space.subset(batch), cluster)
            if n_tried > MOST_TRIES * (n + BATCH):
                raise ArgumentError(
                    "n",
                    f"be a number of new architectures that cluster {cluster} has",
                    n,
                    f"{n_tried:,} were tried and {len(found):,} of them found; ask for fewer",
                )
        return Draws(found[:n], n_tried, len(found), n_mutated)

    def _of_cluster(self, drawn: DrawnSpace, cluster: int) -> list[str]:
        """Those of some architectures that are of a cluster, and keep the limits."""
        part = self.configuration["part"]
        population = drawn.population(part=part, boundary=part == "operations")
        is_member = self.assigner.labels(population) == cluster
        given = self.configuration.get("limits") or {}
        if given and is_member.any():
            if "measured" in given:
                raise ArgumentError(
                    "limits", "be estimated where architectures are new", "measured ones"
                )
            is_member &= limits_table(drawn, Limits(**given))[KEEPS].to_numpy(dtype=bool)
        return [name for name, ok in zip(drawn.architectures(), is_member, strict=True) if ok]

    def _mutated(
        self, space: SampledSpace, members: list[str], rng: np.random.Generator
    ) -> list[str] | None:
        """Mutations of members at random; None where the space has no neighbours."""
        chosen = [members[i] for i in rng.integers(len(members), size=BATCH)] if members else []
        if not chosen:
            return None
        try:
            return [space.mutate(name, rng) for name in chosen]
        except ArgumentError:
            return None

    def _sampled(self) -> SampledSpace:
        space = self.space
        if not isinstance(space, DrawnSpace):
            space = studied_space(self.configuration, self.architectures["name"].tolist(), space)
        assert isinstance(space, DrawnSpace)
        return space.space
