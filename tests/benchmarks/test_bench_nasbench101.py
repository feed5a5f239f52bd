from tests.benchmarks import bench_nasbench101


def test_cells_of_nasbench101(capsys):
    bench_nasbench101.main(["--vertices", "4", "--peer", "4"])
    shown = capsys.readouterr().out
    assert "enumerated, 91 cells" in shown
    assert shown.count("91 distinct") == 2
