import numpy as np
import pandas as pd
import pytest

from cgraph.clustering.cluster import cluster
from cgraph.distances.matrix import pairwise_distances
from cgraph.spaces import get


def test_a_space(run, tmp_path):
    path = tmp_path / "clusters.parquet"
    status, out, _ = run(
        "cluster", "nasbench201", "--clusters", "5", "--sample", "300", "--seed", "2", "--out", path
    )
    assert status == 0
    frame = pd.read_parquet(path)
    space = get("nasbench201")
    population = space.population("cell")[[space.index(name) for name in frame["name"]]]
    wanted = cluster(population, n_clusters=5, random_state=2)
    assert np.array_equal(frame["cluster"], wanted.labels)
    assert frame["is_medoid"].sum() == 5
    assert "300 programs by kmeans on hellinger: inertia" in out
    for medoid in wanted.medoids.tolist():
        assert population.names[medoid] in out


@pytest.mark.parametrize("condensed", [False, True])
def test_a_matrix_with_its_names(condensed, run, tmp_path):
    path = tmp_path / "edit.npy"
    options = ["--condensed"] if condensed else []
    run("distances", "nasbench201", "--metric", "edit", "--sample", "80", "--out", path, *options)
    csv = tmp_path / "clusters.csv"
    status, out, _ = run("cluster", path, "--method", "spectral", "--clusters", "3", "--out", csv)
    assert status == 0
    assert "80 programs by spectral on precomputed" in out
    frame = pd.read_csv(csv)
    space = get("nasbench201")
    chosen = [space.index(name) for name in frame["name"]]
    population = space.population("operations", boundary=True)[chosen]
    matrix = pairwise_distances(population, "edit")
    wanted = cluster(matrix, "spectral", 3, metric="precomputed")
    assert np.array_equal(frame["cluster"], wanted.labels)


def test_a_matrix_without_names(run, tmp_path):
    np.save(tmp_path / "d.npy", pairwise_distances([[4, 0], [0, 3], [3, 1], [0, 1]]))
    status, out, _ = run("cluster", tmp_path / "d.npy", "--clusters", "2")
    assert status == 0
    assert "4 programs by kmedoids on precomputed" in out


@pytest.mark.parametrize(
    ("options", "quoted"),
    [
        (["nasbench201", "--out", "c.txt"], "--out must end in .parquet or .csv"),
        (["nasbench201", "--out", "absent/c.csv"], "--out must be in a directory that is there"),
        (["absent.npy"], "MATRIX must be a file that is there"),
        (["d.npy", "--metric", "kl"], "--metric must be left out for a matrix of distances"),
        (["d.npy", "--method", "kmean"], "did you mean 'kmeans'"),
        (["d.npy", "--clusters", "2"], "a row for each of the 3 names in d.names.txt, got 4"),
        (["nasbench201", "--costs", "uniform"], "--costs must go with a metric of graphs"),
    ],
)
def test_errors(options, quoted, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("d.npy", pairwise_distances([[4, 0], [0, 3], [3, 1], [0, 1]]))
    (tmp_path / "d.names.txt").write_text("a\nb\nc\n")
    status, _, err = run("cluster", *options)
    assert status == 2
    assert quoted in err


def test_names_of_programs_are_no_markup(run, tmp_path):
    """A name may look like a code of the terminal, or like the end of what is bold."""
    np.save(tmp_path / "d.npy", np.ones((3, 3)) - np.eye(3))
    names = ("[/bold]a", "[link=x]b", "c\x1b[2J")
    (tmp_path / "d.names.txt").write_text("\n".join(names))
    status, out, _ = run("cluster", tmp_path / "d.npy", "--method", "kmedoids", "--clusters", "3")
    assert status == 0
    assert "[/bold]a" in out
    assert "[link=x]b" in out
    assert "\x1b[2J" not in out
