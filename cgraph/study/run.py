"""The run of a study: from the space to ranked clusters, stage by stage, each written when done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cgraph.clustering.cluster import cluster
from cgraph.clustering.embedding import embed
from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from cgraph.ranking.validate import validate
from cgraph.report.figures import USAGE_PREFIX
from cgraph.report.page import render_page, save_figures
from cgraph.spaces.space import Space
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.inputs import input_source
from cgraph.statistics.methods import resolve
from cgraph.study import directory as files
from cgraph.study.baselines import largest_cluster
from cgraph.study.result import StudyResult, ranking_of
from cgraph.study.sampling import Sample, stratified_sample
from cgraph.study.study import Progress, Study


def run_study(
    study: Study,
    directory: Path,
    *,
    accuracies: pd.Series | None,
    n_jobs: int,
    progress: Progress | None,
) -> StudyResult:
    """Run a resolved study in a directory; see `Study.run`."""
    report = progress or (lambda *_: None)
    configuration = study.configuration()
    # Nothing is written until it is clear that the directory is ours and the options fit.
    files.check_claim(directory, configuration)
    space, part = study.space, study.part
    assert isinstance(space, Space)
    assert part is not None
    _check_accuracies(space, accuracies)
    input_source(study.inputs)
    for name in study.statistics:
        resolve(name, tuple(space.input_shapes))

    report("graphs", 0, 1)
    population = space.population(part=part, boundary=part == "operations")
    programs = space.programs()
    report("graphs", 1, 1)

    report("clusters", 0, 1)
    clustering = cluster(
        population,
        method=study.method,
        metric=study.metric,
        n_clusters=study.n_clusters,
        random_state=study.seed,
    )
    files.claim(directory, configuration, study.record())
    architectures = _architectures_table(space, population, programs, clustering)
    files.write_table(directory, files.ARCHITECTURES, architectures)
    report("clusters", 1, 1)

    sample = stratified_sample(
        clustering.labels, programs, n_per_cluster=study.n_sampled, seed=study.seed
    )
    statistics = _evaluate_sample(study, space, sample, directory, n_jobs, report)
    files.write_table(directory, files.STATISTICS, statistics)

    report("ranking", 0, 1)
    ranking = ranking_of(architectures, statistics, configuration)
    files.write_table(directory, files.CLUSTERS, ranking.table)
    report("ranking", 1, 1)

    # The order is fixed and written; only now is accuracy looked at.
    known = None
    if accuracies is not None:
        known = pd.DataFrame({"name": accuracies.index, "accuracy": accuracies.to_numpy()})
        files.write_table(directory, files.ACCURACIES, known)
    result = StudyResult(directory, configuration, architectures, statistics, ranking, known)

    report("figures", 0, 1)
    write_report(result)
    report("figures", 1, 1)
    return result


def write_report(result: StudyResult) -> None:
    """Write the figures and the page of a study into its directory, anew.

    Parameters
    ----------
    result : StudyResult
        A study that has run; with accuracies, its validation is written and shown too.
    """
    tables = result.tables()
    rows = validation_rows(result)
    if rows:
        files.write_table(result.directory, files.VALIDATION, pd.DataFrame(rows))
    save_figures(tables, result.directory / "figures")
    configuration = result.configuration
    page = render_page(
        tables,
        title=f"{configuration['space']}: ranked clusters",
        facts={**configuration, **files.read_configuration(result.directory)["versions"]},
        validation=rows,
    )
    files.write_whole(result.page, lambda path: path.write_text(page, encoding="utf-8"))


def validation_rows(result: StudyResult) -> list[dict[str, Any]]:
    """What each way of choosing a cluster is worth; empty without accuracies.

    Rows: the ranking's choice, the ranking without NASWOT v1 where it counts (its authors replaced
    it by v2), a random cluster (the expectation over clusters), and the cluster with the most
    parameters.
    """
    if result.accuracies is None:
        return []
    accuracy = result.accuracies.set_index("name")["accuracy"]
    clustering = result.clustering()
    statistics = list(result.configuration["statistics"])
    choices = {"by all statistics": result.ranking.best}
    others = [name for name in statistics if not name.startswith("naswot-v1")]
    if others and others != statistics:
        configuration = {**result.configuration, "statistics": others}
        without = ranking_of(result.architectures, result.statistics, configuration)
        choices["without naswot-v1"] = without.best
    choices["most parameters"] = largest_cluster(result.architectures)
    rows = []
    for choice, chosen in choices.items():
        found = validate(clustering, chosen, accuracy)
        rows.append(_validation_row(choice, chosen, found.accuracy, found.regret, found.lift))
    every = validate(clustering, result.ranking.best, accuracy)
    mean, best = every.clusters["accuracy"].mean(), every.clusters["accuracy"].max()
    lift = every.clusters["lift"].mean()
    rows.append(_validation_row("a random cluster (mean)", -1, mean, best - mean, lift))
    rows.append(
        _validation_row(
            "a random network (mean)", -1, every.population_accuracy,
            best - every.population_accuracy, 1.0,
        )
    )  # fmt: skip
    return rows


def _validation_row(
    choice: str, cluster_number: int, accuracy: float, regret: float, lift: float
) -> dict[str, Any]:
    return {
        "choice": choice,
        "cluster": None if cluster_number < 0 else cluster_number,
        "accuracy": float(accuracy),
        "regret": float(regret),
        "lift": float(lift),
    }


def _check_accuracies(space: Space, accuracies: pd.Series | None) -> None:
    """Raise before any work where the accuracies do not cover the space."""
    if accuracies is None:
        return
    missing = [name for name in space.architectures() if name not in accuracies.index]
    if missing:
        raise ArgumentError(
            "accuracies",
            f"hold all {len(space):,} architectures of {space.name}",
            f"none for {len(missing):,}, first {missing[0]!r}",
            "complete the table, or run without it",
        )


def _architectures_table(
    space: Space,
    population: Population,
    programs: np.ndarray[Any, np.dtype[np.int64]],
    clustering: Clustering,
) -> pd.DataFrame:
    table = pd.DataFrame({"name": population.names, "class": programs})
    table["cluster"] = clustering.labels
    table["is_medoid"] = False
    table.loc[list(clustering.medoids), "is_medoid"] = True
    sizes = space.sizes()
    table["n_parameters"], table["macs"] = sizes["n_parameters"], sizes["macs"]
    # Rounded so that the last bits of a solver do not make equal tables differ.
    table[["x", "y"]] = np.round(embed(population, metric=clustering.metric), 9)
    for label, counts in zip(population.vocabulary, population.usage().T, strict=True):
        table[f"{USAGE_PREFIX}{label}"] = counts
    return table


def _evaluate_sample(
    study: Study,
    space: Space,
    sample: Sample,
    directory: Path,
    n_jobs: int,
    report: Callable[[str, int, int], None],
) -> pd.DataFrame:
    names = [space.architectures()[i] for i in sample.table["position"]]
    table = evaluate(
        space.candidates(names),
        statistics=study.statistics,
        inputs=study.inputs,
        n_draws=study.n_draws,
        seed=study.seed,
        n_jobs=n_jobs,
        store=directory / files.DRAWS,
        progress=lambda done, total: report("statistics", done, total),
    )
    where = sample.table[["cluster", "weight"]].assign(name=names)
    return table.merge(where, on="name", validate="many_to_one")
