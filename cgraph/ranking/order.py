"""Clusters in order, with intervals and ties, from the statistics of a sample of their networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError
from cgraph.ranking.draws import MemberSource
from cgraph.ranking.scores import log_rank_scores, oriented_values
from cgraph.ranking.spread import Layout, different

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Clusters in order, best first.

    Parameters
    ----------
    table : DataFrame
        A row for each cluster, best first; see `rank` for its columns.
    scores : DataFrame
        A row for each evaluated network: "name", "cluster", "weight", "score".
    protocols : tuple of str
        The statistics that count, as ids of protocols.
    members : tuple of tuple of str
        Names of the members of each cluster, by cluster number.
    source : MemberSource, optional
        What draws new members, where the space is not listed.
    layouts : tuple of Layout, optional
        The programs of the members of each cluster and where they are, by cluster number.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    protocols: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    source: MemberSource | None = None
    layouts: tuple[Layout, ...] | None = None

    def __post_init__(self) -> None:
        columns = {"cluster": "number", "tied_with_best": ""}
        table = checks.table("table", self.table, columns, "rank() makes such a table")
        checks.table("scores", self.scores, {}, "rank() makes such a table")
        members = checks.items("members", self.members, "be names of the members of each cluster")
        names = tuple(checks.texts(f"members[{i}]", own) for i, own in enumerate(members))
        object.__setattr__(self, "members", names)
        object.__setattr__(self, "protocols", checks.texts("protocols", self.protocols))
        if table.empty:
            raise ArgumentError("table", "have a row for each cluster", "none")
        if not table["cluster"].isin(range(len(names))).all():
            must = f"name clusters of `members`, below {len(names)}"
            raise ArgumentError("table", must, checks.came(list(table["cluster"])))
        checks.truths("tied_with_best", table["tied_with_best"], len(table), "cluster")

    @property
    def best(self) -> int:
        """Number of the cluster in first place."""
        return int(self.table["cluster"].iloc[0])

    def sample(
        self,
        n: int,
        *,
        cluster: int | None = None,
        random_state: int = 0,
        distinct: bool = True,
    ) -> list[str]:
        """Names of networks of the best cluster, none twice.

        On a space that is not listed they are new ones, that the ranking was not made of: drawn
        from the space or mutated from members, and assigned to the cluster.

        Parameters
        ----------
        n : int
            How many, 1 <= n <= the number of different programs of the cluster, or its size; of
            new ones, at least 1.
        cluster : int, optional
            Another cluster than the best one.
        random_state : int, default=0
            Seed of the draw; of different programs it decides between those equally far.
        distinct : bool, default=True
            Whether they are different programs, spread over the cluster: its medoid first, then
            the program that is farthest from those before it. Otherwise they are drawn at random,
            each member as likely as another, copies of a program among them. New ones are
            different architectures in any case.

        Returns
        -------
        list of str
            In the order drawn. New ones are `cgraph.ranking.draws.Draws`, a list which knows its
            `acceptance`: the share of the architectures tried that are of the cluster.

        Raises
        ------
        ArgumentError
            If there is no such cluster, it has fewer than `n` members, or so many new ones are not
            found.
        """
        chosen = self._number(cluster)
        if self.source is not None:
            return self.source.draw(chosen, n, random_state)
        found = self.sample_table(n, cluster=chosen, random_state=random_state, distinct=distinct)
        return list(found["name"])

    def sample_table(
        self,
        n: int,
        *,
        cluster: int | None = None,
        random_state: int = 0,
        distinct: bool = True,
    ) -> pd.DataFrame:
        """Networks of the best cluster, and how many members each stands for.

        Parameters
        ----------
        n, cluster, random_state, distinct
            As for `sample`.

        Returns
        -------
        DataFrame
            A row for each: "name", "cluster", and "n_copies", how many members of the cluster are
            the same program, itself included. Without the programs of the members (`rank` was
            not given them) each is its own.

        Raises
        ------
        ArgumentError
            As for `sample`.
        """
        chosen = self._number(cluster)
        checks.truth("distinct", distinct)
        random_state = checks.seed("random_state", random_state)
        layout = self.layout_of(chosen)
        n_most = layout.n_programs if distinct else len(layout.programs)
        hint = f"cluster {chosen} has no more"
        if distinct and n_most < len(layout.programs):
            hint = (
                f"the different programs of cluster {chosen}; distinct=False draws from all of its "
                f"{len(layout.programs)} members"
            )
        n = checks.whole("n", n, 1, n_most, hint=hint)
        if distinct:
            places, copies = different(layout, n, random_state)
        else:
            rng = np.random.default_rng(random_state)
            places = rng.choice(len(layout.programs), size=n, replace=False)
            _, program, counts = np.unique(layout.programs, return_inverse=True, return_counts=True)
            copies = counts[program][places]
        names = self.members[chosen]
        return pd.DataFrame(
            {"name": [names[i] for i in places], "cluster": chosen, "n_copies": copies}
        )

    def _number(self, cluster: int | None) -> int:
        if cluster is None:
            return self.best
        return checks.whole("cluster", cluster, 0, len(self.members) - 1)

    def layout_of(self, cluster: int) -> Layout:
        """What is known of the members of a cluster; each its own program where nothing is."""
        cluster = self._number(cluster)
        if self.layouts is not None:
            return self.layouts[cluster]
        n = len(self.members[cluster])
        return Layout(np.arange(n), np.empty((n, 0)), None)

    def __repr__(self) -> str:
        tied = int(self.table["tied_with_best"].sum())
        others = f", {tied - 1} tied with it" if tied > 1 else ""
        return f"Ranking({len(self.table)} clusters, best {self.best}{others})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the clusters in order, with their intervals."""
        from cgraph.ranking.html import ranking_html

        return ranking_html(self)


