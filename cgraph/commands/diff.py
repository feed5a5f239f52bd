"""`cgraph diff`: how far one program is from another, and the edit that shows it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cgraph.commands.console import err, out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.kernels import Comparable, read_comparable
from cgraph.commands.programs import PROGRAM_HELP, Depth
from cgraph.commands.writing import write_frame
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    from cgraph.distances.edit.changes import SizeChange
    from cgraph.distances.edit.costs import EditCosts
    from cgraph.distances.edit.exact import EditDistance
    from cgraph.distances.edit.script import EditKind

CostModel = Literal["sized", "heuristic", "uniform", "hardware"]
ENDINGS = (".parquet", ".csv", ".json")

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
        CostModel | None,
        typer.Option(
            help="What edits cost: by kind of operation and by sizes (where these are known; "
            "default), by kind of operation, all alike, or by MACs and bytes."
        ),
    ] = None,
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
    path: Annotated[
        Path | None,
        typer.Option("--out", help="Write the edit as a table too: .parquet, .csv or .json."),
    ] = None,
) -> None:
    """Print how far two programs are from each other, and the edit that turns A into B.

    Example: cgraph diff nasbench201:3 nasbench201:6111
    """
    from cgraph.distances.edit.exact import DEFAULT_BUDGET, edit_distance

    if path is not None and path.suffix not in ENDINGS:
        raise ArgumentError("--out", f"end in {', '.join(ENDINGS)}", repr(str(path)))
    with err.status(f"Comparing {a} and {b}; the first time, what compares is compiled"):
        sides = [
            read_comparable(text, inputs_of(text, inputs or []), depth=depth, part=part)
            for text in (a, b)
        ]
        if inputs and not any(inputs_of(text, inputs) for text in (a, b)):
            raise ArgumentError("--input", "be left out: both programs have their own", inputs[0])
        chosen, model = _costs_of(costs, sides)
        left, right = (side.program for side in sides)
        steps = DEFAULT_BUDGET if budget is None else budget
        if left is None or right is None:
            found = edit_distance(sides[0].graph, sides[1].graph, model, budget=steps)
        else:
            found = edit_distance(left, right, model, budget=steps)
    if path is not None:
        write_frame(found.to_frame(), path)
    if as_json:
        typer.echo(json.dumps(_plain(a, b, chosen, found), indent=1))
        return
    for text, side in ((a, sides[0]), (b, sides[1])):
        _print(f"{text}: {side.graph!r}")
    _print_distance(found, limit)


def inputs_of(text: str, inputs: list[str]) -> list[str]:
    """The inputs, for a program that has none of its own."""
    from cgraph.commands.programs import architecture_of

    is_file = ":" not in Path(text).name and bool(Path(text).suffix)
    return [] if is_file or architecture_of(text) is not None else inputs


def _costs_of(name: CostModel | None, sides: list[Comparable]) -> tuple[CostModel, EditCosts]:
    """The cost model, by default the one that sees sizes where there are any."""
    from cgraph.distances.edit.costs import EditCosts

    programs = [side.program for side in sides if side.program is not None]
    has_sizes = len(programs) == len(sides) and all(program.is_sized for program in programs)
    if name is None:
        name = "sized" if has_sizes else "heuristic"
    if name == "uniform":
        return name, EditCosts.uniform()
    if name == "heuristic":
        return name, EditCosts.heuristic()
    if not has_sizes:
        raise ArgumentError(
            "--costs",
            "be heuristic or uniform for graphs without sizes",
            repr(name),
            "architectures have them with --part cell or --part network",
        )
    return name, EditCosts.sized() if name == "sized" else EditCosts.hardware(programs)


def _print_distance(found: EditDistance, limit: int) -> None:
    what = "edit distance of the structure" if found.leaves_out_sizes else "edit distance"
    if found.exact:
        _print(f"{what} {found.upper:g}, exact")
    else:
        _print(
            f"{what} {found.lower:g} to {found.upper:g}, not exact: the lower end is a "
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
    if found.changes:
        _print_changes(found.changes, limit)


def _print_changes(changes: Sequence[SizeChange], limit: int) -> None:
    n = len(changes)
    more = [sum(getattr(change, name) for change in changes) for name in ("n_parameters", "macs")]
    kernels = f"{n:,} kernel{'s' if n != 1 else ''} on other sizes"
    _print(f"{kernels}: {more[0]:+,} parameters, {more[1]:+,} MACs")
    # The largest first: a wider layer changes every relu behind it.
    by_weight = sorted(changes, key=lambda c: (-abs(c.n_parameters), -abs(c.macs), c.kernel))
    shown = by_weight if limit == 0 else by_weight[:limit]
    for change in shown:
        _print(f"  {change} ({change.cost:.3g})")
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
        "changes": None
        if found.changes is None
        else [
            {
                "kernel": change.kernel,
                "target": change.target,
                "name": change.name,
                "n_parameters": change.n_parameters,
                "parameter_bytes": change.parameter_bytes,
                "activation_bytes": change.activation_bytes,
                "macs": change.macs,
                "cost": change.cost,
                "text": change.text,
            }
            for change in found.changes
        ],
    }


def _print(line: str) -> None:
    out.print(line, highlight=False, soft_wrap=True, markup=False)
