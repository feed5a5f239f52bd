"""Studies to export, made without running one."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from cgraph import spaces
from cgraph.clustering.result import Clustering
from cgraph.ranking.order import Ranking, rank

PROTOCOLS = {"ntk@full": ("ntk", -1), "naswot-v2@full": ("naswot-v2", 1)}


@dataclass(frozen=True)
class MadeStudy:
    """What an export reads of a study."""

    directory: Path
    configuration: dict[str, Any]
    architectures: pd.DataFrame
    statistics: pd.DataFrame
    ranking: Ranking
    accuracies: pd.DataFrame | None


def made_study(directory, space, *, n_clusters=4, n_evaluated=12, accuracy=True, seed=0):
    """A study of a space with clusters and statistics drawn at random."""
    rng = np.random.default_rng(seed)
    names = list(space.architectures())
    n = len(names)
    labels = rng.integers(n_clusters, size=n)
    medoids = np.array([np.flatnonzero(labels == c)[0] for c in range(n_clusters)])
    population = space.population()
    table = pd.DataFrame({"name": names, "class": np.arange(n), "cluster": labels})
    table["is_medoid"] = False
    table.loc[medoids, "is_medoid"] = True
    table["n_parameters"] = space.sizes()["n_parameters"]
    table["macs"] = space.sizes()["macs"]
    table["x"], table["y"] = rng.normal(size=(2, n))
    for label, counts in zip(population.vocabulary, population.usage().T, strict=True):
        table[f"usage:{label}"] = counts
    # As a study with limits has them.
    table["fits"] = rng.random(n) < 0.5
    table["latency"] = np.where(rng.random(n) < 0.9, rng.random(n), np.nan)
    evaluated = np.sort(rng.choice(n, size=n_evaluated, replace=False))
    rows = [
        _statistic(names[i], protocol, rng, has_failed=i == evaluated[0])
        for i in evaluated
        for protocol in PROTOCOLS
    ]
    statistics = pd.DataFrame(rows)
    statistics["cluster"] = labels[np.repeat(evaluated, len(PROTOCOLS))]
    statistics["weight"] = 1
    clustering = Clustering(labels, medoids, {}, tuple(names), "kmeans", "hellinger")
    known = None
    if accuracy:
        known = pd.DataFrame({"name": names, "accuracy": rng.uniform(10, 95, n)})
    configuration = {
        "space": space.name,
        "options": dict(space.options),
        "part": space.parts[0],
        "seed": 3,
        "statistics": ["ntk"],
    }
    ranking = rank(clustering, statistics, n_bootstrap=50)
    return MadeStudy(directory, configuration, table, statistics, ranking, known)


def _statistic(name, protocol, rng, *, has_failed):
    statistic, direction = PROTOCOLS[protocol]
    has_failed = has_failed and statistic == "ntk"
    return {
        "name": name,
        "program": name,
        "statistic": statistic,
        "protocol": protocol,
        "direction": direction,
        "value": np.nan if has_failed else rng.normal(),
        "standard_error": np.nan if has_failed else rng.random(),
        "n_draws": 2,
        "n_failures": 2 if has_failed else 0,
        "reason": 'no "gradient", it says\nat all' if has_failed else None,
        "note": "",
    }


@cache
def nasbench201_study(directory):
    """A study of NAS-Bench-201."""
    return made_study(directory, spaces.get("nasbench201"))


class Copies(spaces.ChoiceSpace):
    """Three layers in a row, many of them nothing."""

    name, summary, source = "copies", "three layers in a row", "a test"
    input_shapes = {"full": (4,)}  # noqa: RUF012
    choices = (("linear", "relu", "none"),) * 3

    def build(self, arch, skeleton):  # noqa: ARG002
        kinds = {"linear": lambda: nn.Linear(4, 4), "relu": nn.ReLU, "none": nn.Identity}
        return nn.Sequential(*[kinds[word]() for word in arch.split("|")])


def copies_study(directory):
    """A study of `Copies` that knows the programs and where they are."""
    study = made_study(directory, Copies(), n_clusters=2, n_evaluated=3)
    programs = Copies().programs()
    labels = np.unique(programs, return_inverse=True)[1] % 2
    medoids = [int(np.flatnonzero(labels == c)[-1]) for c in range(2)]
    table = study.architectures.assign(
        **{"class": programs, "cluster": labels, "is_medoid": np.isin(np.arange(27), medoids)}
    )
    ranking = rank(
        Clustering(labels, medoids, {}, tuple(table["name"]), "kmeans", "hellinger"),
        study.statistics,
        programs=programs,
        points=table[["x", "y"]],
        n_bootstrap=20,
    )
    return replace(study, architectures=table, ranking=ranking)
