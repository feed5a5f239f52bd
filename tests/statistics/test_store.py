"""The file of finished draws."""

import sqlite3

import pytest

from cgraph.errors import ArgumentError
from cgraph.graphs.computational import Attributes
from cgraph.statistics.store import DrawStore
from cgraph.statistics.values import Reason, Statistic


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "draws.sqlite"
    values = [
        Statistic(1 / 3, None, "ntk@full", Attributes(batch_size=32, mode="train"), "a note"),
        Statistic(None, Reason.SINGULAR, "naswot-v2@zen-nas"),
    ]
    with DrawStore(path) as store:
        store.write("p", "gaussian", 7, 0, zip(values, (0.5, 0.25), strict=True))
    with DrawStore(path) as store:
        found = store.read("p", "gaussian", 7)
        assert sorted(found) == sorted((v.protocol, 0, v) for v in values)
        assert store.read("p", "gaussian", 8) == store.read("p", "crops", 7) == []
        assert store.read("q", "gaussian", 7) == []
        assert store.seconds() == {"naswot-v2@zen-nas": 0.25, "ntk@full": 0.5}


def test_a_file_of_something_else_is_refused(tmp_path):
    text, other, newer = (tmp_path / name for name in ("text", "other", "newer"))
    text.write_text("not a database, and long enough to be read as a header of one, surely")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    DrawStore(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    before = {path: path.read_bytes() for path in (text, other, newer)}
    for path, what in ((text, "no SQLite file"), (other, "something else"), (newer, "version 9")):
        with pytest.raises(ArgumentError, match=f"store must be a store of draws.*{what}"):
            DrawStore(path)
        assert path.read_bytes() == before[path]
