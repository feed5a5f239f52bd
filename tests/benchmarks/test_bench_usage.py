from tests.benchmarks import bench_clustering, bench_usage


def test_distances_of_usage(capsys):
    bench_usage.main(["--edges", "3", "--peer", "50", "--rounds", "1"])
    shown = capsys.readouterr().out
    assert "125 rows of 5 categories, 35 distinct" in shown
    assert "table alone" in shown


def test_clustering(capsys):
    bench_clustering.main(["--edges", "3", "--clusters", "4"])
    shown = capsys.readouterr().out
    assert "125 programs, 35 distinct" in shown
    assert "largest angle" in shown
