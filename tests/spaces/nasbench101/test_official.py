import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.errors import ArgumentError
from cgraph.spaces.nasbench101 import cells, channels, hashing, official, table, tfrecord, wire
from tests.spaces.nasbench101 import writing

INDICES = [423_623, 0, 20, 3000, 200_000]


def row_of(index, run, epochs=108, **changes):
    """A row as the benchmark writes it, with accuracies that tell runs apart."""
    cell = table.cell(index)
    names = [cells.OFFICIAL_OPERATIONS[k] for k in cell.operations]
    base = index / 1e6 + run / 100
    evaluations = [
        writing.evaluation(step, step * 10.0, base + step / 10, base, base + 0.001 + step / 1000)
        for step in range(3)
    ]
    sizes = channels.network_sizes(np.array([cells.encode(cell)]))
    fields = {
        "module_hash": hashing.module_hash(cell),
        "epochs": epochs,
        "adjacency": "".join(map(str, cell.matrix.ravel())),
        "operations": ",".join(["input", *names, "output"]),
        "data": writing.metrics(evaluations, int(sizes["n_parameters"][0])),
    }
    return writing.row(**(fields | changes))


def write(path, rows):
    path.write_bytes(b"".join(map(writing.record, rows)))
    return path


@pytest.fixture
def full(tmp_path):
    """Three runs of each cell at two lengths, runs and lengths mixed up."""
    rows = [row_of(i, run, epochs) for run in range(3) for i in INDICES for epochs in (36, 108)]
    return write(tmp_path / "nasbench_full.tfrecord", rows)


def test_the_test_writer_knows_the_published_checksum():
    assert writing.crc32c(b"123456789") == 0xE3069283
    assert writing.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


@given(st.lists(st.binary(max_size=80), max_size=5))
@settings(max_examples=30)
def test_records_come_back(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("records") / "x.tfrecord", rows)
    found = list(tfrecord.read_records(path))
    assert [data for _, data in found] == rows
    content = path.read_bytes()
    for offset, data in found:
        assert content[offset : offset + 16 + len(data)] == writing.record(data)


def test_records_are_read_one_at_a_time(tmp_path):
    path = write(tmp_path / "x.tfrecord", [b"first"])
    with path.open("ab") as file:
        file.write(b"garbage behind it")
    records = tfrecord.read_records(path)
    assert next(records) == (0, b"first")
    with pytest.raises(ArgumentError, match="record 1 at byte 21"):
        next(records)


@pytest.mark.parametrize("cut", [1, 4, 5, 30, 90])
def test_a_truncated_file_is_refused(tmp_path, cut):
    path = write(tmp_path / "x.tfrecord", [b"a" * 50, b"b" * 50])
    path.write_bytes(path.read_bytes()[:-cut])
    where = "record 1 at byte 66" if cut < 66 else "record 0 at byte 0"
    with pytest.raises(ArgumentError, match=rf"x\.tfrecord' with an end in the middle in {where}"):
        list(tfrecord.read_records(path))


@given(st.integers(0, 131), st.integers(1, 255))
def test_every_changed_byte_is_found(tmp_path_factory, place, change):
    path = write(tmp_path_factory.mktemp("records") / "x.tfrecord", [b"a" * 50, b"b" * 50])
    content = bytearray(path.read_bytes())
    content[place] ^= change
    path.write_bytes(content)
    part = "length" if place % 66 < 12 else "data"
    where = f"record {place // 66} at byte {place // 66 * 66}"
    with pytest.raises(ArgumentError, match=f"a wrong checksum of the {part} in {where}"):
        list(tfrecord.read_records(path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArgumentError, match=r"existing TFRecord file, got .*none\.tfrecord"):
        list(tfrecord.read_records(tmp_path / "none.tfrecord"))


values = st.floats(allow_nan=False)


@given(
    st.lists(st.tuples(values, values, values, values, values), max_size=4),
    st.integers(0, 2**31 - 1),
    values,
    st.binary(max_size=200),
)
def test_metrics_come_back(evaluations, n_parameters, seconds, path):
    data = [writing.evaluation(*row, path=path) for row in evaluations]
    found = wire.decode_metrics(writing.metrics(data, n_parameters, seconds))
    assert found == wire.Metrics(
        tuple(wire.Evaluation(*row) for row in evaluations), n_parameters, seconds
    )


def test_unknown_fields_are_passed_over():
    data = (
        writing.nested(9, b"later")
        + writing.varint(8 << 3 | 5) + b"abcd"
        + writing.varint(7 << 3) + writing.varint(2**63)
        + writing.metrics([writing.nested(6, b"path") + writing.double(4, 0.5)], 3)
    )  # fmt: skip
    assert wire.decode_metrics(data) == wire.Metrics((wire.Evaluation(0, 0, 0, 0.5, 0),), 3, 1.0)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x0a\x05abc", "behind its message at byte 0"),
        (b"\x19abc", "behind its message at byte 0"),
        (b"\x10" + b"\xff" * 11, "a number without an end at byte 1"),
        (b"\x10", "a number without an end at byte 1"),
        (b"\x0b", "unknown type 3 at byte 0"),
        (b"\x10\x01\x0f", "unknown type 7 at byte 2"),
        (b"\x08\x01", "another type in field 1"),
        (writing.double(2, 1.0), "another type in field 2"),
        (writing.nested(1, b"\x20\x01"), "another type in field 4"),
        (writing.nested(1, b"\x21abc") + bytes(8), "behind its message at byte 2"),
    ],
)
def test_what_is_no_message_is_refused(data, problem):
    with pytest.raises(wire.WireError, match=problem):
        wire.decode_metrics(data)


