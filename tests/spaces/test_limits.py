"""Which architectures keep the limits of a device."""

import numpy as np
import pandas as pd
import pytest
from torch import nn

from cgraph import footprint, spaces
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.hardware.devices import DEVICES
from cgraph.hardware.latency import estimate_latency
from cgraph.spaces.limits import KEEPS, Limits, limits_table
from cgraph.spaces.traced import TracedSpace


class Wide(TracedSpace):
    """Two linear layers and what is between them."""

    name, summary, source = "wide", "two linear layers", "a test"
    input_shapes = {"full": (64,)}  # noqa: RUF012

    def architectures(self):
        return ("8", "64", "1024", "4096", "8192")

    def build(self, arch, skeleton):  # noqa: ARG002
        return nn.Sequential(nn.Linear(64, int(arch)), nn.ReLU(), nn.Linear(int(arch), 4))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("measured") / "table.csv"
    latency = [5.0, 10.0, np.nan, 30.0, 40.0]
    table = {"index": range(5), "c10_board_latency_ms": latency, "c10_board_energy_mj": latency}
    pd.DataFrame(table).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("size", "count"), [("0.25MB", 4096), ("0.5MB", 10240), ("1MB", 15360)])
def test_networks_of_nasbench201_under_a_size(size, count):
    space = spaces.get("nasbench201")
    table = limits_table(space, Limits(max_parameters=f"{size}@int8"))
    assert table[KEEPS].sum() == count
    assert table["parameter_bytes"].tolist() == space.sizes()["n_parameters"].tolist()


def test_fit_is_that_of_each_footprint():
    space, device = Wide(), DEVICES["nrf52840"]
    table = limits_table(space, Limits(fits=device.name))
    for i, arch in enumerate(space.architectures()):
        fit = footprint(space.graph(arch, "network", "live"), dtype="int8").fits(device)
        assert table["flash_bytes"][i] == fit.flash_bytes
        assert table["ram_bytes"][i] == fit.ram_bytes
        assert table[KEEPS][i] == bool(fit)
    assert table[KEEPS].sum() > 0


def test_the_same_for_any_number_of_workers():
    one, two = (limits_table(Wide(), Limits(fits="nrf52840"), n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_measured_limits_keep_what_is_known(measured):
    found = limits_table(Wide(), Limits(max_latency="board=30ms", measured=measured))
    assert found[KEEPS].tolist() == [True, True, False, True, False]
    both = Limits(max_latency="board=30ms", max_energy="board=6mJ", measured=measured)
    assert limits_table(Wide(), both)[KEEPS].tolist() == [True, False, False, False, False]


def test_the_latency_of_a_known_device_is_estimated():
    space = Wide()
    found = limits_table(space, Limits(max_latency="stm32f746=1s"))["latency_stm32f746_ms"]
    for i in range(len(space)):
        graph = space.graph(i, "network", "live")
        expected = 1e3 * estimate_latency(graph, DEVICES["stm32f746"]).seconds
        assert found[i] == pytest.approx(expected)


def test_progress_comes_to_its_end():
    seen = []
    limits_table(Wide(), Limits(fits="nrf52840"), progress=lambda *step: seen.append(step))
    assert seen[-1] == (5, 5)


@pytest.mark.parametrize(
    ("limits", "fact"),
    [
        ({"max_parameters": "100B@int8"}, r"556 bytes \('8'\), 4,420 bytes"),
        ({"max_latency": "board=1ms"}, r"5 ms \('8'\).*10 ms \('64'\)"),
        ({"max_latency": "board=5ms", "max_parameters": "1kB"}, "2,224 bytes"),
        ({"max_latency": "bord=5ms"}, "board"),
    ],
    ids=["size", "latency", "together", "device"],
)
def test_what_nobody_keeps_says_how_near_they_come(limits, fact, measured):
    with pytest.raises((ArgumentError, UnknownNameError), match=fact):
        limits_table(Wide(), Limits(**limits, measured=measured))


def test_limits_that_exclude_each_other_are_counted(tmp_path):
    path = tmp_path / "table.csv"
    latency = [50.0, 50.0, 50.0, 50.0, 1.0]
    pd.DataFrame({"index": range(5), "c10_board_latency_ms": latency}).to_csv(path, index=False)
    limits = Limits(max_parameters="10kB@int8", max_latency="board=5ms", measured=path)
    with pytest.raises(ArgumentError, match=r"none: 2 keep parameters.*, 1 keep latency on board"):
        limits_table(Wide(), limits)


@pytest.mark.parametrize(
    ("limits", "fact"),
    [
        ({"fits": "stm32f74"}, "did you mean 'stm32f746'"),
        ({"max_parameters": "big"}, "0.5MB@int8"),
        ({"max_latency": "raspi4=20ms"}, "'raspi4' and no table"),
        ({"max_energy": "stm32f746=2mJ"}, "no table"),
        ({"max_latency": "20ms"}, "raspi4=20ms"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else next(iter(value)),
)
def test_limits_that_do_not_read_so_are_refused_at_once(limits, fact):
    with pytest.raises((ArgumentError, UnknownNameError), match=fact):
        Limits(**limits)


def test_a_table_of_another_space_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    pd.DataFrame({"index": [3, 7], "c10_board_latency_ms": [1.0, 2.0]}).to_csv(path, index=False)
    with pytest.raises(ArgumentError, match="below 5, got index 7"):
        limits_table(Wide(), Limits(max_latency="board=5ms", measured=path))


def test_a_space_of_many_programs_is_not_walked_through():
    with pytest.raises(ArgumentError, match=r"at most 50,000 programs, got 423,624"):
        limits_table(spaces.get("nasbench101"), Limits(fits="stm32f746"))
