"""`cgraph map`: many models in, their map out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cgraph.commands.console import out
from cgraph.commands.inputs import INPUT_HELP

SOURCES_HELP = (
    "Models: FILE.py:FACTORY or MODULE:FACTORY (with --input), a .onnx or .pt2 file, "
    "SPACE:ARCHITECTURE, zoo:transformers, zoo:timm, zoo:torchvision, or some of a zoo: "
    "zoo:transformers/bert*."
)


def map(  # noqa: A001 - what the command is called
    sources: Annotated[list[str], typer.Argument(help=SOURCES_HELP)],
    directory: Annotated[Path, typer.Option("--out", help="Directory of the map.")],
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    clusters: Annotated[
        int | None, typer.Option(help="Number of clusters; by default the root of that of models.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
) -> None:
    """Set models side by side: a table, a figure and a page that opens offline.

    Example: cgraph map zoo:transformers/*bert* --out maps/bert
    """
    from cgraph.commands.mapping import read_map
    from cgraph.report.models import write_map

    try:
        found = read_map(
            sources, inputs or [], directory=directory, n_jobs=workers, n_clusters=clusters
        )
    except KeyboardInterrupt:
        out.print(f"Stopped. The same command goes on where {directory} is now.", soft_wrap=True)
        raise typer.Exit(130) from None
    page = write_map(found, directory)
    n, n_failed = len(found.table), len(found.failures)
    failed = f", {n_failed:,} could not be captured (failures.parquet)" if n_failed else ""
    line = f"{n:,} models in {found.table['cluster'].nunique()} clusters{failed}: {page}"
    out.print(line, markup=False, highlight=False, soft_wrap=True)
