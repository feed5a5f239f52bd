from typing import NamedTuple

import pytest

from cgraph.errors import UnknownNameError
from cgraph.registry import Table


class Metric(NamedTuple):
    name: str


TABLE = Table("metric", [Metric("kl"), Metric("edit"), Metric("hellinger")])


def test_a_table_is_a_mapping_in_order():
    assert list(TABLE) == ["kl", "edit", "hellinger"]
    assert len(TABLE) == 3
    assert TABLE["edit"] == Metric("edit")
    assert "edit" in TABLE
    assert "edi" not in TABLE
    assert [record.name for record in TABLE.values()] == list(TABLE)
    assert repr(TABLE) == "Table('metric': kl, edit, hellinger)"


def test_an_unknown_name_lists_the_near_ones():
    with pytest.raises(UnknownNameError) as caught:
        TABLE["helinger"]
    assert str(caught.value) == (
        "metric must be one of kl, edit, hellinger, got 'helinger'; did you mean 'hellinger'?"
    )
    assert caught.value.near == ("hellinger",)
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("name", [None, 3, ["edit"]], ids=repr)
def test_a_name_that_is_no_string(name):
    with pytest.raises(UnknownNameError, match="metric must be one of kl"):
        TABLE[name]


def test_two_records_of_one_name_are_our_mistake():
    with pytest.raises(AssertionError, match="two records are called 'kl'"):
        Table("metric", [Metric("kl"), Metric("kl")])
