"""Broken files at every reader: a value or words, in little time and memory."""

import pytest

from tests.fuzz.mutations import broken
from tests.fuzz.outcomes import CASES, Outcomes
from tests.fuzz.readers import READERS


def test_names_of_readers_are_told_apart():
    assert len({reader.name for reader in READERS}) == len(READERS)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name.replace(" ", "-"))
def test_broken_files_end_in_words(reader, tmp_path, record_property):
    path = tmp_path / reader.file
    reader.write(path)
    whole = path.read_bytes()
    beside = {other: other.read_bytes() for other in tmp_path.iterdir()}
    reader.read(path)  # what is whole is read
    outcomes = Outcomes(reader.name)
    for k in range(max(int(CASES * reader.share), 10)):
        for other in tmp_path.iterdir():
            if other not in beside:
                other.unlink()
        for other, content in beside.items():
            other.write_bytes(content)
        path.write_bytes(broken(whole, reader.name, k))
        outcomes.attempt(lambda: reader.read(path), f"case {k}")
    outcomes.check(record_property)
