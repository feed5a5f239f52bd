from tests.benchmarks import verify_edit


def test_a_few_pairs(capsys):
    verify_edit.main(n_cells=5, n_maps=10)
    printed = capsys.readouterr().out
    assert printed.count("5 pairs of cells equal networkx") == 3
    assert printed.count("10 pairs equal the best of all maps") == 3
