import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.hardware.devices import DEVICES, Device
from cgraph.hardware.footprint import fit, fit_chain, footprint, nearest_fit
from cgraph.hardware.sizes import bits_of, element_bytes
from cgraph.hardware.traffic import bytes_of_kernels
from tests.hardware.test_schedule import program


def linear_and_relu():
    """y = relu_(w x) with a bias, a mask of booleans and a view in between."""
    return ComputationalGraph(
        [
            Memory("x", "input", (8,), "float32", 32),
            Memory("w", "parameter", (4, 8), "float32", 128),
            Memory("b", "parameter", (4,), "float32", 16),
            Memory("mask", "buffer", (4,), "bool", 4),
            Memory("one", "constant", (1,), "float32", 4),
            Memory("h", "activation", (4,), "float32", 16),
            Memory("v", "activation", (2, 2), "float32", 0, base=5, alias="view"),
            Memory("r", "activation", (2, 2), "float32", 0, base=6, alias="version"),
            Memory("y", "output", (2,), "float32", 8),
        ],
        [
            Kernel("linear", "linear", macs=32),
            Kernel("view", "view"),
            Kernel("relu", "relu"),
            Kernel("sum", "sum"),
        ],
        [(0, 0), (1, 0), (2, 0), (5, 1), (6, 2), (7, 3), (3, 3), (4, 3)],
        [(0, 5), (1, 6), (2, 7), (3, 8)],
        [8],
    )


def test_every_field_by_hand():
    needs = footprint(linear_and_relu())
    assert needs.dtype is None
    assert (needs.parameter_bytes, needs.n_parameters) == (144, 36)
    assert (needs.buffer_bytes, needs.constant_bytes, needs.stored_bytes) == (4, 4, 152)
    assert (needs.input_bytes, needs.activation_bytes) == (32, 24)
    assert (needs.macs, needs.flops) == (32, 64)
    # linear reads 32 + 128 + 16 and writes 16, relu_ 16 and 16, sum 16 + 4 + 4 and 8.
    assert bytes_of_kernels(linear_and_relu()) == [(176, 16), (0, 0), (16, 16), (24, 8)]
    assert (needs.read_bytes, needs.written_bytes, needs.moved_bytes) == (216, 40, 256)
    assert needs.arithmetic_intensity == 32 / 256
    assert (needs.peak_bytes, needs.traced_peak_bytes) == (48, 48)
    assert (needs.peak_bytes_without_io, needs.traced_peak_bytes_without_io) == (16, 16)
    assert needs.schedule is needs.best.schedule


def test_int8_keeps_booleans_and_quarters_floats():
    needs = footprint(linear_and_relu(), dtype="int8")
    assert (needs.parameter_bytes, needs.buffer_bytes, needs.constant_bytes) == (36, 4, 1)
    assert (needs.read_bytes, needs.written_bytes) == (44 + 4 + 9, 4 + 4 + 2)
    assert needs.peak_bytes == 12


@pytest.mark.parametrize(
    ("dtype", "size"), [("int8", 1), ("fp16", 2), ("float16", 2), ("fp32", 4), ("float32", 4)]
)
def test_parameter_bytes_at_a_type(dtype, size):
    assert footprint(linear_and_relu()).parameter_bytes_at(dtype) == 36 * size


def test_nothing_moved_has_no_intensity():
    needs = footprint(ComputationalGraph([], [], [], []))
    assert needs.arithmetic_intensity is None
    assert needs.peak_bytes == 0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_peaks_are_between_the_largest_tensor_and_all_of_them(seed):
    graph = program(seed)
    needs = footprint(graph)
    everything = needs.input_bytes + needs.activation_bytes
    largest = max((m.bytes for m in graph.memories if m.kind in ("input", "activation")), default=0)
    assert largest <= needs.best.lower_bytes <= needs.peak_bytes
    assert needs.peak_bytes <= needs.traced_peak_bytes <= everything
    assert needs == footprint(graph)
    assert hash(needs) == hash(footprint(graph))


def test_an_unknown_type_and_an_unknown_device_are_refused():
    with pytest.raises(ArgumentError, match=r"dtype must be one of .*, got 'int3'"):
        footprint(linear_and_relu(), dtype="int3")
    with pytest.raises(UnknownNameError, match=r"device must be one of .* mean 'stm32f746'"):
        footprint(linear_and_relu()).fits("stm32f74")
    with pytest.raises(ArgumentError, match=r"device must be a Device or the name of one, got int"):
        footprint(linear_and_relu()).fits(3)
    with pytest.raises(ArgumentError, match="budget must be a whole number, 0 or more, got -2"):
        footprint(linear_and_relu(), budget=-2)


def test_a_device_with_flash_holds_weights_there():
    verdict = footprint(linear_and_relu()).fits(Device("board", ram_bytes=40, flash_bytes=100))
    assert not verdict
    assert (verdict.flash_bytes, verdict.ram_bytes) == (152, 48)
    assert (verdict.flash_excess_bytes, verdict.ram_excess_bytes) == (52, 8)
    assert verdict.is_certain
    assert str(verdict) == (
        "does not fit board: needs 152 bytes of flash, 52 more than the 100 there; "
        "needs 48 bytes of RAM, 8 more than the 40 there"
    )
    assert verdict.problems[1] == "needs 48 bytes of RAM, 8 more than the 40 there"


def test_a_device_without_flash_holds_weights_in_ram():
    needs = footprint(linear_and_relu())
    verdict = needs.fits(Device("computer", ram_bytes=200))
    assert verdict
    assert (verdict.flash_bytes, verdict.ram_bytes) == (0, 200)
    assert str(verdict) == "fits computer"
    assert not needs.fits(Device("computer", ram_bytes=199))
    assert needs.fits(Device("computer", ram_bytes=168), count_io=False)


