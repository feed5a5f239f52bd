"""Attacks by what `read_export`, `read_graph` and the readers of tables take."""

import io
import json
import pickle
import resource
import sqlite3
import struct
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from cgraph.errors import CGraphError
from cgraph.export import read_export, read_graph
from cgraph.export.graph_files import render
from cgraph.graphs.kernel import KernelGraph
from cgraph.spaces.tables import read_table
from cgraph.statistics.store import DrawStore
from tests.attacks import pickled

GRAPH = KernelGraph(["relu", "add"], [(0, 1)])


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def refused(call):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CGraphError) as error:
        call()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB
    return "; ".join([str(error.value), *getattr(error.value, "__notes__", ())])


@pytest.mark.parametrize("malice", [pickled.Runs, pickled.Evaluates])
@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: ({"x": bad}, None, int)])
def test_nothing_of_a_data_set_runs(wrap, is_old, malice, tmp_path):
    mark, path = tmp_path / "it ran", tmp_path / "data_set.pt"
    options = {"_use_new_zipfile_serialization": not is_old}
    path.write_bytes(saved(wrap(malice(mark)), **options))
    for read in (read_export, read_graph):
        assert str(path) in refused(lambda read=read: read(path))
    path.write_bytes(pickle.dumps(malice(mark)))
    for read in (read_export, read_graph):
        assert str(path) in refused(lambda read=read: read(path))
    assert not mark.exists()


@pytest.mark.parametrize(
    "fields", [{"_store": {}}, {"__class__": 1}, {"x": torch.ones(1), "evil": 2}, {"x": None}]
)
def test_fields_that_mean_something_else_are_refused(fields, tmp_path):
    path = tmp_path / "data_set.pt"
    path.write_bytes(saved((fields, None, 1)))
    refused(lambda: read_export(path))
    path.write_bytes(saved(fields))
    refused(lambda: read_graph(path))


def test_a_tensor_is_no_larger_than_its_elements(tmp_path):
    content = saved({"x": torch.ones(3)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in members if name.endswith("data.pkl"))
    sizes = b"K\x03\x85"
    assert sizes in members[name]
    path = tmp_path / "data_set.pt"
    for larger in (b"J\xff\xff\xff\x7f\x85", b"K\x04\x85", b"J\xff\xff\xff\xff\x85"):
        changed = members[name].replace(sizes, larger)
        with zipfile.ZipFile(path, "w") as archive:
            for member, inner in (members | {name: changed}).items():
                archive.writestr(member, inner)
        refused(lambda: read_graph(path))


@pytest.mark.parametrize(
    "file", ["../outside.json", "/outside.json", "inner/../../outside.json", "link.json"]
)
def test_an_index_names_its_own_files(file, tmp_path):
    folder = tmp_path / "graphs"
    folder.mkdir()
    (tmp_path / "outside.json").write_bytes(render(GRAPH, "json"))
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    (folder / "own.json").write_bytes(render(GRAPH, "json"))
    (folder / "index.csv").write_text("file,architecture\nown.json,a\n")
    assert read_export(folder) == {"a": GRAPH}
    (folder / "index.csv").write_text(f"file,architecture\n{file},a\n")
    assert "names its own files" in refused(lambda: read_export(folder))


def header(shape, descr="<f8"):
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "head",
    [header((10**12,)), header((10**9, 10**9)), header((-1,)), header((0, 10**30)),
     header((1,), "|O"), header((1,), [("a", "<f8")]), header((1,), "<f8")[:40]],
)  # fmt: skip
def test_a_header_claims_no_more_than_there_is(head, tmp_path):
    path = tmp_path / "tensors.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("indices.npy", head + bytes(8))
    assert str(path) in refused(lambda: read_export(path))


def test_a_packed_archive_unpacks_to_no_more_than_it_may(tmp_path):
    path = tmp_path / "tensors.npz"
    np.savez_compressed(path, indices=np.zeros(40 << 20, np.uint8))
    assert path.stat().st_size < 100_000
    assert "in an archive of" in refused(lambda: read_export(path))


def test_parquet_claims_no_more_cells_than_it_may(tmp_path):
    path = tmp_path / "architectures.parquet"
    rows = pa.table({"name": pa.DictionaryArray.from_arrays(np.zeros(1_000_000, np.int32), ["a"])})
    with pq.ParquetWriter(path, rows.schema) as writer:
        for _ in range(300):
            writer.write_table(rows)
    assert path.stat().st_size < 1_000_000
    for read in (read_export, read_table):
        assert "300,000,000 cells" in refused(lambda read=read: read(path))


def test_many_rows_of_one_value_are_no_attack(tmp_path):
    path = tmp_path / "architectures.parquet"
    pd.DataFrame({"accuracy": np.zeros(1_000_000)}).to_parquet(path)
    assert len(read_table(path)) == 1_000_000


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, '{"format": "cgraph.kernel-graph", "version": '
     + "9" * 5_000 + "}", '"' + "\ud800".encode("utf-8", "surrogatepass").decode("latin1") + '"'],
    ids=range(5),
)  # fmt: skip
def test_json_that_python_cannot_take(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    for read in (read_export, read_graph, read_table):
        assert "a.json" in refused(lambda read=read: read(path))


LAUGHS = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 12))
XML = {
    "entities that double": f'<!DOCTYPE g [<!ENTITY e0 "ha">{LAUGHS}]><graphml>&e11;</graphml>',
    "entity of a file": '<!DOCTYPE g [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    "<graphml>&e;</graphml>",
    "nested deep": "<graphml>" + "<graph>" * 100_000,
}


@pytest.mark.parametrize("ending", ["graphml", "gexf"])
@pytest.mark.parametrize("name", XML)
def test_xml_expands_to_nothing(name, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_text('<?xml version="1.0"?>' + XML[name])
    message = refused(lambda: read_graph(path))
    assert "root:" not in message


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW draws AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "
        "SELECT 'a' program, 'b' protocol, 'c' inputs, 0 seed, 0 draw, n value, NULL reason, '' "
        "note, '{}' parameters, 0 seconds FROM t",
        "CREATE TABLE draws (program TEXT, extra AS (zeroblob(1000000000)))",
        "CREATE TABLE draws (program TEXT)",
    ],
)
def test_a_store_is_a_table_of_its_own_form(statement, tmp_path):
    path = tmp_path / "draws.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert str(path) in refused(lambda: DrawStore(path))


def test_a_trigger_is_refused(tmp_path):
    path = tmp_path / "draws.sqlite"
    DrawStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON draws BEGIN DELETE FROM draws; END")
    connection.close()
    assert "another form" in refused(lambda: DrawStore(path))


def test_a_start_point_of_a_stranger_imports_nothing(tmp_path, monkeypatch):
    mark = tmp_path / "it ran"
    (tmp_path / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    start = {"format": "cgraph.start-points", "version": 1, "space": "evil.py", "options": {}}
    start |= {"choices": {"a": [1]}, "enqueue_trial": [{"a": 1}], "architectures": ["a"]}
    path = tmp_path / "optuna.json"
    path.write_text(json.dumps(start))
    found = read_export(path)
    refused(lambda: found.architecture({"a": 1}))
    assert not mark.exists()
