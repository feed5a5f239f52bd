from tests.benchmarks import bench_edit


def test_the_benchmark_of_edits_runs(capsys):
    bench_edit.main(n_cells=40, n_networks=0, n_checks=1, threads=1)
    printed = capsys.readouterr().out
    assert "x networkx" in printed
    assert "equal on 1 pairs" in printed
