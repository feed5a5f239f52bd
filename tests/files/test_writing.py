"""Files are whole or not there."""

import errno
import os

import pytest

from cgraph.errors import CGraphError, WriteError
from cgraph.files.writing import is_leftover, remove_leftovers, whole_file

DEAD = 2**22 + 1  # above the largest number that Linux gives a process


def test_a_file_is_whole_or_as_it_was(tmp_path):
    place = tmp_path / "table.csv"
    place.write_text("before")
    stopped = whole_file(place)
    stopped.__enter__().write_text("half")
    assert not stopped.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert place.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    with whole_file(place) as part:
        assert part.suffix == ".csv"
        part.write_text("after")
        assert place.read_text() == "before"
    assert place.read_text() == "after"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_system_says_is_one_sentence(tmp_path, code):
    with pytest.raises(WriteError) as caught, whole_file(tmp_path / "a.csv"):
        raise OSError(code, os.strerror(code))
    assert isinstance(caught.value, CGraphError)
    assert str(caught.value) == (
        f"'{tmp_path / 'a.csv'}' cannot be written: {os.strerror(code)}; what was there is "
        "unchanged, and the same call goes on once it can"
    )


def test_a_directory_that_is_gone(tmp_path):
    with (
        pytest.raises(WriteError, match="No such file or directory"),
        whole_file(tmp_path / "gone" / "a.csv") as part,
    ):
        part.write_text("")


def test_leftovers_of_runs_that_ended_are_taken_away(tmp_path):
    ours, theirs = f".a.csv.{DEAD}-0.part.csv", f".a.csv.{os.getppid()}-3.part.csv"
    for name in (ours, theirs, ".hidden", "a.part", ".part"):
        (tmp_path / name).touch()
    assert is_leftover(ours)
    remove_leftovers(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [theirs, ".hidden", "a.part", ".part"]
    )
