"""The run of a study: from the space to ranked clusters, stage by stage, each written when done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cgraph.clustering.cluster import cluster_points
from cgraph.clustering.embedding import embed_points
from cgraph.clustering.keeping import write_assigner
from cgraph.clustering.landmarks import LandmarkTable, landmark_table
from cgraph.clustering.methods import CLUSTERINGS
from cgraph.clustering.result import Clustering
from cgraph.clustering.work import landmarks_for
from cgraph.errors import ArgumentError
from cgraph.files.writing import whole_file
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.population import Population
from cgraph.report.page.drawings import graphs_table
from cgraph.report.page.points import shown_positions
from cgraph.report.page.render import render_page
from cgraph.report.saving import save_figures
from cgraph.report.tables import USAGE_PREFIX
from cgraph.spaces.capture import batches_of
from cgraph.spaces.capture_store import CaptureStore
from cgraph.spaces.limits import KEEPS, limits_table
from cgraph.spaces.space import Space
from cgraph.spaces.traced import TracedSpace
from cgraph.spaces.views import view_for
from cgraph.statistics.evaluate import evaluate
from cgraph.statistics.inputs import input_source
from cgraph.statistics.methods import resolve
from cgraph.statistics.store import rescue
from cgraph.study import directory as files
from cgraph.study.baselines import largest_cluster
from cgraph.study.result import StudyResult, ranking_of, source_of
from cgraph.study.sampling import Sample, distinct_programs, stratified_sample
from cgraph.study.study import Progress, Study


def run_study(
    study: Study,
    directory: Path,
    *,
    accuracies: pd.Series | None,
    n_jobs: int,
    progress: Progress | None,
    skip_failures: bool = False,
) -> StudyResult:
    """Run a resolved study in a directory; see `Study.run`."""
    report = progress or (lambda *_: None)
    configuration = study.configuration()
    # Nothing is written until it is clear that the directory is ours and the options fit.
    files.check_claim(directory, configuration)
    space = study.space
    assert isinstance(space, Space)
    _check_accuracies(space, accuracies)
    input_source(study.inputs)
    for name in study.statistics:
        resolve(name, tuple(space.input_shapes))
    with files.held(directory):
        return _run_held(
            study,
            directory,
            accuracies=accuracies,
            n_jobs=n_jobs,
            report=report,
            skip_failures=skip_failures,
        )


def _run_held(
    study: Study,
    directory: Path,
    *,
    accuracies: pd.Series | None,
    n_jobs: int,
    report: Callable[[str, int, int], None],
    skip_failures: bool,
) -> StudyResult:
    """Run a study whose options fit, in a directory that no other process writes to."""
    configuration = study.configuration()
    space, part = study.space, study.part
    assert isinstance(space, Space)
    assert part is not None
    space = _captured(study, space, directory, n_jobs, report, skip_failures=skip_failures)
    record = study.record() | _failure_record(space)
    if not isinstance(space, TracedSpace):
        report("graphs", 0, 1)
    population = view_for(space, part=part).of(space)
    programs = distinct_programs(space, population, part)
    if not isinstance(space, TracedSpace):
        report("graphs", 1, 1)

    landmarks = study.landmarks
    if landmarks is None and CLUSTERINGS[study.method].has_landmarks:
        landmarks = landmarks_for(population, study.metric, study.n_clusters)

    limits = _limits(study, space, directory, n_jobs, report)
    if landmarks is not None:  # distances are kept on disk as they come
        files.claim(directory, configuration, record)
    measured_from = _measured_from(study, landmarks, population, directory, report)

    report("clusters", 0, 1)
    clustering, points = cluster_points(
        measured_from,
        method=study.method,
        metric=study.metric,
        n_clusters=study.n_clusters,
        random_state=study.seed,
        progress=lambda done, total: report("distances", done, total),
    )
    files.claim(directory, configuration, record)
    if isinstance(space, TracedSpace) and space.failures:
        failures = pd.DataFrame(space.failures, columns=["name", "problem"])
        files.write_table(directory, files.FAILURES, failures)
    files.write_json(directory / files.FACTS, _facts(space, part, landmarks, clustering))
    if clustering.assigner is not None:
        with whole_file(directory / files.ASSIGNER) as path:
            write_assigner(path, clustering.assigner)
    architectures = _architectures_table(space, population, programs, clustering)
    # Rounded: last bits of a solver do not make equal tables differ.
    architectures[["x", "y"]] = np.round(embed_points(points), 9)
    if limits is not None:
        files.write_table(directory, files.LIMITS, limits)
        architectures = architectures.join(limits)
    files.write_table(directory, files.ARCHITECTURES, architectures)
    report("clusters", 1, 1)

    sample = stratified_sample(
        clustering.labels,
        programs,
        n_per_cluster=study.n_sampled,
        seed=study.seed,
        eligible=None if limits is None else limits[KEEPS].to_numpy(),
    )
    statistics = _evaluate_sample(study, space, sample, directory, n_jobs, report)
    files.write_table(directory, files.STATISTICS, statistics)
    _keep_graphs(directory, architectures, set(statistics["name"]), population)

    report("ranking", 0, 1)
    source = source_of(directory, configuration, architectures, space)
    ranking = ranking_of(architectures, statistics, configuration, source)
    files.write_table(directory, files.CLUSTERS, ranking.table)
    report("ranking", 1, 1)

    # The order is fixed and written; only now is accuracy looked at.
    known = None
    if accuracies is not None:
        known = pd.DataFrame({"name": accuracies.index, "accuracy": accuracies.to_numpy()})
        files.write_table(directory, files.ACCURACIES, known)
    result = StudyResult(directory, configuration, architectures, statistics, ranking, known)

    write_report(result, progress=report)
    return result


def write_report(result: StudyResult, *, progress: Progress | None = None) -> None:
    """Write the figures and the page of a study into its directory, anew.

    Parameters
    ----------
    result : StudyResult
        A study that has run; with accuracies, its validation is written and shown too.
    progress : callable, optional
        Called with the stage, units done, and units in all.
    """
    report = progress or (lambda *_: None)
    tables = result.tables()
    rows = validation_rows(result)
    if rows:
        files.write_table(result.directory, files.VALIDATION, pd.DataFrame(rows))
    paths = save_figures(
        tables,
        result.directory / "figures",
        progress=lambda done, total: report("figures", done, total),
    )
    report("page", 0, 1)
    configuration = result.configuration
    page = render_page(
        tables,
        title=f"{configuration['space']}: ranked clusters",
        facts=_page_facts(result),
        validation=rows,
        graphs=files.read_optional_table(result.directory, files.GRAPHS),
        drawn={path.stem: path.with_suffix(".svg").read_bytes() for path in paths},
    )
    with whole_file(result.page) as path:
        path.write_text(page, encoding="utf-8")
    report("page", 1, 1)


def _page_facts(result: StudyResult) -> dict[str, Any]:
    """What the page says of the study: its configuration, what followed from it, and versions."""
    record = files.read_configuration(result.directory)
    left_out = {"n_failed": record["n_failed"]} if "n_failed" in record else {}
    known = left_out | _counted(result) | files.read_facts(result.directory)
    return {**result.configuration, **known, **record["versions"]}


def _counted(result: StudyResult) -> dict[str, str]:
    """How many programs were drawn, where the population was."""
    if result.configuration.get("population") is None:
        return {}
    return {"distinct programs": f"{result.architectures['class'].nunique():,}"}


def validation_rows(result: StudyResult) -> list[dict[str, Any]]:
    """What each way of choosing a cluster is worth; empty without accuracies.

    Rows: the ranking's choice, the ranking without NASWOT v1 where it counts (its authors replaced
    it by v2), a random cluster (the expectation over clusters), and the cluster with the most
    parameters.
    """
    if result.accuracies is None:
        return []
    statistics = list(result.configuration["statistics"])
    choices = {"by all statistics": result.ranking.best}
    others = [name for name in statistics if not name.startswith("naswot-v1")]
    if others and others != statistics:
        configuration = {**result.configuration, "statistics": others}
        without = ranking_of(result.architectures, result.statistics, configuration)
        choices["without naswot-v1"] = without.best
    choices["most parameters"] = largest_cluster(result.eligible())
    rows = []
    for choice, chosen in choices.items():
        found = result.validate_choice(chosen)
        row = _validation_row(choice, chosen, found.accuracy, found.regret, found.lift)
        known = {"n_members": found.n_members, "n_known": found.n_known}
        rows.append(row | known | {"accuracy_se": found.accuracy_se})
    every = result.validate_choice(result.ranking.best)
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


def _keep_graphs(
    directory: Path, architectures: pd.DataFrame, evaluated: set[str], population: Population
) -> None:
    """Keep the programs that the page draws: medoids first, then evaluated ones, then others."""
    shown = shown_positions(architectures, evaluated)
    own = architectures.iloc[shown]
    urgency = 2 * own["is_medoid"].astype(int) + own["name"].isin(evaluated).astype(int)
    order = np.argsort(-urgency.to_numpy(), kind="stable")
    graphs = graphs_table(population, architectures["class"].to_numpy(), shown[order])
    files.write_table(directory, files.GRAPHS, graphs)


def _captured(
    study: Study,
    space: Space,
    directory: Path,
    n_jobs: int,
    report: Callable[[str, int, int], None],
    *,
    skip_failures: bool,
) -> Space:
    """The space with its programs captured, and those kept as they come.

    Of another kind of space nothing is captured, and of a small one nothing kept. Where
    architectures fail and that is allowed, it
    is the space of the others.
    """
    if not isinstance(space, TracedSpace) or study.part not in space.parts:
        return space
    capture = partial(
        space.capture,
        n_jobs=n_jobs,
        progress=lambda done, total: report("graphs", done, total),
        skip_failures=skip_failures,
    )
    if len(batches_of(space.architectures(), space.batch_size)) == 1:
        return capture()
    directory.mkdir(parents=True, exist_ok=True)
    with CaptureStore(directory / files.CAPTURED, space) as store:
        return capture(store=store)


def _failure_record(space: Space) -> dict[str, Any]:
    """What is written of architectures that could not be captured."""
    n_failed = len(space.failures) if isinstance(space, TracedSpace) else 0
    return {"n_failed": n_failed} if n_failed else {}


def _check_accuracies(space: Space, accuracies: pd.Series | None) -> None:
    """Raise before any work where the accuracies are not those of the space."""
    if accuracies is None:
        return
    known = set(space.architectures())
    strangers = [name for name in accuracies.index if name not in known]
    if strangers or not len(accuracies):
        raise ArgumentError(
            "accuracies",
            f"be of architectures of {space.name}",
            f"{len(strangers):,} others, first {strangers[0]!r}" if strangers else "none",
            "space.accuracies() joins a table",
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
    table["x"] = table["y"] = np.nan
    for label, counts in zip(population.vocabulary, population.usage().T, strict=True):
        if label not in (INPUT_LABEL, OUTPUT_LABEL):
            table[f"{USAGE_PREFIX}{label}"] = counts
    return table


def _limits(
    study: Study,
    space: Space,
    directory: Path,
    n_jobs: int,
    report: Callable[[str, int, int], None],
) -> pd.DataFrame | None:
    """What every architecture needs of what is limited; None without limits."""
    if not study.limits:
        return None
    if (directory / files.LIMITS).exists():
        return files.read_table(directory, files.LIMITS)
    return limits_table(
        space,
        study.limits,
        n_jobs=n_jobs,
        progress=lambda done, total: report("limits", done, total),
    )


def _facts(
    space: Space, part: str, landmarks: int | None, clustering: Clustering
) -> dict[str, str | int]:
    """What was decided on the way, for the page: it follows from the configuration."""
    facts: dict[str, str | int] = {}
    if isinstance(space, TracedSpace) and part in ("cell", "compact"):
        facts["cell"] = str(space.chosen_cell())
    if landmarks is not None:
        facts["landmarks"] = landmarks
    if clustering.certainty is not None:
        facts["distances"] = str(clustering.certainty)
    return facts


def _measured_from(
    study: Study,
    landmarks: int | None,
    population: Population,
    directory: Path,
    report: Callable[[str, int, int], None],
) -> Population | LandmarkTable:
    """What is clustered: the programs, or their distances to landmarks."""
    if landmarks is None:
        return population
    return landmark_table(
        population,
        landmarks,
        study.metric,
        random_state=study.seed,
        path=directory / files.LANDMARKS,
        progress=lambda done, total: report("distances", done, total),
    )


def _evaluate_sample(
    study: Study,
    space: Space,
    sample: Sample,
    directory: Path,
    n_jobs: int,
    report: Callable[[str, int, int], None],
) -> pd.DataFrame:
    names = [space.architectures()[i] for i in sample.table["position"]]
    rescue(directory / files.DRAWS)
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
