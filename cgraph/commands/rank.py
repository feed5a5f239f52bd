"""`cgraph rank`: clusters in order, from what was evaluated before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgraph.commands.console import err, out
from cgraph.commands.limits import Fits, MaxEnergy, MaxLatency, MaxParameters, Measured
from cgraph.commands.result import print_ranking, print_sample
from cgraph.commands.writing import write_frame
from cgraph.errors import ArgumentError
from cgraph.files.reading import reading
from cgraph.files.tables import read_parquet

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.ranking.order import Ranking
    from cgraph.spaces.limits import Limits


def rank(
    source: Annotated[
        Path,
        typer.Argument(help="A study that has run, or a table of clusters from `cgraph cluster`."),
    ],
    table: Annotated[
        Path | None,
        typer.Argument(help="With a table of clusters: that of statistics, or its directory."),
    ] = None,
    statistics: Annotated[
        str | None,
        typer.Option(help="Which of the evaluated statistics count, separated by commas."),
    ] = None,
    fits: Fits = None,
    max_parameters: MaxParameters = None,
    max_latency: MaxLatency = None,
    max_energy: MaxEnergy = None,
    measured: Measured = None,
    space: Annotated[
        str | None,
        typer.Option(
            help="The search space, where limits are asked: of clusters in a table, or of a "
            "study of a space of your own, MODULE:NAME or FILE.py."
        ),
    ] = None,
    sample: Annotated[int, typer.Option(help="How many networks of the best cluster.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of that draw.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--out", help="Where the order is written: .csv, .parquet.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
) -> None:
    """Order clusters by statistics that were evaluated before, also for another device.

    Example: cgraph rank studies/first --statistics naswot-v2,regions --max-parameters 0.5MB@int8
    """
    from cgraph.spaces.limits import Limits

    if file is not None and file.suffix not in (".csv", ".parquet"):
        raise ArgumentError("--out", "end in .csv or .parquet", repr(str(file)))
    limits = Limits(fits, max_parameters, max_latency, max_energy, measured)
    names = None if statistics is None else [s.strip() for s in statistics.split(",") if s.strip()]
    if source.is_dir() and table is not None:
        raise ArgumentError("TABLE", "be left out for a study, which has one", str(table))
    with err.status(f"Ranking the clusters of {source.name}"):
        if source.is_dir():
            ranking = _rank_study(source, names, limits, space, workers)
        else:
            ranking = _rank_tables(source, table, names, limits, space, workers)
    print_ranking(ranking, f"Clusters of {source.name}, best first")
    print_sample(ranking, sample, seed)
    if file is not None:
        write_frame(ranking.table, file)
        out.print(f"Written: {file}", highlight=False, soft_wrap=True, markup=False)


def _rank_study(
    directory: Path,
    statistics: list[str] | None,
    limits: Limits,
    space: str | None,
    workers: int,
) -> Ranking:
    from cgraph.study.again import rank_again
    from cgraph.study.study import load_study

    return rank_again(
        load_study(directory),
        statistics=statistics,
        limits=limits or None,
        space=space,
        n_jobs=workers,
    )


def _rank_tables(
    clusters: Path,
    table: Path | None,
    statistics: list[str] | None,
    limits: Limits,
    space: str | None,
    workers: int,
) -> Ranking:
    import numpy as np

    from cgraph.clustering.result import Clustering
    from cgraph.ranking.order import rank as order
    from cgraph.spaces import resolve
    from cgraph.spaces.limits import KEEPS, limits_table

    if table is None:
        raise ArgumentError(
            "TABLE", "be given with a table of clusters", "none", "`cgraph evaluate` writes one"
        )
    found = _read(clusters, "SOURCE", ("name", "cluster", "is_medoid"))
    values = _read(table / "statistics.parquet" if table.is_dir() else table, "TABLE", ("name",))
    medoids = found.index[found["is_medoid"]].to_numpy()
    labels = found["cluster"].to_numpy()
    clustering = Clustering(
        labels, medoids[np.argsort(labels[medoids])], {}, tuple(found["name"]), "read", "read"
    )
    eligible = None
    if limits:
        if space is None:
            raise ArgumentError("--space", "be given with limits on a table of clusters", "none")
        searched = resolve(space)
        kept = limits_table(searched, limits, n_jobs=workers)[KEEPS].to_numpy()
        eligible = kept[[searched.index(name) for name in clustering.names]]
        allowed = {
            name for name, is_kept in zip(clustering.names, eligible, strict=True) if is_kept
        }
        values = values[values["name"].isin(allowed)]
    return order(clustering, values, statistics=statistics, eligible=eligible)


def _read(path: Path, argument: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table with some columns."""
    import pandas as pd

    if path.suffix not in (".parquet", ".csv"):
        raise ArgumentError(argument, "end in .parquet or .csv", repr(str(path)))
    if not path.is_file():
        raise ArgumentError(argument, "be a file that is there", repr(str(path)))
    with reading(path, f"be a readable {path.suffix} table", argument=argument):
        found = pd.read_csv(path) if path.suffix == ".csv" else read_parquet(path)
    lacking = [name for name in columns if name not in found.columns]
    if lacking:
        raise ArgumentError(
            argument,
            f"have the columns {', '.join(columns)}",
            f"{path.name} without {lacking[0]!r}",
        )
    return found
