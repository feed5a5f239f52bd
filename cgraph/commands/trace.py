"""`cgraph trace`: a program in, its computational graph out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cgraph.commands.console import err, out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.programs import DTYPES, PROGRAM_HELP, Depth, Reading, read_program
from cgraph.errors import ArgumentError
from cgraph.files.writing import whole_file

SUMMARY = "summary"
# Names of the formats of graphs, written out so that the command starts without them; a test
# holds them against the table.
FORMAT_NAMES = ("json", "node-link", "graphml", "gexf", "dot", "pyg")


def trace(
    program: Annotated[str, typer.Argument(help=PROGRAM_HELP)],
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    depth: Annotated[
        Depth, typer.Option(help="What a kernel is: an operator, a module, or what is deployed.")
    ] = "operator",
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
    raw: Annotated[
        bool, typer.Option("--raw", help="Keep what is dead in an architecture.")
    ] = False,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Project on the kernels: without memories.")
    ] = False,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            help=f"What is printed or written: {SUMMARY}, {', '.join(FORMAT_NAMES)}; by the "
            "ending of --out by default."
        ),
    ] = None,
    path: Annotated[
        Path | None, typer.Option("--out", help="File to write, instead of printing.")
    ] = None,
) -> None:
    """Capture a program as a graph of kernels and memories, and print or write it.

    Example: cgraph trace torchvision.models:resnet18 --input 1,3,224,224 --out resnet18.graphml
    """
    from cgraph.graphs.kernel import project

    # What cannot be written is said before any work.
    chosen = _format_of(format, path, kernels)
    how = Reading(depth, real, train, meta, dtype, part, raw)
    with err.status(f"Capturing {program}"):
        graph = read_program(program, inputs or (), how=how)
    if chosen == SUMMARY:
        content = (graph.summary() + "\n").encode()
    else:
        from cgraph.export.graph_files import render

        content = render(project(graph) if kernels else graph, chosen)
    if path is None:
        sys.stdout.write(content.decode())
        return
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    out.print(f"{graph!r} is in {path}.", highlight=False, soft_wrap=True, markup=False)


def _format_of(name: str | None, path: Path | None, kernels: bool) -> str:
    """Name of the format that is meant."""
    from cgraph.export.graph_files import FORMATS, format_of

    if name is None:
        name = SUMMARY if path is None or path.suffix == ".txt" else format_of(path).name
    if name == SUMMARY and kernels:
        raise ArgumentError("--kernels", "come with a --format of graphs", "a summary")
    if path is None and name != SUMMARY and not FORMATS[name].is_text:
        raise ArgumentError("--out", f"name a file for {name}", "none", "it is no text to print")
    if path is not None and not path.parent.is_dir():
        raise ArgumentError("--out", "be in a directory that is there", repr(str(path)))
    return name
