import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.hardware.measured import measured_column, read_measured

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def official():
    """What the official file holds, for three architectures."""
    metrics = {
        "edgegpu_latency": [5.8, 6.5, 7.0],
        "edgegpu_energy": [24.2, 29.9, 30.0],
        "raspi4_latency": np.array([10.5, 54.8, 60.0]),
        "edgetpu_latency": [0.96, -1.0, None],
        "eyeriss_arithmetic_intensity": [np.float64(6.3), np.float64(20.9), np.float64(1.0)],
        "config": [{"name": "infer.tiny", "C": 16}] * 3,
    }
    return {
        "nasbench201": dict.fromkeys(("cifar10", "cifar100", "ImageNet16-120"), metrics),
        "fbnet": {"cifar100": {}},
    }


def write(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_official_pickle_gives_the_table(tmp_path, protocol):
    table = read_measured(write(tmp_path / "HW-NAS-Bench-v1_0.pickle", official(), protocol))
    assert table.shape == (3, 15)
    assert table.index.name == "index"
    assert table["c10_edgegpu_latency_ms"].tolist() == [5.8, 6.5, 7.0]
    assert table["in16_edgegpu_energy_mj"].tolist() == [24.2, 29.9, 30.0]
    assert table["c100_eyeriss_arithmetic_intensity"].tolist() == [6.3, 20.9, 1.0]
    assert table["c10_edgetpu_latency_ms"].isna().tolist() == [False, True, True]


def test_a_pickle_of_numpy_1_is_read(tmp_path):
    path = tmp_path / "bench.pickle"
    content = pickle.dumps(official(), protocol=2)
    assert b"numpy._core.multiarray\n" in content
    path.write_bytes(content.replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n"))
    assert read_measured(path)["c10_raspi4_latency_ms"].tolist() == [10.5, 54.8, 60.0]


def test_a_table_is_read_as_it_was_written(tmp_path):
    table = read_measured(write(tmp_path / "bench.pickle", official()))
    table.reset_index().to_parquet(tmp_path / "bench.parquet")
    table.reset_index().to_csv(tmp_path / "bench.csv", index=False)
    for ending in ("parquet", "csv"):
        pd.testing.assert_frame_equal(read_measured(tmp_path / f"bench.{ending}"), table)


class Malice:
    def __reduce__(self):
        return os.getcwd, ()


def test_a_pickle_cannot_run_code(tmp_path):
    content = official()
    content["fbnet"] = Malice()
    path = write(tmp_path / "bench.pickle", content)
    with pytest.raises(ArgumentError, match=r"be a pickle of numbers, .*posix.getcwd"):
        read_measured(path)
    # Bytes in another encoding than numbers are written in: the name is allowed, the call is not.
    path.write_bytes(b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.")
    with pytest.raises(ArgumentError, match="not written in Latin-1"):
        read_measured(path)


def test_what_is_no_benchmark_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"be an existing file .*missing\.pickle"):
        read_measured(tmp_path / "missing.pickle")
    (tmp_path / "bench.txt").write_text("1")
    with pytest.raises(ArgumentError, match=r"end in one of \.pickle.*, got 'bench\.txt'"):
        read_measured(tmp_path / "bench.txt")
    (tmp_path / "broken.pickle").write_bytes(b"not a pickle")
    with pytest.raises(ArgumentError, match="be a pickle of numbers"):
        read_measured(tmp_path / "broken.pickle")
    with pytest.raises(ArgumentError, match="with 'nasbench201' in it"):
        read_measured(write(tmp_path / "other.pickle", [1, 2]))
    with pytest.raises(ArgumentError, match="with 'nasbench201' in it"):
        read_measured(write(tmp_path / "other.pickle", {"fbnet": {}}))
    uneven = official()
    uneven["nasbench201"]["cifar10"] = {"fpga_latency": [1.0]}
    with pytest.raises(ArgumentError, match=r"metrics of equal length, got lengths \[1, 3\]"):
        read_measured(write(tmp_path / "uneven.pickle", uneven))
    words = {"nasbench201": {"cifar10": {"fpga_latency": ["fast"]}}}
    with pytest.raises(ArgumentError, match=r"hold numbers, got .*cifar10 fpga_latency"):
        read_measured(write(tmp_path / "words.pickle", words))


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ArgumentError, match=r"hold a column 'index', got .*x, y"):
        read_measured(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("index,y\n1,2\n")
    with pytest.raises(ArgumentError, match=r"columns such as 'c10_raspi4_latency_ms'"):
        read_measured(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("index,c10_fpga_latency_ms\n1,2\n1,3\n")
    with pytest.raises(ArgumentError, match="index must name each architecture once, got 1 twice"):
        read_measured(tmp_path / "c.csv")
    (tmp_path / "d.parquet").write_text("nothing")
    with pytest.raises(ArgumentError, match=r"be a readable \.parquet table"):
        read_measured(tmp_path / "d.parquet")


def test_one_quantity_by_name():
    table = pd.DataFrame({"c10_raspi4_latency_ms": [1.0], "in16_fpga_energy_mj": [2.0]})
    assert measured_column(table, "raspi4").tolist() == [1.0]
    assert measured_column(table, "fpga", "energy", dataset="ImageNet16-120").tolist() == [2.0]
    with pytest.raises(UnknownNameError, match="device must be one of raspi4, got 'raspi'; did"):
        measured_column(table, "raspi")
    with pytest.raises(UnknownNameError, match="device must be one of fpga, got 'raspi4'"):
        measured_column(table, "raspi4", "energy")
    with pytest.raises(UnknownNameError, match=r"dataset must be one of cifar10, .* got 'c10'"):
        measured_column(table, "raspi4", dataset="c10")
    with pytest.raises(UnknownNameError, match=r"quantity must be one of latency, .* got 'speed'"):
        measured_column(table, "raspi4", "speed")


def test_the_whole_benchmark():
    path = SHARED / "nasbench201_hardware.parquet"
    if not path.is_file():
        pytest.skip("nasbench201_hardware.parquet absent")
    table = read_measured(path)
    assert table.shape == (15_625, 30)
    # Index 0 as HW-NAS-Bench's own page prints it.
    first = table.loc[0]
    np.testing.assert_allclose(first["c10_edgegpu_latency_ms"], 5.807418537139893, rtol=1e-6)
    np.testing.assert_allclose(first["c10_fpga_energy_mj"], 18.01072, rtol=1e-6)
    assert int(table["c10_edgetpu_latency_ms"].isna().sum()) == 4_699