def rank(
    clustering: Clustering,
    table: pd.DataFrame,
    *,
    statistics: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    n_programs: Sequence[int] | None = None,
    eligible: ArrayLike | None = None,
    programs: ArrayLike | None = None,
    points: ArrayLike | None = None,
    n_bootstrap: int = 2000,
    random_state: int = 0,
) -> Ranking:
    """Order of the clusters by the mean log-rank of their evaluated networks.

    Parameters
    ----------
    clustering : Clustering
        Its names are those of the table.
    table : DataFrame
        As `cgraph.evaluate` gives it, for a sample of the networks of each cluster.
    statistics : sequence of str, optional
        Which statistics count, by name or by protocol; all of the table by default. Each is
        turned by its documented direction.
    weights : mapping of str to float, optional
        How many networks an evaluated one stands for (identical programs), by name; 1 by default.
    n_programs : sequence of int, optional
        How many distinct programs each cluster has, by cluster number; its size by default. A
        cluster whose every program was evaluated has no error from sampling.
    eligible : array-like of bool, shape (n,), optional
        Which programs of the clustering count as members of their clusters, as those that fit a
        device; all by default. A cluster without any stands last.
    programs : array-like of int, shape (n,), optional
        Class of identical programs of each program of the clustering, as `Population.classes`
        or `Space.programs` give it: what `Ranking.sample` tells apart. Each its own by default.
    points : array-like of float, shape (n, n_dimensions), optional
        Where each program is, as `embed` gives it: what `Ranking.sample` spreads out.
    n_bootstrap : int, default=2000
        Number of bootstrap replicates, >= 1.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    Ranking
        The columns of its table:

        - "rank": place by "score", best 1; equal scores share the least place.
        - "cluster", "n_members", "n_evaluated", "n_failed": number of the cluster, its size, how
          many of its networks were evaluated, how many of these lack a statistic.
        - "score", "score_low", "score_high": weighted mean of log-ranks, <= 0, and its 95 %
          interval; NaN where it cannot be known: nothing was evaluated (no score), or one network
          of several (no interval).
        - "rank_low", "rank_high": 95 % interval of the place.
        - "p_best": share of the replicates in which the cluster comes first.
        - "tied_with_best": whether the 95 % interval of the difference to the first holds 0.
        - one column for each protocol: weighted mean of the statistic over the networks that
          have it, in its own direction.

    Raises
    ------
    ArgumentError
        If the table has a network that the clustering has not or that is not eligible, or lacks
        what is needed.

    Notes
    -----
    A network whose statistic failed counts as last for that statistic. A replicate draws networks
    with replacement in each cluster, and values from a normal around the measured mean with its
    standard error; the deviations are scaled for the share of the cluster that was evaluated
    (Rao and Wu, 1988, "Resampling inference with complex survey data"). Clusters without a
    score stand last, unranked: their "rank" is missing.
    """
    checks.instance("clustering", clustering, Clustering, "be a Clustering")
    n_bootstrap = checks.whole("n_bootstrap", n_bootstrap, 1, checks.MOST_REPEATS)
    random_state = checks.seed("random_state", random_state)
    values, errors = oriented_values(table, statistics)
    position = {name: i for i, name in enumerate(clustering.names)}
    strangers = [name for name in values.index if name not in position]
    if strangers:
        raise ArgumentError(
            "table",
            "hold networks of the clustering",
            f"{len(strangers)} others, first {strangers[0]!r}",
        )
    is_member = _members(clustering, eligible)
    layouts = _layouts(clustering, is_member, programs, points)
    places = [position[name] for name in values.index]
    if not is_member[places].all():
        raise ArgumentError(
            "table",
            "hold networks that are eligible",
            f"others, first {values.index[~is_member[places]][0]!r}",
        )
    label = np.asarray(clustering.labels)[places]
    weight = _weights(list(values.index), weights)
    score = log_rank_scores(values.to_numpy())
    replicates = _replicates(
        values.to_numpy(), errors.to_numpy(), n_bootstrap, np.random.default_rng(random_state)
    )
    k = clustering.n_clusters
    sizes = np.bincount(clustering.labels[is_member], minlength=k)
    n_distinct = sizes
    if n_programs is not None:
        words = f"be whole numbers, one for each of the {k} clusters"
        n_distinct = checks.integers("n_programs", n_programs, (k,), 0, words=words)
    rng = np.random.default_rng([random_state, 1])
    means = np.full(k, np.nan)
    spread = np.full((n_bootstrap, k), np.nan)
    for c in range(k):
        chosen = np.flatnonzero(label == c)
        if len(chosen):
            means[c] = np.average(score[chosen], weights=weight[chosen])
            spread[:, c] = _deviations(
                score[chosen], replicates[:, chosen], weight[chosen], int(n_distinct[c]), rng
            )
    summary = _summary(means, spread)
    summary.insert(1, "cluster", np.arange(k))
    summary.insert(2, "n_members", sizes)
    summary.insert(3, "n_evaluated", np.bincount(label, minlength=k))
    failed = np.isnan(values.to_numpy()).any(axis=1)
    summary.insert(4, "n_failed", np.bincount(label[failed], minlength=k))
    for protocol, mean in _statistic_means(table, values, label, weight, k).items():
        summary[protocol] = mean
    summary = summary.sort_values(
        ["score", "cluster"], ascending=[False, True], na_position="last", ignore_index=True
    )
    members = tuple(
        tuple(clustering.names[i] for i in np.flatnonzero(is_member & (clustering.labels == c)))
        for c in range(k)
    )
    scores = pd.DataFrame(
        {"name": values.index, "cluster": label, "weight": weight, "score": score}
    )
    return Ranking(summary, scores, tuple(values.columns), members, layouts=layouts)


