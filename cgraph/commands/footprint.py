"""`cgraph footprint`: what a program needs, and whether a device has it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from cgraph.commands.console import err, out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.programs import PROGRAM_HELP, Depth, Reading, read_program

if TYPE_CHECKING:
    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.hardware.devices import Fit
    from cgraph.hardware.footprint import Footprint

# Tensors that are named where a memory is too small.
_N_NAMED = 3


def footprint(
    program: Annotated[str, typer.Argument(help=PROGRAM_HELP)],
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    fits: Annotated[
        list[str] | None,
        typer.Option(
            "--fits", metavar="DEVICE", help="A device it has to fit: see cgraph devices."
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Type that floating-point tensors are stored in: int4, int8, fp16, ...; that of "
            "the device, or as captured, by default."
        ),
    ] = None,
    depth: Annotated[
        Depth, typer.Option(help="What a kernel is: an operator, a module, or what is deployed.")
    ] = "operator",
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a program needs to be stored and to run, and whether devices have it.

    Where a device is too small: what does not fit, and the nearest device that the program fits.

    Example: cgraph footprint nasbench201:6111 --fits stm32f746
    """
    from cgraph.hardware import footprint as needs_of
    from cgraph.hardware.devices import DEVICES
    from cgraph.hardware.sizes import stored_bits

    devices = [DEVICES[name] for name in fits or ()]
    if dtype is not None:
        stored_bits(dtype)
    how = Reading(depth, real, is_meta=meta, part=part, is_raw=raw)
    with err.status(f"Capturing {program}"):
        graph = read_program(program, inputs or (), how=how)
    types: list[str | None] = [dtype or device.dtype for device in devices]
    types = list(dict.fromkeys(types)) or [dtype]
    needs = {stored: needs_of.footprint(graph, dtype=stored) for stored in types}
    verdicts = [needs[dtype or device.dtype].fits(device) for device in devices]
    nearest = {
        verdict.device.name: needs_of.nearest_fit(graph, verdict.device, dtype=dtype)
        for verdict in verdicts
        if not verdict
    }
    if as_json:
        plain = {
            "needs": [_plain(found) for found in needs.values()],
            "fits": [_plain_fit(verdict, nearest) for verdict in verdicts],
        }
        typer.echo(json.dumps(plain, indent=1))
        return
    out.print(f"{graph!r}", highlight=False, soft_wrap=True, markup=False)
    _print_needs(list(needs.values()))
    if verdicts:
        _print_fits(verdicts)
    for verdict in verdicts:
        if not verdict:
            _print_misfit(graph, needs[verdict.dtype], verdict, nearest[verdict.device.name])


def _rows(needs: Footprint) -> dict[str, int]:
    return {
        "parameters": needs.parameter_bytes,
        "buffers": needs.buffer_bytes,
        "other constants": needs.constant_bytes,
        "peak memory, best order": needs.peak_bytes,
        "peak memory, order as it ran": needs.traced_peak_bytes,
        "peak memory without input and output": needs.peak_bytes_without_io,
        "bytes read and written": needs.moved_bytes,
    }


def _print_needs(needs: list[Footprint]) -> None:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("needs, in bytes")
    for found in needs:
        table.add_column(f"at {found.dtype}" if found.dtype else "as captured", justify="right")
    for name in _rows(needs[0]):
        table.add_row(name, *(f"{_rows(found)[name]:,}" for found in needs))
    table.add_row("MACs", *(f"{found.macs:,}" for found in needs))
    out.print(table)


def _print_fits(verdicts: list[Fit]) -> None:
    table = Table("device", "memory", box=SIMPLE_HEAD)
    for name in ("needs", "has"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for verdict in verdicts:
        device = verdict.device
        title = device.name
        memories = [("RAM", verdict.ram_bytes, device.ram_bytes)]
        if device.flash_bytes is not None:
            memories.insert(0, ("flash", verdict.flash_bytes, device.flash_bytes))
        for name, needed, there in memories:
            state = "fits" if needed <= there else f"{needed - there:,} missing"
            table.add_row(title, name, f"{needed:,}", f"{there:,}", state)
            title = ""
    out.print(table)


def _print_misfit(
    graph: ComputationalGraph, needs: Footprint, verdict: Fit, nearest: Fit | None
) -> None:
    _print(f"It {verdict}.")
    if verdict.flash_excess_bytes:
        _print(f"  Largest of what is stored: {_named(_stored(graph, verdict.dtype))}")
    if verdict.ram_excess_bytes:
        _print(f"  Largest at the peak: {_named(_at_peak(graph, needs))}")
    if nearest is None:
        _print("  It fits no device that cgraph knows.")
    else:
        device = nearest.device
        flash = "" if device.flash_bytes is None else f", {device.flash_bytes:,} of flash"
        _print(
            f"  The nearest that it fits: {device.name}, {device.ram_bytes:,} bytes of RAM{flash}"
        )


def _stored(graph: ComputationalGraph, dtype: str | None) -> list[tuple[int, str]]:
    from cgraph.hardware.lifetimes import STORED_KINDS
    from cgraph.hardware.sizes import storage_bytes

    return [(storage_bytes(m, dtype), m.name) for m in graph.memories if m.kind in STORED_KINDS]


def _at_peak(graph: ComputationalGraph, needs: Footprint) -> list[tuple[int, str]]:
    from cgraph.hardware.spans import spans

    schedule, step = needs.schedule, needs.schedule.peak_step or 0
    return [
        (span.bytes, graph.memories[span.memory].name)
        for span in spans(graph, schedule, dtype=needs.dtype)
        if span.first_step <= step <= span.last_step
    ]


def _named(tensors: list[tuple[int, str]]) -> str:
    largest = sorted(tensors, key=lambda row: -row[0])[:_N_NAMED]
    return ", ".join(f"{name} ({size:,} bytes)" for size, name in largest)


def _plain(needs: Footprint) -> dict[str, Any]:
    names = ("dtype", "parameter_bytes", "n_parameters", "buffer_bytes", "constant_bytes")
    more = ("input_bytes", "activation_bytes", "read_bytes", "written_bytes", "macs")
    peaks = ("peak_bytes", "peak_bytes_without_io", "traced_peak_bytes")
    found = {name: getattr(needs, name) for name in (*names, *more, *peaks)}
    return found | {"peak_lower_bytes": needs.best.lower_bytes}


def _plain_fit(verdict: Fit, nearest: dict[str, Fit | None]) -> dict[str, Any]:
    device = asdict(verdict.device)
    found: dict[str, Any] = {
        "device": {name: device[name] for name in ("name", "ram_bytes", "flash_bytes")},
        "dtype": verdict.dtype,
        "flash_bytes": verdict.flash_bytes,
        "ram_bytes": verdict.ram_bytes,
        "ram_lower_bytes": verdict.ram_lower_bytes,
        "fits": bool(verdict),
        "problems": list(verdict.problems),
    }
    if not verdict:
        other = nearest[verdict.device.name]
        found["nearest"] = None if other is None else other.device.name
    return found


def _print(line: str) -> None:
    out.print(escape(line), highlight=False, soft_wrap=True)
