"""A program's computational graph in, what it needs out: stored bytes, peak memory, work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.graphs.computational import ComputationalGraph, MemoryKind, check_graph
from cgraph.hardware.devices import DEVICES, Device, Fit, device_of
from cgraph.hardware.lifetimes import STORED_KINDS, lifetimes, without_io
from cgraph.hardware.schedule import BUDGET, BestSchedule, Schedule, best_order, replay
from cgraph.hardware.sizes import packed_bytes, storage_bytes, stored_bits
from cgraph.hardware.traffic import bytes_of_kernels


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a program needs: memory to be stored and to run, and work.

    Parameters
    ----------
    dtype : str or None
        Type that floating-point tensors are stored in; None for as captured.
    parameter_bytes : int
        Bytes of the parameters; a shared one counts once.
    n_parameters : int
        Number of scalar parameters.
    buffer_bytes : int
        Bytes of the buffers (running statistics, masks).
    constant_bytes : int
        Bytes of other constants.
    input_bytes : int
        Bytes of the inputs.
    activation_bytes : int
        Bytes of everything that is computed, the outputs included, as if all of it were kept.
        Views and writes in place add none.
    read_bytes : int
        Bytes that kernels read, added up; a memory counts for every kernel that reads it, at
        its own size. Views, which move nothing, are left out.
    written_bytes : int
        Bytes that kernels write, added up, those in place included.
    macs : int
        Multiply-accumulate operations.
    traced, traced_without_io : Schedule
        Memory over time in the order that the program ran in, with and without the network's
        inputs and outputs.
    best, best_without_io : BestSchedule
        The same in the order of least peak memory.
    """

    dtype: str | None
    parameter_bytes: int
    n_parameters: int
    buffer_bytes: int
    constant_bytes: int
    input_bytes: int
    activation_bytes: int
    read_bytes: int
    written_bytes: int
    macs: int
    traced: Schedule
    traced_without_io: Schedule
    best: BestSchedule
    best_without_io: BestSchedule

    def __post_init__(self) -> None:
        if self.dtype is not None:
            stored_bits(self.dtype)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("traced"):
                checks.instance(field.name, value, Schedule, "be a Schedule")
            elif field.name.startswith("best"):
                checks.instance(field.name, value, BestSchedule, "be a BestSchedule")
            elif field.name != "dtype":
                checks.whole(field.name, value, 0)

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each MAC."""
        return 2 * self.macs

    @property
    def stored_bytes(self) -> int:
        """Bytes of what is stored with the program: parameters, buffers and constants."""
        return self.parameter_bytes + self.buffer_bytes + self.constant_bytes

    @property
    def moved_bytes(self) -> int:
        """Bytes that kernels read and write, added up."""
        return self.read_bytes + self.written_bytes

    @property
    def arithmetic_intensity(self) -> float | None:
        """MACs for each byte moved; None where nothing is moved."""
        return self.macs / self.moved_bytes if self.moved_bytes else None

    @property
    def schedule(self) -> Schedule:
        """The best order, with the network's inputs and outputs counted."""
        return self.best.schedule

    @property
    def peak_bytes(self) -> int:
        """Peak memory of the best order, with the network's inputs and outputs counted."""
        return self.best.upper_bytes

    @property
    def peak_bytes_without_io(self) -> int:
        """Peak memory of the best order, without the network's inputs and outputs."""
        return self.best_without_io.upper_bytes

    @property
    def traced_peak_bytes(self) -> int:
        """Peak memory of the order the program ran in, with inputs and outputs counted."""
        return self.traced.peak_bytes

    @property
    def traced_peak_bytes_without_io(self) -> int:
        """Peak memory of the order the program ran in, without inputs and outputs."""
        return self.traced_without_io.peak_bytes

    def parameter_bytes_at(self, dtype: str) -> int:
        """Bytes of the parameters if each scalar is stored in a type.

        Parameters
        ----------
        dtype : str
            "int4", "int8", "float16" or "fp16", "float32" or "fp32", ...

        Returns
        -------
        int

        Raises
        ------
        ArgumentError
            If `dtype` is not known.
        """
        return packed_bytes(self.n_parameters, dtype)

    def fits(self, device: Device | str, *, count_io: bool = True) -> Fit:
        """Whether the program fits a device, and what is missing where it does not.

        Parameters
        ----------
        device : Device or str
            The device, or its name in `DEVICES`. It is compared with this footprint's own bytes:
            for a device that runs int8, take a footprint at ``dtype="int8"``.
        count_io : bool, default=True
            Whether the network's inputs and outputs need RAM of the device.

        Returns
        -------
        Fit
            True if it fits. A device without flash holds the stored bytes in RAM as well.

        Raises
        ------
        ArgumentError
            If `device` is no device.
        UnknownNameError
            If no device has the name.
        """
        device = device_of(device)
        checks.truth("count_io", count_io)
        best = self.best if count_io else self.best_without_io
        return _fit(device, self.dtype, self.stored_bytes, [best])

    def __repr__(self) -> str:
        mark = "" if self.best.exact else f" (at least {self.best.lower_bytes:,})"
        return (
            f"Footprint({self.parameter_bytes:,} bytes of parameters, peak {self.peak_bytes:,} "
            f"bytes{mark}, without input and output {self.peak_bytes_without_io:,}, "
            f"{self.macs:,} MACs)"
        )


