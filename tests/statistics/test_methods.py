"""The table of protocols."""

import pytest

from cgraph.errors import UnknownNameError
from cgraph.statistics.initialising import INITIALISERS
from cgraph.statistics.methods import STATISTICS, resolve, statistic_names


@pytest.mark.parametrize("name", STATISTICS)
def test_records_are_complete(name):
    protocol = STATISTICS[name]
    assert protocol.statistic + "@" == name[: len(protocol.statistic) + 1]
    assert protocol.direction in (1, -1)
    assert protocol.initialisation in INITIALISERS
    assert protocol.definition
    assert protocol.source
    assert protocol.cost


def test_a_plain_name_means_the_recommended_protocol():
    cell = ("full", "thin", "cell")
    assert [resolve(n, cell).name for n in ("ntk", "regions", "naswot-v1", "naswot-v2")] == [
        "ntk@te-nas-code", "regions@te-nas", "naswot-v1@zero-cost-nas", "naswot-v2@zen-nas",
    ]  # fmt: skip
    assert resolve("regions").name == "regions@full"
    assert resolve("ntk@te-nas-paper").initialisation == "kaiming-fan-out"
    for name in statistic_names():
        assert resolve(name).statistic == name
    with pytest.raises(UnknownNameError, match="did you mean 'ntk@full'"):
        resolve("ntk@ful")
