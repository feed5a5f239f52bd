"""A graph and a device in, an estimate of the time out: the roofline of each kernel.

A kernel takes at least the time that its MACs take and the time that its bytes take, whichever is
longer; kernels run one after the other (Williams, Waterman and Patterson, 2009, "Roofline: an
insightful visual performance model for multicore architectures"). With the peak rates of a device
this is an estimate from below, not a measurement: caches, launches and fusion are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.hardware.devices import Device
from cgraph.hardware.traffic import bytes_of_kernels


@dataclass(frozen=True, slots=True, eq=False)
class LatencyEstimate:
    """An estimate of the time that a program takes on a device; not a measurement.

    Parameters
    ----------
    device : Device
        The device.
    compute_seconds : ndarray of float64, shape (n_kernels,)
        Time of each kernel's MACs at the peak rate.
    transfer_seconds : ndarray of float64, shape (n_kernels,)
        Time of the bytes that each kernel reads and writes at the peak rate.
    """

    device: Device
    compute_seconds: NDArray[np.float64]
    transfer_seconds: NDArray[np.float64]

    @property
    def kernel_seconds(self) -> NDArray[np.float64]:
        """Estimated time of each kernel: the longer of the two."""
        return np.maximum(self.compute_seconds, self.transfer_seconds)

    @property
    def seconds(self) -> float:
        """Estimated time of the program."""
        return float(self.kernel_seconds.sum())

    @property
    def transfer_bound_share(self) -> float:
        """Share of the time in kernels that wait for memory; 0.0 for a program without kernels."""
        bound = self.transfer_seconds > self.compute_seconds
        return float(self.kernel_seconds[bound].sum() / self.seconds) if self.seconds else 0.0

    def __repr__(self) -> str:
        return f"LatencyEstimate({self.seconds:.3g} s on {self.device.name}, by its roofline)"


def estimate_latency(
    graph: ComputationalGraph, device: Device, *, dtype: str | None = None
) -> LatencyEstimate:
    """Estimated time of one run of a program on a device, by the device's roofline.

    Parameters
    ----------
    graph : ComputationalGraph
        The program, with the batch it was captured with.
    device : Device
        Has to know both of its rates.
    dtype : str, optional
        Type that floating-point tensors are stored in; the device's by default.

    Returns
    -------
    LatencyEstimate

    Raises
    ------
    ArgumentError
        If a rate of the device is not known.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "float32", 32),
    ...      Memory("w", "parameter", (4, 8), "float32", 128),
    ...      Memory("y", "output", (4,), "float32", 16)],
    ...     [Kernel("linear", "linear", macs=32)], [(0, 0), (1, 0)], [(0, 2)], [2])
    >>> board = Device("board", 2**18, macs_per_second=64.0, bytes_per_second=88.0, dtype="int8")
    >>> estimate_latency(graph, board)
    LatencyEstimate(0.5 s on board, by its roofline)
    """
    for name in ("macs_per_second", "bytes_per_second"):
        if getattr(device, name) is None:
            raise ArgumentError(
                "device", f"know its {name}", repr(device.name), "dataclasses.replace() sets it"
            )
    traffic = bytes_of_kernels(graph, dtype=dtype or device.dtype)
    moved = np.array([read + written for read, written in traffic], dtype=np.float64)
    macs = np.array([kernel.macs for kernel in graph.kernels], dtype=np.float64)
    assert device.macs_per_second is not None
    assert device.bytes_per_second is not None
    compute, transfer = macs / device.macs_per_second, moved / device.bytes_per_second
    compute.setflags(write=False)
    transfer.setflags(write=False)
    return LatencyEstimate(device, compute, transfer)
