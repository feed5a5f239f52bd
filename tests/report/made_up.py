"""Tables of a made-up study, and small programs, for figures and pages."""

import numpy as np
import pandas as pd

from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.report.tables import StudyTables


def study_tables(n_clusters=3, *, accuracies=True):
    """Tables of a small study; the last cluster has a network that failed and no interval."""
    rng = np.random.default_rng(0)
    n = 20 * n_clusters
    cluster = np.arange(n) % n_clusters
    architectures = pd.DataFrame(
        {
            "name": [f"a{i}" for i in range(n)],
            "class": np.arange(n) // 2 * 2 if n_clusters == 1 else np.arange(n),
            "cluster": cluster,
            "is_medoid": np.arange(n) < n_clusters,
            "n_parameters": rng.integers(100_000, 1_500_000, n),
            "macs": rng.integers(1_000_000, 9_000_000, n),
            "x": rng.integers(0, 4, n) / 4,
            "y": rng.integers(0, 4, n) / 4,
            "usage:relu": rng.integers(1, 4, n),
            "usage:add": rng.integers(0, 2, n),
        }
    )
    evaluated = architectures.iloc[: 4 * n_clusters]
    statistics = pd.concat(
        [
            evaluated[["name", "cluster"]].assign(
                statistic=protocol.partition("@")[0],
                protocol=protocol,
                direction=direction,
                value=scale * rng.lognormal(sigma=3, size=len(evaluated)),
                standard_error=0.5,
                reason=np.nan,
            )
            for protocol, direction, scale in [
                ("ntk@full", -1, 1.0),
                ("naswot-v1@official", 1, -1.0),
            ]
        ],
        ignore_index=True,
    )
    statistics.loc[n_clusters - 1, ["value", "standard_error"]] = np.nan
    statistics["reason"] = statistics["reason"].astype(object)
    statistics.loc[n_clusters - 1, "reason"] = "the kernel is singular"
    places = np.arange(1, n_clusters + 1)
    clusters = pd.DataFrame(
        {
            "rank": pd.array(places, dtype="Int64"),
            "cluster": range(n_clusters),
            "n_members": 20,
            "n_evaluated": 4,
            "n_failed": 0,
            "score": -places.astype(float),
            "score_low": -places - 0.2,
            "score_high": -places + 0.2,
            "rank_low": pd.array(places, dtype="Int64"),
            "rank_high": pd.array(places, dtype="Int64"),
            "p_best": 0.5,
            "tied_with_best": [True] + [False] * (n_clusters - 1),
            "ntk@full": 1.0,
        }
    )
    clusters.loc[n_clusters - 1, ["score_low", "score_high"]] = np.nan
    known = pd.DataFrame({"name": architectures["name"], "accuracy": rng.uniform(50, 90, n)})
    return StudyTables(architectures, statistics, clusters, known if accuracies else None)


def chain(operations, scopes=None):
    """A program that runs operations one after another, each of a module."""
    scopes = scopes or [""] * len(operations)
    memories = [Memory("x", "input", (8,), "float32", 32)]
    memories += [Memory(f"y{i}", "activation", (8,), "float32", 32) for i in range(len(operations))]
    return ComputationalGraph(
        memories,
        [
            Kernel(f"k{i}", operation, scope=scope)
            for i, (operation, scope) in enumerate(zip(operations, scopes, strict=True))
        ],
        reads=[(i, i) for i in range(len(operations))],
        writes=[(i, i + 1) for i in range(len(operations))],
        outputs=[len(operations)],
        name="chain",
    )


def better_reordered():
    """A program whose best order is another than the one it ran in."""
    sizes = {"x": 8_000, "a": 8_000, "b": 8_000, "c": 1_000, "d": 1_000, "y": 1_000}
    kinds = dict.fromkeys(sizes, "activation") | {"x": "input", "y": "output"}
    return ComputationalGraph(
        [Memory(name, kinds[name], (n,), "int8", n) for name, n in sizes.items()]
        + [Memory("w", "parameter", (3_000,), "int8", 3_000)],
        [Kernel(f"k{i}", "linear" if i == 0 else "relu") for i in range(5)],
        reads=[(0, 0), (6, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 4)],
        writes=[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)],
        outputs=[5],
    )
