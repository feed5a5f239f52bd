import hashlib

import numpy as np
import pytest
from hypothesis import given

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces.nasbench101 import cells, enumeration, hashing, notation, table
from tests import naive
from tests.strategies import nasbench101_cells


def test_there_are_423624_cells():
    codes = table.codes()
    assert len(codes) == table.N_ARCHITECTURES == 423624
    assert (np.diff(codes.astype(np.int64)) > 0).all()
    assert np.bincount(codes >> 29).tolist() == [0, 0, 1, 6, 84, 2441, 62010, 359082]
    # Their hashes are all different too: benchmarks/bench_nasbench101.py makes all of them.


def test_the_order_is_fixed():
    digest = hashlib.sha256(table.codes().astype("<u4").tobytes()).hexdigest()
    assert digest == "3b080686d7bd49245e9dd3c4bdfc55bd7e8752614e71b0e0b135d0768565f3c7"


def test_enumeration_is_that_of_the_benchmarks_script():
    expected = [cells.encode(cell) for cell in naive.nasbench101_cells(5)]
    assert enumeration.enumerate_codes(5).tolist() == expected


def test_fewer_edges_leave_some_cells_out():
    codes = enumeration.enumerate_codes(5, 6)
    kept = [c for c in enumeration.enumerate_codes(5).tolist() if cells.decode(c).n_edges <= 6]
    assert codes.tolist() == kept


@pytest.mark.parametrize(("vertices", "edges"), [(1, 9), (8, 9), (7, 0)])
def test_only_the_space_is_enumerated(vertices, edges):
    with pytest.raises(ArgumentError, match=rf"got {8 if vertices == 8 else min(vertices, edges)}"):
        enumeration.enumerate_codes(vertices, edges)


@given(nasbench101_cells())
def test_numbering_the_vertices_anew_gives_the_same_cell(cell):
    codes = [cells.encode(other) for other in naive.nasbench101_renumberings(cell)]
    canonical = enumeration.canonical_codes(np.array(codes))
    assert set(canonical.tolist()) == {min(codes)}
    place = table.index_of(cell)
    assert table.codes()[place] == min(codes)
    assert len({hashing.module_hash(cells.decode(code)) for code in codes}) == 1


def test_strings_are_those_of_the_cells():
    strings = table.strings()
    assert len(set(strings)) == 423624
    for i in np.random.default_rng(0).integers(423624, size=300).tolist():
        assert strings[i] == notation.format_cell(table.cell(i))
        assert table.index_of(notation.parse(strings[i])) == i


def test_hashes_are_those_of_the_definition():
    codes = np.random.default_rng(1).choice(table.codes(), size=500)
    fast = hashing.module_hashes(codes)
    slow = [hashing.module_hash(cells.decode(code)) for code in codes]
    assert [row.tobytes().hex() for row in fast] == slow


def test_hashes_are_the_published_ones(sample, sample_codes):
    rows = hashing.module_hashes(sample_codes)
    assert [row.tobytes().hex() for row in rows] == sample["module_hash"].tolist()
    assert (rows == hashing.hash_bytes(sample["module_hash"])).all()


def test_published_matrices_are_the_ones_that_are_enumerated(sample_codes):
    assert (table.codes()[table.indices(sample_codes)] == sample_codes).all()


@pytest.fixture
def small():
    codes = enumeration.enumerate_codes(4)
    return codes, hashing.module_hashes(codes)


def test_a_file_of_cells_gives_the_hashes_back(tmp_path, small):
    codes, hashes = small
    path = tmp_path / "deep" / "cells.npz"
    table.write_cells(path, codes, hashes)
    assert (table.read_cells(path, codes) == hashes).all()
    assert list(path.parent.iterdir()) == [path]  # nothing half-written is left


def test_a_failed_write_leaves_nothing(tmp_path, small, monkeypatch):
    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        table.write_cells(tmp_path / "cells.npz", *small)
    assert list(tmp_path.iterdir()) == []


def damage(kind, path, codes, hashes):
    content = path.read_bytes()
    match kind:
        case "truncated":
            path.write_bytes(content[:-40])
        case "garbage":
            path.write_bytes(b"no archive at all")
        case "empty":
            path.write_bytes(b"")
        case "flipped":
            place = content.index(hashes[5].tobytes())
            path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
        case "others":
            table.write_cells(path, codes[:-1], hashes[:-1])
        case "wrong":
            table.write_cells(path, codes, hashes[::-1].copy())
        case "shape":
            table.write_cells(path, codes, hashes[:, :8])
        case "pickle":
            np.savez(path, codes=codes, hashes=np.array([{}], dtype=object))
        case "missing":
            np.savez(path, codes=codes)


@pytest.mark.parametrize(
    "kind",
    ["truncated", "garbage", "empty", "flipped", "others", "wrong", "shape", "pickle", "missing"],
)
def test_a_damaged_file_is_refused(tmp_path, small, kind):
    path = tmp_path / "cells.npz"
    table.write_cells(path, *small)
    damage(kind, path, *small)
    with pytest.raises(ArgumentError, match=r"cells\.npz.*; delete it"):
        table.read_cells(path, small[0])


def test_hashes_are_made_once_and_kept(tmp_path, small, monkeypatch):
    codes, hashes = small
    monkeypatch.setattr(table, "codes", lambda: codes)
    path = tmp_path / "cells.npz"
    texts = [row.tobytes().hex() for row in hashes[::-1]]
    assert table.indices_of_hashes(texts, path).tolist() == list(range(len(codes)))[::-1]
    monkeypatch.setattr(table, "module_hashes", None)
    assert (table.hashes(path) == hashes).all()


def test_the_default_file_is_in_the_cache_of_the_user(tmp_path, small, monkeypatch):
    monkeypatch.setattr(table, "codes", lambda: small[0])
    monkeypatch.setattr(table, "user_cache_path", lambda name: tmp_path / name)
    table.hashes()
    assert (tmp_path / "cgraph" / table.CACHE_NAME).is_file()


@pytest.mark.parametrize(
    ("texts", "quoted"),
    [
        (["00" * 16], "number 0.*'0000"),
        (["xy" * 16], "hexadecimal digits .number 0.*'xyxy"),
        (["00" * 15], "number 0"),
        ([None], "number 0.*None"),
    ],
)
def test_a_bad_hash_is_explained(small, texts, quoted):
    with pytest.raises(ArchitectureError, match=quoted):
        table.find_rows(hashing.hash_bytes(texts), small[1])
