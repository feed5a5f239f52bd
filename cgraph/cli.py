"""cgraph on the command line: thin commands over the library."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from cgraph.errors import ArgumentError, CGraphError

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.spaces.space import Space
    from cgraph.study.result import StudyResult

app = typer.Typer(
    help="Analysis of search spaces of neural networks through their computational graphs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

QUICK = {"n_clusters": 5, "n_sampled": 3, "n_draws": 1}


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib import metadata

        out.print(metadata.version("cgraph"))
        raise typer.Exit


@app.command()
def study(
    space: Annotated[str, typer.Argument(help="Name of the search space; see `cgraph spaces`.")],
    directory: Annotated[
        Path, typer.Option("--out", help="Directory of the study: new, empty, or this study's.")
    ],
    part: Annotated[
        str | None,
        typer.Option(help="What the graphs are made of: cell (where there are cells) or network."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="How the graphs are clustered: kmeans, spectral, ...")
    ] = "kmeans",
    metric: Annotated[
        str, typer.Option(help="Distance: hellinger, jensen-shannon, kl, ...")
    ] = "hellinger",
    clusters: Annotated[
        int | None, typer.Option(help="How many clusters; 8 by default, 5 with --quick.")
    ] = None,
    statistics: Annotated[
        str, typer.Option(help="Statistics that order the clusters, separated by commas.")
    ] = "ntk,regions,naswot-v1,naswot-v2",
    inputs: Annotated[
        str, typer.Option(help="What networks are fed: gaussian noise, or crops of photographs.")
    ] = "gaussian",
    sample: Annotated[
        int | None,
        typer.Option(help="Programs of each cluster to evaluate; 10 by default, 3 with --quick."),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(help="Initialisations and batches of each; 2 by default, 1 with --quick."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    accuracy: Annotated[
        str | None,
        typer.Option(
            metavar="FILE:COLUMN",
            help="Trained accuracy in percent, to validate the order after it is fixed.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
    quick: Annotated[bool, typer.Option("--quick", help="A first look in under a minute.")] = False,
) -> None:
    """Cluster a search space and rank its clusters without training.

    Example: cgraph study nasbench201 --out studies/first --quick
    """
    from cgraph.spaces import get
    from cgraph.study.study import Study

    defaults = QUICK if quick else {}
    given = {"n_clusters": clusters, "n_sampled": sample, "n_draws": draws}
    chosen = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    found = get(space)
    accuracies = None if accuracy is None else _read_accuracies(found, accuracy)
    configured = Study(
        space,
        part=part,  # type: ignore[arg-type]
        method=method,
        metric=metric,
        statistics=tuple(name.strip() for name in statistics.split(",") if name.strip()),
        inputs=inputs,
        seed=seed,
        **chosen,
    )
    try:
        with _progress_of_stages() as progress:
            result = configured.run(
                directory, accuracies=accuracies, n_jobs=workers, progress=progress
            )
    except KeyboardInterrupt:
        err.print(f"Stopped. The same command goes on where {directory} is now.", soft_wrap=True)
        raise
    _print_result(result)


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(help="Directory of a study that has run.")],
) -> None:
    """Print the ranked clusters of a study, and draw its figures and page anew."""
    from cgraph.study.run import write_report
    from cgraph.study.study import load_study

    result = load_study(directory)
    write_report(result)
    _print_result(result)


@app.command()
def spaces() -> None:
    """List the search spaces that cgraph knows."""
    from cgraph.spaces import available, get

    table = Table("space", "architectures", "what it is", "source", box=SIMPLE_HEAD)
    for name in available():
        space = get(name)
        table.add_row(name, f"{len(space):,}", space.summary, space.source)
    out.print(table)


def main() -> None:
    """Run the command line; an error of cgraph's is a message, not a trace of calls."""
    try:
        app()
    except CGraphError as error:
        err.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)


def _read_accuracies(space: Space, spec: str) -> pd.Series:
    path, colon, column = spec.rpartition(":")
    if not colon or not path or not column:
        raise ArgumentError(
            "--accuracy", "be FILE:COLUMN", repr(spec), "for example results.parquet:cifar10_test"
        )
    return space.accuracies(path, column)


@contextmanager
def _progress_of_stages() -> Iterator[Any]:
    """A progress bar for each stage, as it is reached."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bars:
        tasks: dict[str, Any] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield progress


def _print_result(result: StudyResult) -> None:
    from cgraph.study.run import validation_rows

    clusters = result.ranking.table.to_dict("records")
    name = result.configuration["space"]
    table = Table(title=f"Clusters of {name}, best first", box=SIMPLE_HEAD)
    for name in ("place", "likely", "members", "evaluated", "score", "95 %", "P(first)"):
        table.add_column(name, justify="right")
    for row in clusters:
        table.add_row(*_cells(row))
    out.print(table)
    means = Table("place", title="Mean of each statistic", box=SIMPLE_HEAD)
    for protocol in result.ranking.protocols:
        means.add_column(protocol.replace("@", "\n@"), justify="right")
    for row in clusters:
        means.add_row(_place(row), *[f"{row[p]:.4g}" for p in result.ranking.protocols])
    out.print(means)
    rows = validation_rows(result)
    if rows:
        checked = Table("choice", title="Against trained accuracy", box=SIMPLE_HEAD)
        for name in ("accuracy", "regret", "lift"):
            checked.add_column(name, justify="right")
        for choice in rows:
            worth = (
                f"{choice['accuracy']:.2f}",
                f"{choice['regret']:.2f}",
                f"{choice['lift']:.1f}",
            )
            checked.add_row(choice["choice"], *worth)
        out.print(checked)
    out.print("Networks of the best cluster, at random:")
    size = len(result.ranking.members[result.ranking.best])
    for name in result.ranking.sample(min(3, size), random_state=result.configuration["seed"]):
        out.print(f"  {name}", highlight=False, soft_wrap=True, markup=False)
    out.print("Written:")
    for path in sorted(result.directory.rglob("*")):
        if path.is_file():
            out.print(f"  {path}", highlight=False, soft_wrap=True, markup=False)


def _cells(row: Mapping[Hashable, Any]) -> list[str]:
    import pandas as pd

    likely = "–" if pd.isna(row["rank_low"]) else f"{row['rank_low']}–{row['rank_high']}"
    interval = (
        "–" if pd.isna(row["score_low"]) else f"{row['score_low']:.2f}…{row['score_high']:.2f}"
    )
    failed = f" ({row['n_failed']} failed)" if row["n_failed"] else ""
    return [
        _place(row),
        likely,
        f"{row['n_members']:,}",
        f"{row['n_evaluated']}{failed}",
        f"{row['score']:.3f}",
        interval,
        f"{row['p_best']:.2f}",
    ]


def _place(row: Mapping[Hashable, Any]) -> str:
    """Place of a cluster; "=" marks those that cannot be told from the first."""
    import pandas as pd

    if pd.isna(row["rank"]):
        return "–"
    return f"{row['rank']}{'=' if row['tied_with_best'] else ''}"