def footprint(
    graph: ComputationalGraph, *, dtype: str | None = None, budget: int = BUDGET
) -> Footprint:
    """What a program needs: memory to be stored and to run, and work.

    Parameters
    ----------
    graph : ComputationalGraph
        The program, as captured or after any pass.
    dtype : str, optional
        Type that floating-point tensors are stored in ("int4", "int8", "fp16", ...); as captured
        by default. Numbers below a byte are packed. Integers and booleans stay as they are.
    budget : int, default=100_000
        States that the search for the best order may expand in each piece of the program; see
        `cgraph.hardware.schedule.best_schedule`.

    Returns
    -------
    Footprint

    Raises
    ------
    ArgumentError
        If `dtype` is not known, or `budget` is negative.

    See Also
    --------
    cgraph.hardware.schedule.best_schedule : What the best order is, and when it is exact.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (1, 8), "float32", 32),
    ...      Memory("w", "parameter", (4, 8), "float32", 128),
    ...      Memory("y", "output", (1, 4), "float32", 16)],
    ...     [Kernel("linear", "linear", macs=32)], [(0, 0), (1, 0)], [(0, 2)], [2])
    >>> needs = footprint(graph)
    >>> needs.parameter_bytes, needs.macs, needs.read_bytes
    (128, 32, 160)
    >>> needs
    Footprint(128 bytes of parameters, peak 48 bytes, without input and output 0, 32 MACs)
    >>> print(needs.fits(Device("tiny", ram_bytes=40, flash_bytes=128)))
    does not fit tiny: needs 48 bytes of RAM, 8 more than the 40 there
    >>> print(footprint(graph, dtype="int8").fits(Device("tiny", ram_bytes=40, flash_bytes=128)))
    fits tiny at int8
    """
    _check(graph, budget)
    by_kind = _bytes_by_kind(graph, dtype)
    traffic = bytes_of_kernels(graph, dtype=dtype)
    lives = lifetimes(graph, dtype=dtype)
    alone = without_io(lives)
    return Footprint(
        dtype=dtype,
        parameter_bytes=by_kind.get("parameter", 0),
        n_parameters=graph.n_parameters,
        buffer_bytes=by_kind.get("buffer", 0),
        constant_bytes=by_kind.get("constant", 0),
        input_bytes=by_kind.get("input", 0),
        activation_bytes=by_kind.get("activation", 0) + by_kind.get("output", 0),
        read_bytes=sum(read for read, _ in traffic),
        written_bytes=sum(written for _, written in traffic),
        macs=graph.macs,
        traced=replay(lives, range(lives.n_kernels), counts_io=True),
        traced_without_io=replay(alone, range(lives.n_kernels), counts_io=False),
        best=best_order(lives, counts_io=True, budget=budget),
        best_without_io=best_order(alone, counts_io=False, budget=budget),
    )


def fit(
    graph: ComputationalGraph, device: Device | str, *, count_io: bool = True, budget: int = BUDGET
) -> Fit:
    """Whether a program fits a device, stored in the device's type: the verdict alone.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.
    device : Device or str
        The device, or its name in `DEVICES`.
    count_io : bool, default=True
        Whether the network's inputs and outputs need RAM of the device.
    budget : int, default=100_000
        As for `footprint`.

    Returns
    -------
    Fit
        That of ``footprint(graph, dtype=device.dtype).fits(device)``.

    Raises
    ------
    ArgumentError
        If `device` is no device, or `budget` is negative.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (1, 8), "float32", 32),
    ...      Memory("y", "output", (1, 8), "float32", 32)],
    ...     [Kernel("relu", "relu")], [(0, 0)], [(0, 1)], [1])
    >>> print(fit(graph, Device("tiny", ram_bytes=16, flash_bytes=128, dtype="int8")))
    fits tiny at int8
    """
    _check(graph, budget)
    device = device_of(device)
    lives = lifetimes(graph, dtype=device.dtype)
    counted = lives if count_io else without_io(lives)
    best = best_order(counted, counts_io=count_io, budget=budget)
    return _fit(device, device.dtype, _stored_bytes(graph, device.dtype), [best])


