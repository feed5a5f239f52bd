"""Which architectures of a space keep the limits of a device: known before any is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.hardware.devices import DEVICES, Device, Fit
from cgraph.hardware.footprint import fit, fit_chain
from cgraph.hardware.latency import estimate_latency
from cgraph.hardware.limits import (
    Limit,
    MeasuredLimit,
    keep,
    parse_measured_limit,
    parse_parameter_limit,
)
from cgraph.hardware.measured import measured_column, read_measured
from cgraph.parallel import parallel_map
from cgraph.spaces.space import Architecture, Space

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.graphs.computational import ComputationalGraph

KEEPS = "keeps_limits"
"""Column of the table of `limits_table`: whether an architecture keeps every limit."""

# Programs whose graphs are composed or traced to know what they need; more take hours.
MOST_PROGRAMS = 50_000
_CHUNK = 64

Progress = Callable[[int, int], None]
Read = TypeVar("Read")


@runtime_checkable
class HasChains(Protocol):
    """A space whose networks are chains of blocks, so that what one needs is known sooner."""

    def live_chain(self, arch: Architecture) -> Sequence[tuple[ComputationalGraph, int]]:
        """What `fit_chain` takes, for the same program as ``graph(arch, "network", "live")``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a network has to keep to be worth a look.

    Parameters
    ----------
    fits : str, optional
        Name of a device in `DEVICES` whose memories it has to fit: flash for what is stored, RAM
        for the peak memory of its best order, input and output counted, at the device's type.
    max_parameters : str, optional
        The most bytes of parameters, as in "0.5MB@int8"; dead operations count.
    max_latency, max_energy : str, optional
        The largest latency or energy, as in "raspi4=20ms": measured, where a table is given, and
        else the latency estimated by the roofline of a device in `DEVICES`.
    measured : path, optional
        Table of measured latencies and energies, as `read_measured` takes it, whose rows are the
        official indices of the space.

    Raises
    ------
    ArgumentError
        If a limit does not read so, or has to be measured and there is no table.
    UnknownNameError
        If there is no such device.

    Examples
    --------
    >>> Limits(max_parameters="0.5MB@int8")
    Limits(max_parameters='0.5MB@int8')
    >>> bool(Limits())
    False
    """

    fits: str | None = None
    max_parameters: str | None = None
    max_latency: str | None = None
    max_energy: str | None = None
    measured: str | Path | None = None

    def __post_init__(self) -> None:
        for name in ("fits", "max_parameters", "max_latency", "max_energy"):
            if getattr(self, name) is not None:
                checks.text(name, getattr(self, name))
        if self.measured is not None:
            checks.path("measured", self.measured)
        if self.fits is not None:
            DEVICES[self.fits]
        if self.max_parameters is not None:
            _read("max_parameters", parse_parameter_limit, self.max_parameters)
        for wanted in self._measured_limits():
            is_estimate = wanted.quantity == "latency" and wanted.device in DEVICES
            if self.measured is None and not is_estimate:
                raise ArgumentError(
                    f"max_{wanted.quantity}",
                    "name a device of a table of measurements",
                    f"{wanted.device!r} and no table",
                    f"give the table, or have the latency of {', '.join(DEVICES)} estimated",
                )

    def _measured_limits(self) -> list[MeasuredLimit]:
        given = {"latency": self.max_latency, "energy": self.max_energy}
        return [
            _read(f"max_{name}", parse_measured_limit, text, name)
            for name, text in given.items()
            if text is not None
        ]

    def __bool__(self) -> bool:
        return bool(self.fits or self.max_parameters or self.max_latency or self.max_energy)

    def __repr__(self) -> str:
        given = [(field.name, getattr(self, field.name)) for field in fields(self)]
        inside = ", ".join(f"{name}={value!r}" for name, value in given if value is not None)
        return f"Limits({inside})"


def _read(name: str, parse: Callable[..., Read], *given: str) -> Read:
    """What a text means, or an error that names the limit."""
    try:
        return parse(*given)
    except ArgumentError as error:
        raise ArgumentError(name, error.must, error.got, error.hint) from error


def limits_table(
    space: Space, limits: Limits, *, n_jobs: int = 1, progress: Progress | None = None
) -> pd.DataFrame:
    """What each architecture needs of what is limited, and whether it keeps every limit.

    Parameters
    ----------
    space : Space
        The search space.
    limits : Limits
        The limits.
    n_jobs : int, default=1
        Number of processes that find peak memories; -1 uses every core.
    progress : callable, optional
        Called with the programs that are done and how many there are.

    Returns
    -------
    DataFrame
        A row for each architecture, in the official order: "keeps_limits", and one or two columns
        for each limit: "parameter_bytes", "flash_bytes" and "ram_bytes",
        "latency_{device}_ms" and "energy_{device}_mj"; NaN where nothing was measured.

    Raises
    ------
    ArgumentError
        If no architecture keeps a limit, or all together; says how near they come. If `fits` or
        an estimated latency is asked of a space of more than 50,000 programs.
    UnknownNameError
        If the table of measurements has no such device.

    Examples
    --------
    >>> from cgraph import spaces
    >>> table = limits_table(spaces.get("nasbench201"), Limits(max_parameters="0.25MB@int8"))
    >>> int(table["keeps_limits"].sum())
    4096
    """
    import pandas as pd

    columns: dict[str, NDArray[Any]] = {}
    checks: list[tuple[NDArray[Any], Limit]] = []
    if limits.max_parameters is not None:
        parameters = parse_parameter_limit(limits.max_parameters)
        columns["parameter_bytes"] = parameters.bytes_of(space.sizes()["n_parameters"])
        checks.append((columns["parameter_bytes"], parameters.limit))
    estimated: list[MeasuredLimit] = []
    for wanted in limits._measured_limits():
        if limits.measured is None:
            estimated.append(wanted)
            continue
        values = _measured(space, limits.measured, wanted)
        columns[_column(wanted)] = values
        checks.append((values, wanted.limit))
    device = None if limits.fits is None else DEVICES[limits.fits]
    if device is not None or estimated:
        needs = _needs(space, device, [DEVICES[e.device] for e in estimated], n_jobs, progress)
        for place, wanted in enumerate(estimated):
            columns[_column(wanted)] = needs[:, 3 + place]
            checks.append((needs[:, 3 + place], wanted.limit))
        if device is not None:
            columns["flash_bytes"] = needs[:, 0].astype(np.int64)
            columns["ram_bytes"] = needs[:, 1].astype(np.int64)
            checks.append((needs[:, 2], Limit(f"bytes missing on {device.name}", 0, "bytes")))
    columns[KEEPS] = _kept(checks, space)
    return pd.DataFrame(columns)


def _kept(checks: Sequence[tuple[NDArray[Any], Limit]], space: Space) -> NDArray[np.bool_]:
    """Who keeps every limit; raises where nobody does."""
    kept = np.ones(len(space), dtype=bool)
    for values, limit in checks:
        keep(values, limit, space.architectures())
        kept &= limit.allows(values)
    if not kept.any():
        alone = [f"{int(limit.allows(v).sum()):,} keep {limit}" for v, limit in checks]
        raise ArgumentError(
            "limits", "be kept together by some network", f"none: {', '.join(alone)}", "widen one"
        )
    return kept


def _column(wanted: MeasuredLimit) -> str:
    return f"{wanted.quantity}_{wanted.device}_{wanted.limit.unit.lower()}"


def _measured(space: Space, path: str | Path, wanted: MeasuredLimit) -> NDArray[np.float64]:
    table = read_measured(path)
    strange = [index for index in table.index if not 0 <= index < len(space)]
    if strange:
        raise ArgumentError(
            "measured",
            f"be a table of {space.name}, with indices below {len(space):,}",
            f"index {strange[0]}",
        )
    column = measured_column(table, wanted.device, wanted.quantity)
    return np.asarray(column.reindex(range(len(space))), dtype=np.float64)


def _needs(
    space: Space,
    device: Device | None,
    estimated: Sequence[Device],
    n_jobs: int,
    progress: Progress | None,
) -> NDArray[np.float64]:
    """What every architecture needs, shape (n, 3 + number of estimates).

    Columns: bytes of flash, bytes of RAM, bytes that are missing of both; milliseconds.
    """
    programs = space.programs()
    distinct, index = np.unique(programs, return_inverse=True)
    if len(distinct) > MOST_PROGRAMS:
        raise ArgumentError(
            "fits and estimated latency",
            f"be asked of a space of at most {MOST_PROGRAMS:,} programs",
            f"{len(distinct):,} of {space.name}",
            "limit the parameters instead",
        )
    chunks = [distinct[i : i + _CHUNK] for i in range(0, len(distinct), _CHUNK)]
    rows: list[NDArray[np.float64]] = []
    done = 0
    find = partial(_needs_of, space, device, tuple(estimated))
    for chunk, found in zip(chunks, parallel_map(find, chunks, n_jobs=n_jobs), strict=True):
        rows.append(found)
        done += len(chunk)
        if progress is not None:
            progress(done, len(distinct))
    needs: NDArray[np.float64] = np.concatenate(rows)[index]
    return needs


def _needs_of(
    space: Space,
    device: Device | None,
    estimated: Sequence[Device],
    architectures: NDArray[np.int64],
) -> NDArray[np.float64]:
    """`_needs` of some architectures."""
    rows = np.zeros((len(architectures), 3 + len(estimated)))
    for row, arch in zip(rows, architectures.tolist(), strict=True):
        if device is not None:
            verdict = _verdict(space, arch, device)
            missing = verdict.flash_excess_bytes + verdict.ram_excess_bytes
            row[:3] = verdict.flash_bytes, verdict.ram_bytes, missing
        if estimated:
            graph = space.graph(arch, "network", "live")
            row[3:] = [1e3 * estimate_latency(graph, other).seconds for other in estimated]
    return rows


def _verdict(space: Space, arch: int, device: Device) -> Fit:
    if isinstance(space, HasChains):
        return fit_chain(space.live_chain(arch), device)
    return fit(space.graph(arch, "network", "live"), device)
