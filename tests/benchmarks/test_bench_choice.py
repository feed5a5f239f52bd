import numpy as np
import pandas as pd
import pytest

from cgraph import spaces
from tests.benchmarks.bench_choice import main


def test_the_measurement_of_choices_runs(tmp_path, capsys):
    names = spaces.get("nasbench201").architectures()
    accuracy = np.random.default_rng(0).uniform(50, 90, len(names))
    pd.DataFrame({"arch": names, "accuracy": accuracy}).to_parquet(tmp_path / "table.parquet")
    result = main(
        [
            str(tmp_path / "table.parquet"),
            *("--columns", "accuracy"),
            *("--store", str(tmp_path / "draws.sqlite")),
            *("--methods", "kmeans"),
            *("--clusters", "3"),
            *("--seeds", "2"),
            *("--sample", "2"),
            *("--statistics", "regions"),
            *("--workers", "1"),
        ]
    )
    assert set(result["choice"]) == {"statistics", "most parameters", "random cluster"}
    assert len(result) == 2 * 3
    assert (result["regret"] >= 0).all()
    assert "2 clusterings" in capsys.readouterr().out


def test_it_runs_on_accuracies_that_come_with_a_space(tmp_path):
    pytest.importorskip("nas_bench_graph")
    result = main(
        [
            "published",
            *("--space", "nasbenchgraph", "--datasets", "proteins"),
            *("--store", str(tmp_path / "draws.sqlite")),
            *("--methods", "kmeans"),
            *("--clusters", "3"),
            *("--seeds", "1"),
            *("--sample", "1"),
            *("--statistics", "naswot-v2"),
            *("--workers", "1"),
        ]
    )
    assert set(result["data set"]) == {"proteins"}
    assert (result["regret"] >= 0).all()