def _layouts(
    clustering: Clustering,
    is_member: NDArray[np.bool_],
    programs: ArrayLike | None,
    points: ArrayLike | None,
) -> tuple[Layout, ...]:
    """What is known of the members of each cluster."""
    n = len(clustering)
    classes = np.arange(n) if programs is None else np.asarray(programs)
    where = np.empty((n, 0)) if points is None else np.asarray(points, dtype=np.float64)
    if classes.shape != (n,) or not np.issubdtype(classes.dtype, np.integer):
        raise ArgumentError(
            "programs",
            f"be {n:,} whole numbers, one for each program of the clustering",
            f"shape {classes.shape} of {classes.dtype}",
        )
    if where.ndim != 2 or len(where) != n or not np.isfinite(where).all():
        raise ArgumentError(
            "points",
            f"be {n:,} rows of finite numbers, one for each program",
            f"shape {where.shape}",
        )
    layouts = []
    for c, medoid in enumerate(clustering.medoids.tolist()):
        its = np.flatnonzero(is_member & (clustering.labels == c))
        place = np.flatnonzero(its == medoid)
        layouts.append(Layout(classes[its], where[its], int(place[0]) if len(place) else None))
    return tuple(layouts)


def _members(clustering: Clustering, eligible: ArrayLike | None) -> NDArray[np.bool_]:
    """Which programs count as members of their clusters, shape (n,)."""
    if eligible is None:
        return np.ones(len(clustering), dtype=bool)
    return checks.truths("eligible", eligible, len(clustering), "program of the clustering")


