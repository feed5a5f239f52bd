"""`cgraph audit`: what a program computes or stores for nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from cgraph.commands.console import err, out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.programs import DTYPES, PROGRAM_HELP, Reading, architecture_of, read_program

if TYPE_CHECKING:
    from cgraph.graphs.audit import Audit


def audit(
    program: Annotated[str, typer.Argument(help=PROGRAM_HELP)],
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            help=f"Dtype of the model, and of inputs that name none: {', '.join(DTYPES)}."
        ),
    ] = None,
    train: Annotated[
        bool, typer.Option("--train", help="Put the model into train mode, not eval.")
    ] = False,
    real: Annotated[
        bool,
        typer.Option("--real", help="Compute, for a model whose control flow depends on values."),
    ] = False,
    meta: Annotated[
        bool, typer.Option("--meta", help="Build the model without values: any size fits.")
    ] = False,
    part: Annotated[
        str | None, typer.Option(help="What of an architecture: cell or network (default).")
    ] = None,
    least_share: Annotated[
        float,
        typer.Option(
            help="Pass over what has less than this share of the parameters, of the bytes "
            "written and of the MACs; 0 shows all."
        ),
    ] = 0.001,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the names of kernels and memories.")
    ] = False,
) -> None:
    """List what a program computes or stores for nothing, and what sets its peak memory.

    Parameters that reach no output, results that are dropped, work done twice on equal values,
    casts there and back. An architecture is taken with all that is dead in it.

    Example: cgraph audit nets.py:Net --input 1,3,224,224
    """
    is_architecture = architecture_of(program) is not None
    how = Reading("operator", real, train, meta, dtype, part, is_raw=is_architecture)
    with err.status(f"Capturing {program}"):
        graph = read_program(program, inputs or (), how=how)
        found = graph.audit(least_share=least_share)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
        return
    out.print(f"{graph!r}", highlight=False, soft_wrap=True, markup=False)
    _print(found)


def _print(found: Audit) -> None:
    table = Table(box=SIMPLE_HEAD)
    for name in ("kind", "where"):
        table.add_column(name)
    for name in ("bytes", "MACs"):
        table.add_column(name, justify="right")
    table.add_column("what")
    for finding in found:
        where = escape(finding.scope) or "the model itself"
        sizes = (f"{finding.bytes:,}", f"{finding.macs:,}")
        table.add_row(finding.kind, where, *sizes, escape(finding.text))
    out.print(table)
    n = len(found.waste)
    out.print(
        f"{n:,} finding{'s' if n != 1 else ''} of waste."
        if n
        else "Nothing is computed or stored for nothing.",
        highlight=False,
    )
