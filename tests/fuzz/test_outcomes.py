"""The measure itself."""

import time

import pytest

from cgraph.errors import ArgumentError
from tests.fuzz import outcomes


def raising(error):
    def call():
        raise error

    return call


def test_answers_are_told_apart(monkeypatch):
    monkeypatch.setattr(outcomes, "SECONDS", 0.05)
    door = outcomes.Outcomes("a door")
    assert door.attempt(lambda: 1) == "accepted"
    assert door.attempt(raising(ArgumentError("k", "be above 0", -1))) == "clear"
    assert door.attempt(raising(FileNotFoundError("no such file"))) == "clear"
    assert door.attempt(raising(KeyError("k"))) == "raw"
    assert door.attempt(raising(ArgumentError("k", "be " + "very " * 5000, 1))) == "clear"
    assert door.attempt(lambda: time.sleep(1)) == "slow"
    kept = {}
    with pytest.raises(AssertionError, match="2 of 6"):
        door.check(kept.__setitem__)
    assert kept["outcomes"]["raw"] == kept["outcomes"]["slow"] == 1
