from tests.benchmarks import bench_capture


def test_capture(capsys):
    bench_capture.main(["--skeleton", "thin", "--rounds", "1", "--layers", "0", "--no-peers"])
    shown = capsys.readouterr().out
    assert "kernels, 1 rounds" in shown
    assert "capture, again / plain forward, meta" in shown
