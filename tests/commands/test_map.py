"""`cgraph map` and `cgraph nearest`: models side by side, and the relatives of one."""

import json
import re

import pandas as pd
from typer.testing import CliRunner

from cgraph.cli import app

NETS = """
from torch import nn
def narrow(): return nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
def wide(): return nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
def other(): return nn.Sequential(nn.Linear(8, 4), nn.Sigmoid(), nn.LayerNorm(4))
def broken(): raise RuntimeError("</script> never")
"""


def test_models_are_mapped_and_one_is_placed(tmp_path):
    nets = tmp_path / "map_nets.py"
    nets.write_text(NETS)
    names = [f"{nets}:{name}" for name in ("narrow", "wide", "other", "broken")]
    at = tmp_path / "map"
    done = CliRunner().invoke(app, ["map", *names, "--input", "1,8", "--out", str(at)])
    assert done.exit_code == 0, done.output
    table = pd.read_parquet(at / "models.parquet")
    assert table["name"].tolist() == names[:3]
    assert table["parameters"].tolist() == [46, 706, 44]
    assert table["nearest"].iloc[0][0] == names[1]
    assert table["nearest_distance"].iloc[0][0] == 0
    assert pd.read_parquet(at / "failures.parquet")["name"].tolist() == names[3:]
    page = (at / "index.html").read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [model["name"] for model in data["models"]] == names[:3]
    assert "&lt;/script&gt; never" in page
    assert "http://" not in page
    assert "https://" not in page
    assert (at / "map.svg").stat().st_size
    command = ["nearest", names[2], "--input", "1,8", "--in", str(at), "--limit", "2"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0].startswith("0.000")
