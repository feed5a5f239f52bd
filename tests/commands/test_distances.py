import numpy as np
import pytest

from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.methods import DISTANCES
from cgraph.spaces import get


def test_the_list_has_every_method_with_its_properties(run):
    status, out, _ = run("distances", "--list")
    assert status == 0
    for method in DISTANCES.values():
        assert method.name in out
        assert method.cost in out
        assert method.source.split(",")[0] in out
    assert len([line for line in out.splitlines() if " yes " in line]) == len(DISTANCES)


def test_a_sample_is_written_with_its_names(run, tmp_path):
    path = tmp_path / "edit.npy"
    arguments = ["--metric", "edit", "--sample", "60", "--seed", "3", "--float32", "--out", path]
    status, out, _ = run("distances", "nasbench201", *arguments, "--workers", "1")
    assert status == 0
    assert "60 x 60 distances by edit, float32" in out
    names = path.with_name("edit.names.txt").read_text().splitlines()
    space = get("nasbench201")
    chosen = [space.index(name) for name in names]
    assert chosen == sorted(chosen)
    population = space.population("operations", boundary=True)[chosen]
    wanted = pairwise_distances(population, "edit", dtype=np.float32)
    assert np.array_equal(np.load(path), wanted)
    status, _, _ = run("distances", "nasbench201", *arguments)
    assert status == 0
    status, _, err = run("distances", "nasbench201", *arguments, "--costs", "uniform")
    assert status == 2
    assert "of another costs" in err


def test_usage_condensed(run, tmp_path):
    path = tmp_path / "d.npy"
    status, out, _ = run(
        "distances", "nasbench201", "--sample", "40", "--condensed", "--out", path,
        "--feature", "bigrams", "--part", "cell",
    )  # fmt: skip
    assert status == 0
    assert "780 distances by hellinger, float64" in out


@pytest.mark.parametrize(
    ("options", "quoted"),
    [
        ([], "SPACE and --out must be given, got neither"),
        (["nasbench201"], "SPACE and --out must be given, got one without the other"),
        (["nasbench21", "--out", "d.npy"], "did you mean 'nasbench201'"),
        (["nasbench201", "--metric", "edt", "--out", "d.npy"], "did you mean 'edit'"),
        (["nasbench201", "--part", "net", "--out", "d.npy"], "--part must be one of cell, network"),
        (["nasbench201", "--sample", "0", "--out", "d.npy"], "a number of graphs, 1 to 15625"),
        (["nasbench201", "--costs", "uniform", "--out", "d.npy"], "--metric hellinger"),
        (["nasbench201", "--out", "absent/d.npy"], "path must lie in a directory that exists"),
        (["nasbench201", "--weigh-by", "mac", "--out", "d.npy"], "did you mean 'macs'"),
    ],
)
def test_errors(options, quoted, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("distances", *options)
    assert status == 2
    assert quoted in err
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_says_how_to_go_on(run, tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("cgraph.distances.disk.compute", stop)
    status, _, err = run("distances", "nasbench201", "--sample", "9", "--out", tmp_path / "d.npy")
    assert status == 130
    assert "The same command goes on" in err
