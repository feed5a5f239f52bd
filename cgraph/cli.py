"""cgraph on the command line: thin commands over the library."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from cgraph.commands.audit import audit
from cgraph.commands.cluster import cluster
from cgraph.commands.console import err, out
from cgraph.commands.devices import devices
from cgraph.commands.diff import diff
from cgraph.commands.distances import distances
from cgraph.commands.evaluate import evaluate
from cgraph.commands.export import export
from cgraph.commands.figure import figure
from cgraph.commands.footprint import footprint
from cgraph.commands.rank import rank
from cgraph.commands.report import report
from cgraph.commands.spaces import spaces
from cgraph.commands.study import study
from cgraph.commands.trace import trace
from cgraph.errors import CGraphError

app = typer.Typer(
    help="Analysis of search spaces of neural networks through their computational graphs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    *(study, report, figure, spaces, trace, audit, footprint, devices),
    *(diff, distances, cluster, evaluate, rank, export),
)
for command in COMMANDS:
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib import metadata

        out.print(metadata.version("cgraph"))
        raise typer.Exit


def main() -> None:
    """Run the command line; an error of cgraph's is a message, not a trace of calls."""
    try:
        app()
    except CGraphError as error:
        message = "; ".join([str(error), *getattr(error, "__notes__", ())])
        err.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)
        sys.exit(2)
