from tests.benchmarks import bench_scale


def test_scale(capsys):
    bench_scale.main(["--sizes", "100", "200"])
    shown = capsys.readouterr().out.splitlines()
    assert "ratios" in shown[0]
    assert [line.split("  ")[0] for line in shown[-2:]] == ["from_adjacency_tensor", "certificate"]
