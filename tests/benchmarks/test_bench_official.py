from tests.benchmarks import bench_official


def test_reading_a_file_of_nasbench201(capsys):
    bench_official.main(["--architectures", "2"])
    assert "times as fast" in capsys.readouterr().out