@pytest.mark.parametrize("count_io", [True, False], ids=["io", "without io"])
@pytest.mark.parametrize("flash_bytes", [None, 100], ids=["no flash", "flash"])
def test_fit_alone_is_that_of_the_footprint(count_io, flash_bytes):
    device = Device("board", ram_bytes=300, flash_bytes=flash_bytes, dtype="int8")
    for graph in [linear_and_relu(), *(program(seed, 12) for seed in range(20))]:
        expected = footprint(graph, dtype="int8").fits(device, count_io=count_io)
        assert fit(graph, device, count_io=count_io) == expected


def test_fit_refuses_what_a_footprint_refuses():
    board = Device("board", ram_bytes=300)
    with pytest.raises(UnknownNameError, match="did you mean 'gap8'"):
        fit(linear_and_relu(), "gap9")
    with pytest.raises(ArgumentError, match="budget must be a whole number, 0 or more, got -2"):
        fit(linear_and_relu(), board, budget=-2)
    with pytest.raises(ArgumentError, match="graph must be a ComputationalGraph, got str"):
        fit("resnet", board)


def test_a_chain_of_one_block_is_that_block():
    for flash_bytes in (None, 100):
        device = Device("board", ram_bytes=300, flash_bytes=flash_bytes, dtype="int8")
        assert fit_chain([(linear_and_relu(), 1)], device) == fit(linear_and_relu(), device)
    twice = fit_chain([(linear_and_relu(), 2)], Device("board", ram_bytes=300, dtype="int8"))
    once = fit(linear_and_relu(), Device("board", ram_bytes=300, dtype="int8"))
    assert twice.ram_bytes == once.ram_bytes + 41  # the stored bytes again


def test_a_chain_has_a_block_and_a_device():
    with pytest.raises(ArgumentError, match="chain must have a block, got none"):
        fit_chain([], Device("board", ram_bytes=300))
    with pytest.raises(UnknownNameError, match="did you mean 'gap8'"):
        fit_chain([(linear_and_relu(), 1)], "gap9")


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_by_its_name_is_the_device(name):
    needs = footprint(linear_and_relu(), dtype=DEVICES[name].dtype)
    assert needs.fits(name) == needs.fits(DEVICES[name]) == fit(linear_and_relu(), name)
    assert fit_chain([(linear_and_relu(), 1)], name) == fit(linear_and_relu(), name)


@pytest.mark.parametrize(
    ("n", "device", "nearest"),
    [
        (1_000, "nrf52840", "nrf52840"),
        (300_000, "nrf52840", "stm32f746"),
        (300_000, "gap8", "gap8"),
        (600_000, "stm32f746", "raspberry-pi-4"),
        (2 * 2**30, "stm32f746", None),
    ],
)
def test_the_nearest_device_that_fits(n, device, nearest):
    graph = ComputationalGraph(
        [
            Memory("x", "input", (n,), "float32", 4 * n),
            Memory("y", "output", (1,), "float32", 4),
        ],
        [Kernel("sum", "sum")],
        [(0, 0)],
        [(0, 1)],
        [1],
    )
    found = nearest_fit(graph, device)
    assert (found and found.device.name) == nearest
    # Among those that fit, none has less RAM, but where the one that was asked for fits.
    fitting = [d for d in DEVICES.values() if fit(graph, d)]
    if found is not None and nearest != device:
        assert found.device.ram_bytes == min(d.ram_bytes for d in fitting)
    assert bool(fitting) == (found is not None)


@pytest.mark.parametrize(("dtype", "bits"), [("int1", 1), ("int2", 2), ("int4", 4), ("fp8", 8)])
def test_numbers_below_a_byte_are_packed(dtype, bits):
    graph = linear_and_relu()
    needs = footprint(graph, dtype=dtype)
    parameters = [m for m in graph.memories if m.kind == "parameter"]
    assert needs.parameter_bytes == sum(-(-int(np.prod(m.shape)) * bits // 8) for m in parameters)
    assert needs.parameter_bytes_at(dtype) == -(-needs.n_parameters * bits // 8)
    assert needs.peak_bytes <= footprint(graph, dtype="int8").peak_bytes


def test_what_is_captured_packed_counts_as_it_is_stored():
    weight = Memory("w", "parameter", (3, 5), "quint4x2", 9)  # a row of five takes three bytes
    small = Memory("v", "parameter", (7,), "int4", 4)
    floats = Memory("f", "parameter", (8,), "float4_e2m1fn_x2", 8)  # sixteen numbers
    graph = ComputationalGraph([weight, small, floats], [], [], [])
    assert footprint(graph).parameter_bytes == 21
    assert footprint(graph, dtype="int8").parameter_bytes == 9 + 4 + 16
    assert [bits_of(m.dtype) for m in graph.memories] == [4, 4, 8]
    assert element_bytes(small) == 4


def test_a_verdict_that_another_order_may_change_says_so():
    needs = next(
        needs
        for needs in (footprint(program(seed, 40), budget=0) for seed in range(100))
        if not needs.best.exact
    )
    lower, upper = needs.best.lower_bytes, needs.best.upper_bytes
    device = Device("board", ram_bytes=lower, flash_bytes=1000)
    fit = needs.fits(device)
    assert not fit
    assert not fit.is_certain
    assert f"{upper:,} bytes of RAM" in str(fit)
    assert f"could need as little as {lower:,} bytes" in str(fit)
    assert needs.fits(Device("board", ram_bytes=lower - 1, flash_bytes=1000)).is_certain