def _weights(names: list[str], weights: Mapping[str, float] | None) -> NDArray[np.float64]:
    """How many networks each evaluated one stands for, shape (n_networks,)."""
    if weights is None:
        return np.ones(len(names))
    given = checks.mapping("weights", weights, "map names of networks to numbers")
    lacking = [name for name in names if name not in given]
    if lacking:
        must = f"have all {len(names):,} networks of the table"
        raise ArgumentError("weights", must, f"none for {len(lacking):,}, first {lacking[0]!r}")
    return np.array([checks.number(f"weights[{name!r}]", given[name], above=0) for name in names])


def _replicates(
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    n_bootstrap: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Scores under the measurement errors of the statistics, shape (n_bootstrap, n_networks)."""
    noise = np.nan_to_num(errors)
    scores = np.empty((n_bootstrap, len(values)))
    for first in range(0, n_bootstrap, 256):  # blocks bound the memory
        block = slice(first, min(first + 256, n_bootstrap))
        drawn = rng.standard_normal((block.stop - first, *values.shape))
        scores[block] = log_rank_scores(values + noise * drawn)
    return scores


def _deviations(
    score: NDArray[np.float64],
    replicates: NDArray[np.float64],
    weight: NDArray[np.float64],
    n_programs: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Deviations of a cluster's score from its mean, shape (n_bootstrap,).

    Two sources: which networks were evaluated, and the error of their statistics. NaN where one
    network stands for several: its spread cannot be known.
    """
    n = len(score)
    measured: NDArray[np.float64] = np.average(replicates, axis=1, weights=weight)
    measured = measured - measured.mean()
    unseen = max(0.0, 1.0 - n / n_programs)
    if unseen == 0:
        return measured
    if n == 1:
        return np.full(len(replicates), np.nan)
    drawn = rng.integers(n, size=(len(replicates), n))
    resampled = (score[drawn] * weight[drawn]).sum(axis=1) / weight[drawn].sum(axis=1)
    scale = np.sqrt(unseen * n / (n - 1))
    deviations: NDArray[np.float64] = measured + scale * (resampled - resampled.mean())
    return deviations


def _summary(means: NDArray[np.float64], spread: NDArray[np.float64]) -> pd.DataFrame:
    """Places and intervals of the clusters, in the order of their numbers."""
    low, high = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    k = len(means)
    scored = ~np.isnan(means)
    place = pd.Series(means).rank(ascending=False, method="min").astype("Int64")
    summary = pd.DataFrame({"rank": place, "score": means})
    with_interval = scored & ~np.isnan(spread).any(axis=0)
    draws = means + np.where(with_interval, spread, 0.0)
    for name, quantile in (("score_low", low), ("score_high", high)):
        bound = np.full(k, np.nan)
        bound[with_interval] = np.quantile(draws[:, with_interval], quantile, axis=0)
        summary[name] = bound
    # Place of each cluster in each replicate; one without a score is never placed.
    places = (-draws[:, scored]).argsort(axis=1).argsort(axis=1) + 1
    for name, quantile in (("rank_low", low), ("rank_high", high)):
        bound = np.full(k, np.nan)
        bound[scored] = np.quantile(places, quantile, axis=0, method="inverted_cdf")
        summary[name] = pd.Series(bound).astype("Int64")
    first = np.zeros(k)
    first[scored] = (places == 1).mean(axis=0)
    summary["p_best"] = first
    tied = np.zeros(k, dtype=bool)
    if scored.any():
        best = int(np.nanargmax(means))
        difference = draws[:, [best]] - draws
        tied[scored] = np.quantile(difference[:, scored], low, axis=0) <= 0
        # A cluster of unknown spread cannot be told from the best.
        tied |= scored & ~with_interval
    summary["tied_with_best"] = tied
    return summary


def _statistic_means(
    table: pd.DataFrame,
    values: pd.DataFrame,
    label: NDArray[np.int64],
    weight: NDArray[np.float64],
    n_clusters: int,
) -> dict[str, NDArray[np.float64]]:
    """Weighted mean of each statistic over each cluster, in the statistic's own direction."""
    direction = table.groupby("protocol")["direction"].first()
    means = {}
    for protocol in values.columns:
        value = values[protocol].to_numpy() * float(direction[protocol])
        known = ~np.isnan(value)
        total = np.bincount(label[known], weights=weight[known], minlength=n_clusters)
        summed = np.bincount(label[known], weights=(weight * value)[known], minlength=n_clusters)
        means[protocol] = np.divide(summed, total, out=np.full(n_clusters, np.nan), where=total > 0)
    return means
