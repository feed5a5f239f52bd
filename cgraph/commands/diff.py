"""`cgraph diff`: how far one program is from another, and the edit that shows it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cgraph.commands.console import err, out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.kernels import Comparable, read_comparable
from cgraph.commands.programs import PROGRAM_HELP, Depth
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts
    from cgraph.distances.edit.exact import EditDistance
    from cgraph.distances.edit.script import EditKind

CostModel = Literal["heuristic", "uniform", "hardware"]

# What each kind of edit does, in the order of a script.
_DONE: dict[EditKind, str] = {
    "disconnect": "edges deleted",
    "delete": "kernels deleted",
    "replace": "kernels replaced",
    "insert": "kernels inserted",
    "connect": "edges inserted",
}


def diff(
    a: Annotated[str, typer.Argument(help=PROGRAM_HELP)],
    b: Annotated[str, typer.Argument(help="The program to compare it with, written likewise.")],
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    costs: Annotated[
        CostModel,
        typer.Option(
            help="What edits cost: by kind of operation, all alike, or by MACs and bytes."
        ),
    ] = "heuristic",
    depth: Annotated[
        Depth | None,
        typer.Option(help="What a kernel is: an operator, a module, or what is deployed."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="What of architectures: operations (where there are such; default), cell or "
            "network (default with --depth)."
        ),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Expansions of the search before an interval is given.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Edits to print; 0 for all.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every edit.")] = False,
) -> None:
    """Print how far two programs are from each other, and the edit that turns A into B.

    Example: cgraph diff nasbench201:3 nasbench201:6111
    """
    from cgraph.distances.edit.exact import DEFAULT_BUDGET, edit_distance

    with err.status(f"Comparing {a} and {b}; the first time, what compares is compiled"):
        sides = [
            read_comparable(text, _inputs_of(text, inputs or []), depth=depth, part=part)
            for text in (a, b)
        ]
        if inputs and not any(_inputs_of(text, inputs) for text in (a, b)):
            raise ArgumentError("--input", "be left out: both programs have their own", inputs[0])
        left, right = (side.graph for side in sides)
        found = edit_distance(
            left,
            right,
            _costs_of(costs, sides),
            budget=DEFAULT_BUDGET if budget is None else budget,
        )
    if as_json:
        typer.echo(json.dumps(_plain(a, b, costs, found), indent=1))
        return
    for text, side in ((a, sides[0]), (b, sides[1])):
        _print(f"{text}: {side.graph!r}")
    _print_distance(found, limit)


def _inputs_of(text: str, inputs: list[str]) -> list[str]:
    """The inputs, for a program that has none of its own."""
    from pathlib import Path

    from cgraph.commands.programs import architecture_of

    is_file = ":" not in Path(text).name and bool(Path(text).suffix)
    return [] if is_file or architecture_of(text) is not None else inputs


def _costs_of(name: CostModel, sides: list[Comparable]) -> EditCosts:
    from cgraph.distances.edit.costs import EditCosts

    if name == "uniform":
        return EditCosts.uniform()
    if name == "heuristic":
        return EditCosts.heuristic()
    programs = [side.program for side in sides if side.program is not None]
    if len(programs) < len(sides):
        raise ArgumentError(
            "--costs",
            "be heuristic or uniform for graphs without sizes",
            repr(name),
            "architectures have them with --part cell or --part network",
        )
    return EditCosts.hardware(programs)


def _print_distance(found: EditDistance, limit: int) -> None:
    if found.exact:
        _print(f"edit distance {found.upper:g}, exact")
    else:
        _print(
            f"edit distance {found.lower:g} to {found.upper:g}, not exact: the lower end is a "
            "bound, the upper end is what this edit costs"
        )
    counts = Counter(edit.kind for edit in found.operations)
    sums = [
        f"{n:,} {done if n > 1 else done.replace('s ', ' ')}"
        for kind, done in _DONE.items()
        if (n := counts[kind])
    ]
    n = len(found.operations)
    _print(f"{n:,} edit{'s' if n != 1 else ''}" + (f": {', '.join(sums)}" if sums else ""))
    shown = found.operations if limit == 0 else found.operations[:limit]
    for edit in shown:
        _print(f"  {edit} ({edit.cost:g})")
    if len(shown) < n:
        _print(f"  ... and {n - len(shown):,} more; --limit 0 prints them all")


def _plain(a: str, b: str, costs: str, found: EditDistance) -> dict[str, object]:
    return {
        "a": a,
        "b": b,
        "costs": costs,
        "lower": found.lower,
        "upper": found.upper,
        "exact": found.exact,
        "expansions": found.expansions,
        "operations": [
            {
                "kind": edit.kind,
                "kernel": edit.kernel,
                "target": edit.target,
                "label": edit.label,
                "cost": edit.cost,
                "text": edit.text,
            }
            for edit in found.operations
        ],
    }


def _print(line: str) -> None:
    out.print(line, highlight=False, soft_wrap=True, markup=False)
