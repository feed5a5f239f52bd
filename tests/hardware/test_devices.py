import numpy as np
import pytest

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.hardware.devices import DEVICES, Device
from cgraph.hardware.latency import estimate_latency
from cgraph.hardware.sizes import stored_bits


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda device: device.name)
def test_every_device_has_a_source_and_its_rates(device):
    assert "https://" in device.source
    assert "stimate" in device.rates
    assert device.macs_per_second > 0
    assert device.bytes_per_second > 0
    assert stored_bits(device.dtype) in (8, 32)


def test_published_sizes_of_microcontrollers():
    assert (DEVICES["stm32f746"].ram_bytes, DEVICES["stm32f746"].flash_bytes) == (327_680, 2**20)
    assert (DEVICES["stm32h743"].ram_bytes, DEVICES["stm32h743"].flash_bytes) == (2**19, 2**21)
    assert (DEVICES["nrf52840"].ram_bytes, DEVICES["nrf52840"].flash_bytes) == (2**18, 2**20)
    assert DEVICES["jetson-nano"].flash_bytes is None


def test_a_wrong_name_names_the_near_ones():
    with pytest.raises(UnknownNameError, match=r"device must be one of .* did you mean 'stm32f7"):
        DEVICES["stm32f74"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("ram_bytes", 0), ("flash_bytes", -1), ("macs_per_second", 0.0), ("bytes_per_second", -2.0)],
)
def test_a_device_has_room_and_speed(field, value):
    fields = {"ram_bytes": 1, field: value}
    with pytest.raises(ArgumentError, match=f"{field} must be a .*, got {value}"):
        Device("none", **fields)


def test_a_device_stores_a_known_type():
    with pytest.raises(ArgumentError, match=r"dtype must be one of .*, got 'int7'"):
        Device("none", 1, dtype="int7")


def two_kernels():
    return ComputationalGraph(
        [
            Memory("x", "input", (100,), "float32", 400),
            Memory("h", "activation", (100,), "float32", 400),
            Memory("y", "output", (1,), "float32", 4),
        ],
        [Kernel("a", "conv1d", macs=1000), Kernel("b", "sum", macs=10)],
        [(0, 0), (1, 1)],
        [(0, 1), (1, 2)],
        [2],
    )


def test_roofline_by_hand():
    device = Device("board", 1000, macs_per_second=100.0, bytes_per_second=101.0, dtype="int8")
    estimate = estimate_latency(two_kernels(), device)
    assert estimate.compute_seconds.tolist() == [10.0, 0.1]
    np.testing.assert_allclose(estimate.transfer_seconds, [200 / 101, 1.0])
    assert estimate.kernel_seconds.tolist() == [10.0, 1.0]
    assert estimate.seconds == 11.0
    assert estimate.transfer_bound_share == 1 / 11
    assert repr(estimate) == "LatencyEstimate(11 s on board, by its roofline)"
    wide = estimate_latency(two_kernels(), device, dtype="float32")
    assert wide.kernel_seconds.tolist() == [10.0, 4.0]


def test_roofline_of_nothing_takes_no_time():
    estimate = estimate_latency(ComputationalGraph([], [], [], []), DEVICES["gap8"])
    assert (estimate.seconds, estimate.transfer_bound_share) == (0.0, 0.0)


def test_roofline_needs_both_rates():
    device = Device("board", 1000, macs_per_second=1.0)
    with pytest.raises(ArgumentError, match="device must know its bytes_per_second, got 'board'"):
        estimate_latency(two_kernels(), device)
