import joblib
import numpy as np
import pytest

from cgraph.distances import blocks, disk
from cgraph.distances.disk import save_distances
from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.matrix import pairwise_distances
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells

COUNTS = np.random.default_rng(0).integers(0, 3, (60, 3))
CELLS = Population(random_cells(40, seed=4))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "d.npy"


@pytest.mark.parametrize("condensed", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n_jobs", "tile"), [(1, 4096), (2, 17), (3, 11)])
def test_any_workers_and_tiles_give_the_same_bytes(n_jobs, tile, dtype, condensed, path):
    options = {"dtype": dtype, "condensed": condensed}
    for programs, metric, other in (
        (COUNTS, "jensen-shannon", None),
        (CELLS, "edit", None),
        (CELLS, "edit-upper", CELLS[:5]),
    ):
        if other is not None and condensed:
            continue
        wanted = pairwise_distances(programs, metric, other, dtype=dtype)
        if condensed:
            wanted = wanted[np.triu_indices(len(wanted), 1)]
        found = save_distances(path, programs, metric, other, n_jobs=n_jobs, tile=tile, **options)
        assert np.array_equal(found, wanted)
        assert np.load(path).dtype == dtype
        again = pairwise_distances(programs, metric, other, **options, progress=print)
        assert np.array_equal(again, wanted)
        for left in path.parent.iterdir():
            left.unlink()


def test_an_engine_of_joblib_is_used(path):
    with joblib.parallel_config("threading"):
        found = save_distances(path, COUNTS, "kl", n_jobs=2, tile=30)
    assert np.array_equal(found, pairwise_distances(COUNTS, "kl"))


class StoppedError(Exception):
    pass


def stop_after(n_tiles):
    calls = []

    def progress(done, total):
        calls.append((done, total))
        if len(calls) == n_tiles:
            raise StoppedError

    return progress


def save_cells(path, **options):
    return save_distances(path, CELLS, "edit", dtype=np.float32, n_jobs=1, tile=9, **options)


@pytest.fixture
def stopped(path, monkeypatch):
    """A job that was stopped after four tiles; which tiles are computed after that."""
    with pytest.raises(StoppedError):
        save_cells(path, progress=stop_after(4))
    computed = []

    def compute(plan, tiles, *arguments, **options):
        computed.extend(tiles)
        return blocks.compute(plan, tiles, *arguments, **options)

    monkeypatch.setattr(disk, "compute", compute)
    return computed


WANTED = pairwise_distances(CELLS, "edit", dtype=np.float32)
N_TILES = len(
    blocks.cut(
        disk.plan_distances(CELLS, "edit", None, np.dtype(np.float32), 1, "kernels", None, None), 9
    )
)


def test_a_stopped_job_goes_on(path, stopped):
    assert not path.exists()
    seen = []
    found = save_cells(path, progress=lambda done, total: seen.append((done, total)))
    assert np.array_equal(found, WANTED)
    assert len(stopped) == N_TILES - 4
    assert seen[-1][0] == seen[-1][1]
    assert sorted(p.name for p in path.parent.iterdir()) == ["d.npy", "d.npy.journal"]
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_a_finished_job_is_not_done_again(path, stopped):
    save_cells(path)
    stopped.clear()
    assert np.array_equal(save_cells(path), WANTED)
    assert stopped == []


def test_another_size_of_tiles_goes_on_with_the_first(path, stopped):
    found = save_distances(path, CELLS, "edit", dtype=np.float32, n_jobs=2, tile=3)
    assert np.array_equal(found, WANTED)
    assert len(stopped) == N_TILES - 4


def test_a_tile_that_is_not_as_it_was_written_is_computed_again(path, stopped):
    matrix = np.lib.format.open_memmap(path.with_name("d.npy.part"), "r+")
    matrix[0, 0] = 7
    matrix.flush()
    assert np.array_equal(save_cells(path), WANTED)
    assert len(stopped) == N_TILES - 3
    matrix = np.lib.format.open_memmap(path, "r+")
    matrix[-1, 0] = 7
    matrix.flush()
    stopped.clear()
    assert np.array_equal(save_cells(path), WANTED)
    assert len(stopped) == 1


def test_a_line_that_was_cut_off_counts_for_nothing(path, stopped):
    journal = path.with_name("d.npy.journal")
    journal.write_text(journal.read_text()[:-3])
    assert np.array_equal(save_cells(path), WANTED)
    assert len(stopped) == N_TILES - 3
    assert len(journal.read_text().splitlines()) == 1 + N_TILES


@pytest.mark.parametrize("kept", [0, 40, 2000])
def test_a_matrix_that_was_cut_off_is_written_again(kept, path, stopped):
    part = path.with_name("d.npy.part")
    part.write_bytes(part.read_bytes()[:kept])
    assert np.array_equal(save_cells(path), WANTED)
    assert np.array_equal(np.load(path), WANTED)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"population": CELLS[:30]}, "shape: .*40, 40.* and not .*30, 30"),
        ({"population": CELLS[::-1]}, "population"),
        ({"metric": "edit-lower"}, "metric: 'edit' and not 'edit-lower'"),
        ({"dtype": np.float64}, "dtype: 'float32' and not 'float64'"),
        ({"costs": EditCosts.uniform()}, list("costs")),
        ({"other": CELLS}, "other"),
        ({"condensed": True}, "shape"),
    ],
    ids=lambda change: next(iter(change)) if isinstance(change, dict) else "",
)
def test_another_job_is_refused(change, differs, path, stopped):
    before = path.with_name("d.npy.part").read_bytes()
    options = {"population": CELLS, "metric": "edit", "dtype": np.float32} | change
    with pytest.raises(ArgumentError, match=f"hold this job's matrix.*of another {differs}"):
        save_distances(path, **options)
    assert path.with_name("d.npy.part").read_bytes() == before


def test_files_of_nobody_knows_what_are_refused(path):
    np.save(path, WANTED)
    with pytest.raises(ArgumentError, match=r"path must be new.*d.npy without d.npy.journal"):
        save_cells(path)
    path.with_name("d.npy.journal").write_text("nothing\n")
    with pytest.raises(ArgumentError, match=r"d.npy.journal: no head"):
        save_cells(path)
    with pytest.raises(
        ArgumentError, match=r"path must lie in a directory that exists, got .*gone"
    ):
        save_cells(path.parent / "gone" / "d.npy")
    with pytest.raises(ArgumentError, match=r"tile must be a whole number, from 1 to .*, got 0"):
        save_distances(path, COUNTS, tile=0)
    with pytest.raises(ArgumentError, match=r"condensed must go without other.*, got True"):
        save_distances(path, COUNTS, other=COUNTS, condensed=True)


@pytest.mark.parametrize("n", [0, 1])
def test_no_pairs(n, path):
    assert save_distances(path, COUNTS[:n], condensed=True).shape == (0,)
    assert save_distances(path.with_name("e.npy"), COUNTS[:n]).shape == (n, n)


def test_costs_of_equal_tables_are_one_job(path, stopped):
    words = CELLS.vocabulary
    assert np.array_equal(save_cells(path, costs=EditCosts.heuristic(words)), WANTED)
    assert len(stopped) == N_TILES - 4