def nearest_fit(
    graph: ComputationalGraph, device: Device | str, *, dtype: str | None = None
) -> Fit | None:
    """The verdict on the nearest known device that a program fits.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.
    device : Device or str
        The device it should fit, or its name in `DEVICES`.
    dtype : str, optional
        Type that floating-point tensors are stored in; that of each device by default.

    Returns
    -------
    Fit or None
        Of the device itself where the program fits it; else of the one that it fits with the
        least RAM. None where it fits none.

    Raises
    ------
    ArgumentError
        If `device` is no device.
    UnknownNameError
        If no device has the name.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (300_000,), "float32", 1_200_000),
    ...      Memory("y", "output", (1,), "float32", 4)],
    ...     [Kernel("sum", "sum")], [(0, 0)], [(0, 1)], [1])
    >>> print(nearest_fit(graph, "nrf52840"))
    fits stm32f746 at int8
    """
    found: dict[str, Footprint] = {}
    others = sorted(DEVICES.values(), key=lambda other: (other.ram_bytes, other.flash_bytes or 0))
    for candidate in (device_of(device), *others):
        stored = dtype or candidate.dtype
        if stored not in found:
            found[stored] = footprint(graph, dtype=stored)
        verdict = found[stored].fits(candidate)
        if verdict:
            return verdict
    return None


def fit_chain(chain: Sequence[tuple[ComputationalGraph, int]], device: Device | str) -> Fit:
    """Whether a program fits that is a chain of blocks, some of which run more than once.

    Parameters
    ----------
    chain : sequence of (ComputationalGraph, int)
        Blocks, and how many of each the program has, with parameters of their own. Each takes one
        tensor, the result of the block before it, and returns one that all its kernels precede.
    device : Device or str
        The device, or its name in `DEVICES`.

    Returns
    -------
    Fit
        That of `fit` for the whole program: an order of it is one of each block, end to end.

    Raises
    ------
    ArgumentError
        If `device` is no device, or there is no block.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> block = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "float32", 32), Memory("w", "parameter", (8, 8), "float32",
    ...      256), Memory("y", "output", (8,), "float32", 32)],
    ...     [Kernel("linear", "linear")], [(0, 0), (1, 0)], [(0, 2)], [2])
    >>> fit_chain([(block, 3)], Device("board", ram_bytes=64, flash_bytes=1024)).flash_bytes
    768
    """
    device = device_of(device)
    if not chain:
        raise ArgumentError("chain", "have a block", "none")
    orders = [
        best_order(lifetimes(block, dtype=device.dtype), counts_io=True, budget=BUDGET)
        for block, _ in chain
    ]
    stored = sum(times * _stored_bytes(block, device.dtype) for block, times in chain)
    return _fit(device, device.dtype, stored, orders)


def _check(graph: ComputationalGraph, budget: int) -> None:
    check_graph(graph)
    checks.whole("budget", budget, 0)


def _bytes_by_kind(graph: ComputationalGraph, dtype: str | None) -> dict[MemoryKind, int]:
    by_kind: dict[MemoryKind, int] = {}
    for memory in graph.memories:
        by_kind[memory.kind] = by_kind.get(memory.kind, 0) + storage_bytes(memory, dtype)
    return by_kind


def _stored_bytes(graph: ComputationalGraph, dtype: str | None) -> int:
    by_kind = _bytes_by_kind(graph, dtype)
    return sum(size for kind, size in by_kind.items() if kind in STORED_KINDS)


def _fit(
    device: Device, dtype: str | None, stored_bytes: int, orders: Sequence[BestSchedule]
) -> Fit:
    """The verdict on a program that runs in some orders, one after the other."""
    in_ram = 0 if device.flash_bytes is not None else stored_bytes
    return Fit(
        device=device,
        dtype=dtype,
        flash_bytes=stored_bytes - in_ram,
        ram_bytes=max(best.upper_bytes for best in orders) + in_ram,
        ram_lower_bytes=max(best.lower_bytes for best in orders) + in_ram,
    )
