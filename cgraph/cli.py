"""cgraph on the command line: thin commands over the library."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, NoReturn

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
from cgraph.commands.map import map  # noqa: A004
from cgraph.commands.nearest import nearest
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
    *(map, nearest, diff, distances, cluster, evaluate, rank, export),
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
    """Run the command line; an error of cgraph's or of the system's is a message of a line.

    A run that is told to end (SIGTERM) ends as one that is interrupted: what is finished is kept,
    and its exit status says which of the two it was, 143 or 130.
    """
    ended: list[int] = []

    def end(signum: int, frame: object) -> None:
        del frame
        ended.append(signum)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        app()
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except CGraphError as error:
        _say("; ".join([str(error), *getattr(error, "__notes__", ())]))
    except OSError as error:
        place = "" if error.filename is None else f": {error.filename}"
        _say(f"{error.strerror or error}{place}")
    except SystemExit as error:
        if ended:
            sys.exit(128 + ended[0])
        sys.exit(error.code)


def _say(message: str) -> NoReturn:
    err.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)
    sys.exit(2)
