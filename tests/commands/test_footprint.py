"""`cgraph footprint` and `cgraph devices`."""

import json

import cgraph
from cgraph.hardware.devices import DEVICES


def test_needs_stand_against_what_devices_have(run):
    status, out, _ = run("footprint", "nasbench201:6111", "--fits", "nrf52840", "--fits", "gap8")
    assert status == 0
    words = " ".join(out.split())
    graph = cgraph.spaces.get("nasbench201").graph(6111, "network", "live")
    needs = cgraph.footprint(graph, dtype="int8")
    for number in (needs.parameter_bytes, needs.peak_bytes, needs.macs):
        assert f" {number:,} " in words
    assert "nrf52840 flash 1,079,610 1,048,576 31,034 missing RAM 81,920 262,144 fits" in words
    assert "gap8 flash 1,079,610 67,108,864 fits RAM 81,920 524,288 fits" in words
    assert f"It {needs.fits('nrf52840')}." in words
    assert "Largest of what is stored: blocks.11.second.1.weight (36,864 bytes)" in words
    assert "nearest that it fits: stm32h743, 524,288 bytes of RAM, 2,097,152 of flash" in words


def test_json_has_the_numbers(run):
    asked = ("footprint", "nasbench201:6111", "--json", "--fits", "nrf52840")
    found = json.loads(run(*asked)[1])
    (verdict,) = found["fits"]
    assert (verdict["fits"], verdict["nearest"]) == (False, "stm32h743")
    assert verdict["flash_bytes"] == 1_079_610
    found = json.loads(run(*asked, "--dtype", "int4")[1])
    assert [needs["dtype"] for needs in found["needs"]] == ["int4"]
    assert found["fits"][0]["fits"]


def test_without_a_device_needs_are_as_captured(run):
    status, out, _ = run("footprint", "torch.nn:Tanh", "--input", "1,8")
    assert status == 0
    assert "as captured" in out


def test_unknown_names_say_the_near_ones(run):
    status, _, problem = run("footprint", "torch.nn:Tanh", "--input", "1,8", "--fits", "stm32f74")
    assert status == 2
    assert "did you mean 'stm32f746'" in problem
    status, _, problem = run("footprint", "torch.nn:Tanh", "--input", "1,8", "--dtype", "int3")
    assert status == 2
    assert "dtype must be one of int1, int2, int4, int8" in problem


def test_devices_are_listed_with_their_sources(run):
    status, out, _ = run("devices")
    assert status == 0
    words = "".join(out.split())
    for device in DEVICES.values():
        assert f"{device.ram_bytes:,}" in words
        assert "".join(device.source.split()) in words
