from tests.benchmarks import bench_own_space


def test_composed_is_traced():
    assert bench_own_space.compared(2) > 0
