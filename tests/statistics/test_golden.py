"""The four statistics against values computed by slow, plain code elsewhere."""

import json
from pathlib import Path

import pytest
import torch

from cgraph.spaces.nasbench201 import network
from cgraph.statistics.measuring import measure
from tests.statistics.networks import fill_by_execution, images

GOLDEN = Path(__file__).parents[2].parent / "shared" / "reference" / "golden_statistics.json"


@pytest.fixture(scope="module")
def networks():
    if not GOLDEN.exists():
        pytest.skip(f"the golden values {GOLDEN.name} are absent")
    return {entry["index"]: entry for entry in json.loads(GOLDEN.read_text())["networks"]}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _full(entry):
    return fill_by_execution(network.build(entry["arch"]), images(2, 9, (3, 32, 32)))


@pytest.mark.parametrize("index", [14843, 7992])
def test_float64_to_a_millionth(networks, index):
    entry = networks[index]
    model = _full(entry).double()
    x = images(128, 0, (3, 32, 32)).double()
    x16 = images(16, 0, (3, 32, 32)).double()
    assert measure(model, "naswot-v1", x[:64]).value == pytest.approx(
        entry["naswot_v1_b64"], rel=1e-6
    )
    assert measure(model, "ntk", x16, mode="eval").value == pytest.approx(
        entry["ntk_eval_b16"], rel=1e-6
    )
    if index == 7992:
        assert measure(model, "naswot-v2", x).value == pytest.approx(
            entry["naswot_v2_b128"], rel=1e-6
        )
        assert measure(model, "ntk", x16).value == pytest.approx(entry["ntk_train_b16"], rel=1e-6)


@pytest.mark.parametrize("index", [13577])
def test_float32_to_a_thousandth(networks, index):
    entry = networks[index]
    model = _full(entry)
    x = images(128, 0, (3, 32, 32))
    x16 = images(16, 0, (3, 32, 32))
    for name, inputs, mode, key in [
        ("naswot-v2", x, None, "naswot_v2_b128"),
        ("naswot-v1", x[:64], None, "naswot_v1_b64"),
        ("ntk", x16, "train", "ntk_train_b16"),
        ("ntk", x16, "eval", "ntk_eval_b16"),
    ]:
        assert measure(model, name, inputs, mode=mode).value == pytest.approx(
            entry[key], rel=1e-3
        ), key


def test_regions_exactly(networks):
    for entry in networks.values():
        cell = network.build(entry["arch"], "cell")
        cell = fill_by_execution(cell, images(2, 9, (1, 3, 3))).double()
        batches = [images(1000, seed, (1, 3, 3)).double() for seed in (1, 2, 3)]
        assert measure(cell, "regions", batches).value == entry["regions_thin_3000"]
        assert measure(cell, "regions", batches[0]).value == entry["regions_thin_first_1000"]
