"""What choosing a cluster without training is worth on a benchmark.

Clusters the architectures by every method, number of clusters and seed that is asked for, ranks
the clusters by training-free statistics of a sample, and only then reads trained accuracies: mean
accuracy of the chosen cluster, regret against the best cluster, and lift (share of the best 5 %
that it holds, over its share of the space), beside three baselines: a random cluster, the cluster
with the most parameters, and the ranking without NASWOT v1.

    python tests/benchmarks/bench_choice.py TABLE.parquet --store draws.sqlite --workers 2
    python tests/benchmarks/bench_choice.py published --space nasbenchgraph \\
        --datasets cora citeseer pubmed --methods kmeans

TABLE has a row for each cell of NAS-Bench-201 and a column for each data set; "published" are the
accuracies that come with a space, which is then made for each data set. Evaluations are kept in
the store: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import Progress

from cgraph import cluster, evaluate, rank, spaces
from cgraph.clustering.result import Clustering
from cgraph.ranking.order import Ranking
from cgraph.ranking.validate import validate
from cgraph.spaces.space import Space
from cgraph.study.sampling import Sample, stratified_sample

STATISTICS = ("ntk", "regions", "naswot-v1", "naswot-v2")
PUBLISHED = "published"


@dataclass(frozen=True)
class Setting:
    """A clustering, and the networks of it that are evaluated."""

    method: str
    n_clusters: int
    seed: int
    clustering: Clustering
    sample: Sample


def settings(
    space: Space, part: str, methods: Sequence[str], ks: Sequence[int], seeds: int, n_sampled: int
) -> Iterator[Setting]:
    population, programs = space.population(part, boundary=part == "operations"), space.programs()
    for method in methods:
        for k in ks:
            for seed in range(seeds):
                found = cluster(
                    population, method=method, metric="hellinger", n_clusters=k, random_state=seed
                )
                # One priority for all settings: they share most of what they evaluate.
                sample = stratified_sample(found.labels, programs, n_per_cluster=n_sampled)
                yield Setting(method, k, seed, found, sample)


def ranking_of(
    setting: Setting, table: pd.DataFrame, names: Sequence[str], statistics: Sequence[str]
) -> Ranking:
    own = [names[i] for i in setting.sample.table["position"]]
    return rank(
        setting.clustering,
        table[table["name"].isin(own)],
        statistics=statistics,
        weights=dict(zip(own, setting.sample.table["weight"], strict=True)),
        n_programs=setting.sample.n_programs,
        random_state=setting.seed,
    )


def rows_of(
    setting: Setting,
    chosen: dict[str, int],
    accuracies: dict[str, pd.Series],
) -> Iterator[dict[str, object]]:
    for data_set, accuracy in accuracies.items():
        for choice, number in chosen.items():
            found = validate(setting.clustering, number, accuracy)
            yield {
                "data set": data_set,
                "method": setting.method,
                "k": setting.n_clusters,
                "seed": setting.seed,
                "choice": choice,
                "accuracy": found.accuracy,
                "regret": found.regret,
                "lift": found.lift,
            }
        every = validate(setting.clustering, 0, accuracy).clusters
        yield {
            "data set": data_set,
            "method": setting.method,
            "k": setting.n_clusters,
            "seed": setting.seed,
            "choice": "random cluster",
            "accuracy": every["accuracy"].mean(),
            "regret": every["accuracy"].max() - every["accuracy"].mean(),
            "lift": every["lift"].mean(),
        }


def measured(options: argparse.Namespace, dataset: str | None) -> list[dict[str, object]]:
    """Rows for a space on a data set, or for one that has no choice of them."""
    space = spaces.get(options.space, **({} if dataset is None else {"dataset": dataset}))
    names = space.architectures()
    found = list(
        settings(
            space, options.part, options.methods, options.clusters, options.seeds, options.sample
        )
    )
    wanted = sorted({int(i) for setting in found for i in setting.sample.table["position"]})
    print(
        f"{dataset or options.space}: {len(found)} clusterings, {len(wanted)} programs to evaluate"
    )
    with Progress() as bars:
        task = bars.add_task("evaluations", total=None)
        table = evaluate(
            space.candidates([names[i] for i in wanted]),
            statistics=options.statistics,
            inputs=options.inputs,
            n_draws=options.draws,
            n_jobs=options.workers,
            store=options.store,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )

    n_parameters = space.sizes()["n_parameters"]
    choices = []
    for setting in found:
        labels = setting.clustering.labels
        sizes = np.bincount(labels)
        chosen = {
            "statistics": ranking_of(setting, table, names, options.statistics).best,
            "most parameters": int(np.argmax(np.bincount(labels, weights=n_parameters) / sizes)),
        }
        fewer = [name for name in options.statistics if not name.startswith("naswot-v1")]
        if fewer and fewer != options.statistics:
            chosen["without naswot-v1"] = ranking_of(setting, table, names, fewer).best
        choices.append(chosen)

    # Every choice is made; only now is accuracy read.
    if options.table == PUBLISHED:
        accuracies = {dataset or "published": space.accuracies(PUBLISHED)}
    else:
        accuracies = {c: space.accuracies(options.table, c) for c in options.columns}
    return [
        row
        for setting, chosen in zip(found, choices, strict=True)
        for row in rows_of(setting, chosen, accuracies)
    ]


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help=f"a file, or {PUBLISHED!r}")
    parser.add_argument(
        "--columns", nargs="+", default=["cifar10_test", "cifar100_test", "imagenet16_test"]
    )
    parser.add_argument("--space", default="nasbench201")
    parser.add_argument("--datasets", nargs="+", default=[None])
    parser.add_argument("--store", type=Path, default=Path("draws.sqlite"))
    parser.add_argument("--out", type=Path, help="where every row is written, as CSV")
    parser.add_argument("--part", default="cell")
    parser.add_argument("--methods", nargs="+", default=["kmeans", "spectral"])
    parser.add_argument("--clusters", nargs="+", type=int, default=[5, 8, 12, 20])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=12)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--statistics", nargs="+", default=list(STATISTICS))
    parser.add_argument("--inputs", default="gaussian")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)

    result = pd.DataFrame([row for d in options.datasets for row in measured(options, d)])
    if options.out:
        result.to_csv(options.out, index=False)
    print(f"means over {options.seeds} seeds")
    mean = result.groupby(["data set", "method", "k", "choice"])[["accuracy", "regret", "lift"]]
    print(mean.mean().round(2).unstack("choice").to_string())
    return result


if __name__ == "__main__":
    main()
