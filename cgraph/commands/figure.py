"""`cgraph figure`: one figure of a study or of a program, as a file to print or to show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgraph.commands.console import err, out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.kernels import Comparable, read_comparable
from cgraph.commands.programs import PROGRAM_HELP, Depth, Reading, read_program
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    from cgraph.report.figures.catalogue import FigureKind

# Names of the table of figures, written out so that the command starts without it; a test holds
# them against the table.
OF_STUDIES = (
    "scores", "map", "operations", "odds", "statistics", "accuracy", "quantiles", "tau", "scatter",
)  # fmt: skip
OF_PROGRAMS = ("memory", "graph", "difference")
WIDTHS = ("column", "page")


def figure(
    name: Annotated[
        str | None,
        typer.Argument(
            help=f"Of a study: {', '.join(OF_STUDIES)}. Of a program: {', '.join(OF_PROGRAMS)}."
        ),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Argument(help=f"Directory of a study, or a program, or two. {PROGRAM_HELP}"),
    ] = None,
    is_list: Annotated[
        bool, typer.Option("--list", help="List the figures: what each shows, and an example.")
    ] = False,
    path: Annotated[
        Path | None,
        typer.Option("--out", help="File that ends with .pdf, .svg or .png; NAME.pdf by default."),
    ] = None,
    width: Annotated[
        str, typer.Option(help="page (7 inches), column (3.3 inches), or a number of inches.")
    ] = "page",
    limit: Annotated[
        list[str] | None,
        typer.Option(help="Storage limit of quantiles and tau, like 0.5MB@int8; once for each."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device whose memories are shown with memory.")
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="Type that memory is counted in; the device's, or as captured."),
    ] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    depth: Annotated[
        Depth | None, typer.Option(help="What a kernel is: an operator, a module, or fused.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="What of an architecture: operations, cell or network.")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(help="Boxes of a drawn graph before kernels are folded.")
    ] = None,
) -> None:
    """Draw one figure of a study, or of a program.

    Examples: cgraph figure tau studies/first --limit 0.5MB@int8 --width column --out tau.pdf;
    cgraph figure difference nasbench201:3 nasbench201:6111; cgraph figure memory nasbench201:6111
    --device stm32f746
    """
    from cgraph.report.figures.catalogue import FIGURES
    from cgraph.report.saving import save_figure

    if is_list:
        _print_figures()
        return
    if name is None:
        raise ArgumentError("NAME", "be given", "none", "--list shows the figures")
    kind = FIGURES[name]
    target = Path(f"{name}.pdf") if path is None else path
    given: dict[str, Any] = {
        "limits": limit or None,
        "device": device,
        "dtype": dtype,
        "max_nodes": nodes,
        "inputs": inputs or None,
        "depth": depth,
        "part": part,
    }
    _check(kind, sources or [], target, given)
    inches = _inches(width)
    with err.status(f"Drawing {name}"):
        drawn_from, options = _READERS[kind.source](kind, sources or [], given)
        save_figure(kind.draw(*drawn_from, width=inches, **options), target)
    out.print(str(target), highlight=False, soft_wrap=True, markup=False)


def _print_figures() -> None:
    """Every figure: what it shows, what its study has to have, and a command that draws it."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from cgraph.report.figures.catalogue import FIGURES

    table = Table(box=SIMPLE_HEAD)
    table.add_column("figure")
    table.add_column("what it shows, and how it is drawn")
    for kind in FIGURES.values():
        needs = f"Needs {' and '.join(kind.needs)}." if kind.needs else ""
        about = (kind.caption, needs, f"cgraph figure {kind.name} {kind.example}", "")
        table.add_row(kind.name, escape("\n".join(filter(None, about))))
        table.add_row()
    out.print(table)


def _check(kind: FigureKind, sources: list[str], path: Path, given: dict[str, Any]) -> None:
    """Raise before any work where an option does not belong to the figure."""
    from cgraph.report.saving import FORMATS

    n = 2 if kind.source == "difference" else 1
    if len(sources) != n:
        what = "the directory of a study" if kind.source == "study" else "a program"
        must = f"be {what}" if n == 1 else "be two programs"
        given_sources = " ".join(sources) or "none"
        raise ArgumentError("SOURCES", f"{must} for the figure {kind.name!r}", given_sources)
    for option, value in given.items():
        if value is not None and option not in kind.options:
            flag = {"limits": "limit", "max_nodes": "nodes", "inputs": "input"}.get(option, option)
            raise ArgumentError(f"--{flag}", f"be left out for the figure {kind.name!r}", value)
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        endings = ", ".join(f".{known}" for known in FORMATS)
        raise ArgumentError("--out", f"end with one of {endings}", repr(str(path)))


def _inches(text: str) -> float:
    from cgraph.report.style import COLUMN_WIDTH, PAGE_WIDTH

    known = dict(zip(WIDTHS, (COLUMN_WIDTH, PAGE_WIDTH), strict=True))
    if text in known:
        return known[text]
    must = "be page, column, or from 2 to 30 inches"
    try:
        inches = float(text)
    except ValueError:
        raise ArgumentError("--width", must, repr(text)) from None
    if not 2 <= inches <= 30:
        raise ArgumentError("--width", must, repr(text))
    return inches


def _of_study(
    kind: FigureKind, sources: list[str], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from cgraph.study.study import load_study

    tables = load_study(sources[0]).tables()
    if not kind.can_show(tables):
        raise ArgumentError(
            "SOURCES",
            f"be a study with {' and '.join(kind.needs)} for the figure {kind.name!r}",
            repr(sources[0]),
            "cgraph study --accuracy FILE:COLUMN" if "accuracy" in kind.needs else "",
        )
    return (tables,), {"limits": given["limits"]} if "limits" in kind.options else {}


def _of_program(
    kind: FigureKind, sources: list[str], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    del kind
    found = _comparable(sources[0], given)
    drawn = found.graph if found.program is None else found.program
    return (drawn,), _with_nodes(given)


def _of_two_programs(
    kind: FigureKind, sources: list[str], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from cgraph.distances.edit.exact import edit_distance

    del kind
    sides = [_comparable(text, given) for text in sources]
    left, right = (side.graph for side in sides)
    a, b = (side.program for side in sides)
    found = edit_distance(left, right) if a is None or b is None else edit_distance(a, b)
    return (left, right, found), _with_nodes(given)


def _of_footprint(
    kind: FigureKind, sources: list[str], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from cgraph.hardware.devices import DEVICES
    from cgraph.hardware.footprint import footprint

    del kind
    device = None if given["device"] is None else DEVICES[given["device"]]
    dtype = given["dtype"] or (device.dtype if device is not None else None)
    how = Reading(depth=given["depth"] or "operator", part=given["part"])
    graph = read_program(sources[0], given["inputs"] or (), how=how)
    return (footprint(graph, dtype=dtype),), {"device": device}


def _comparable(text: str, given: dict[str, Any]) -> Comparable:
    return read_comparable(text, given["inputs"] or (), depth=given["depth"], part=given["part"])


def _with_nodes(given: dict[str, Any]) -> dict[str, Any]:
    return {} if given["max_nodes"] is None else {"max_nodes": given["max_nodes"]}


_READERS = {
    "study": _of_study,
    "graph": _of_program,
    "difference": _of_two_programs,
    "footprint": _of_footprint,
}
