"""`cgraph export`: a study, handed on to another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cgraph.commands.console import out, progress_of_stages

# Names of the table of formats, written out so that the command starts without it; a test holds
# them against the table.
FORMAT_NAMES = (
    *("parquet", "csv", "json", "graphml", "gexf", "node-link", "dot", "pyg", "npz", "list"),
    *("optuna", "ray"),
)


def export(
    directory: Annotated[Path, typer.Argument(help="Directory of a study that has run.")],
    to: Annotated[str, typer.Option(help=f"What it becomes: {', '.join(FORMAT_NAMES)}.")],
    path: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="File to write, or directory for graphs; in DIRECTORY/exports by default.",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Which architectures: all, evaluated, medoids, representatives (both of these), "
            'best (the members of the best cluster), or "cluster 3"; tables have all by default, '
            "graphs the representatives, lists and start points the best."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="How many at most, drawn at random by the study's seed.")
    ] = None,
    distinct: Annotated[
        bool | None,
        typer.Option(
            "--distinct/--copies",
            help="Different programs only, spread over their cluster, or copies too; different "
            "ones by default for lists and start points.",
        ),
    ] = None,
    graphs: Annotated[
        Literal["kernel", "computational"],
        typer.Option(help="Which graph of each: its kernels, or the program with its memories."),
    ] = "kernel",
    space: Annotated[
        str | None,
        typer.Option(help="The space, where it is one of your own: MODULE:NAME or FILE.py."),
    ] = None,
) -> None:
    """Hand a study on: as a table, graphs, a data set, a list, or start points of a search.

    Example: cgraph export studies/first --to gexf --out medoids.gexf --only medoids
    """
    from cgraph.export.study_files import STUDY_FORMATS, export_study
    from cgraph.study.study import load_study

    kind = STUDY_FORMATS[to]  # a wrong name is said before anything is read
    result = load_study(directory)
    with progress_of_stages() as progress:
        written = export_study(
            result,
            path,
            to=to,
            only=only,
            limit=limit,
            distinct=distinct,
            graphs=graphs,
            space=space,
            progress=lambda done, total: progress(to, done, total),
        )
    out.print(f"{kind.summary}:", highlight=False, soft_wrap=True, markup=False)
    out.print(f"  {written}", highlight=False, soft_wrap=True, markup=False)
