import numpy as np
import pandas as pd

from cgraph import spaces
from tests.benchmarks import bench_agreement


def test_the_measurement_of_agreement_runs(tmp_path, capsys):
    names = spaces.get("nasbench201").architectures()
    columns = dict.fromkeys(bench_agreement.COLUMNS, np.linspace(50, 90, len(names)))
    pd.DataFrame({"arch": names, **columns}).to_parquet(tmp_path / "accuracies.parquet")
    scores = {"index": range(len(names)), "naswot_v1": np.arange(len(names), dtype=float)}
    pd.DataFrame(scores).to_parquet(tmp_path / "scores.parquet")
    arguments = [
        str(tmp_path / "accuracies.parquet"),
        *("--store", str(tmp_path / "draws.sqlite")),
        *("--cells", "12"),
        *("--stages", "1"),
        *("--bootstrap", "20"),
    ]
    found = bench_agreement.main([*arguments, "--out", str(tmp_path)])
    assert set(found["protocol"]) == {
        "params@static",
        "layers@static",
        "macs@static",
        "regions@te-nas",
    }
    assert (found["n"] == 12).all()
    assert (tmp_path / "agreement.png").exists()
    again = bench_agreement.main(
        [*arguments, "--stored", "--scores", str(tmp_path / "scores.parquet")]
    )
    pd.testing.assert_frame_equal(again, found)
    assert "NASWOT v1" in capsys.readouterr().out


def test_agreement_with_the_authors_on_a_batch_of_two(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench_agreement, "OFFICIAL", "layers@static")
    space = spaces.get("nasbench201")
    cells = bench_agreement.drawn(space)[:12]
    sizes = space.sizes()["macs"].astype(float)
    accuracy = pd.Series(sizes, index=space.architectures())
    rows = bench_agreement.against_the_authors(
        space, cells, sizes, accuracy, tmp_path / "draws.sqlite", 20
    )
    assert len(rows) == 7
    assert "ours, crops" in capsys.readouterr().out