@given(st.binary(max_size=60))
def test_garbage_is_a_message_or_refused(data):
    try:
        wire.decode_metrics(data)
    except wire.WireError:
        return


def test_runs_come_back_in_order(full):
    runs = list(official.read_runs(full))
    assert len(runs) == 30
    assert [run.epochs for run in runs[:4]] == [36, 108, 36, 108]
    assert runs[2].module_hash == hashing.module_hash(table.cell(0))
    assert runs[2].metrics.evaluations[2].test_accuracy == 0.001 + 2 / 1000
    assert runs[2].metrics.evaluations[1].training_seconds == 10.0


def test_runs_are_joined_to_the_cells(full):
    frame = official.official_runs(full)
    assert frame["index"].tolist() == sorted(INDICES * 3)
    assert frame["run"].tolist() == [0, 1, 2] * 5
    assert set(frame["epochs"]) == {108}
    expected = frame["index"] / 1e6 + frame["run"] / 100
    assert np.allclose(frame["validation_accuracy"], expected, rtol=1e-15)
    assert np.allclose(frame["test_accuracy"], expected + 0.001 + 0.002, rtol=1e-12)
    assert np.allclose(frame["train_accuracy"], expected + 0.2, rtol=1e-12)
    assert set(frame["training_seconds"]) == {20.0}
    codes = table.codes()[frame["index"]]
    assert (frame["n_parameters"] == channels.network_sizes(codes)["n_parameters"]).all()


def test_all_lengths_are_kept_where_asked(full):
    frame = official.official_runs(full, epochs=None)
    assert len(frame) == 30
    assert frame["epochs"].tolist()[:6] == [36] * 3 + [108] * 3
    with pytest.raises(ArgumentError, match=r"epochs must be one of 4, 12, 36, 108, got 5"):
        official.official_runs(full, epochs=5)
    with pytest.raises(ArgumentError, match=r"hold runs of 12 epochs"):
        official.official_runs(full, epochs=12)


def test_any_numbering_of_the_vertices_is_the_same_cell(tmp_path):
    from tests import naive

    index = 200_000
    rows = []
    for cell in naive.nasbench101_renumberings(table.cell(index)):
        names = [cells.OFFICIAL_OPERATIONS[k] for k in cell.operations]
        changes = {
            "adjacency": "".join(map(str, cell.matrix.ravel())),
            "operations": ",".join(["input", *names, "output"]),
        }
        rows.append(row_of(index, 0, **changes))
    assert len(rows) > 1
    for row in rows:
        path = write(tmp_path / "x.tfrecord", [row])
        assert official.official_runs(path)["index"].tolist() == [index]


WRONG = {
    "not-json": (b"\xff\xfe", "record 0 at byte 0"),
    "not-a-list": (json.dumps({"hash": 1}).encode(), "something else than a hash"),
    "too-short": (json.dumps(["a", 108, "0100"]).encode(), "something else than a hash"),
    "types": (json.dumps(["a", "108", "0100", "", ""]).encode(), "something else than a hash"),
    "not-base64": (json.dumps(["a", 108, "0100", "input,output", "?"]).encode(), "not base64"),
    "not-metrics": (json.dumps(["a", 108, "0100", "i", "CwAA"]).encode(), "unknown type 3"),
    "two-evaluations": (
        row_of(3, 0, data=writing.metrics([writing.evaluation(0.0)] * 2, 1)),
        "2 evaluations where 3",
    ),
    "operation": (
        row_of(3, 0, operations="input,conv9x9,output"),
        "record 0; operations must .*'conv9x9'",
    ),
    "no-output": (row_of(3, 0, operations="conv3x3"), "go from input to output"),
    "matrix": (row_of(3, 0, adjacency="010001001"), "upper triangular"),
    "other-matrix": (row_of(3, 0, adjacency="011001000"), "for a cell whose hash is"),
    "size": (row_of(3, 0, adjacency="0100"), "3 of them"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "problem"), WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_explained(tmp_path, row, problem):
    path = write(tmp_path / "x.tfrecord", [row])
    with pytest.raises(ArgumentError, match=rf"(?s)x\.tfrecord.*{problem}"):
        official.official_runs(path)


def test_runs_of_one_cell_have_to_agree(tmp_path):
    evaluations = [writing.evaluation(0.0)] * 3
    rows = [row_of(3, 0), row_of(3, 1, data=writing.metrics(evaluations, 17))]
    with pytest.raises(ArgumentError, match=r"one number of parameters .* in record 1"):
        official.official_runs(write(tmp_path / "x.tfrecord", rows))


def test_an_empty_file_holds_no_runs(tmp_path):
    with pytest.raises(ArgumentError, match=r"hold runs of 108 epochs"):
        official.official_runs(write(tmp_path / "x.tfrecord", []))
