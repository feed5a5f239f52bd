"""`cgraph audit`: a table, and JSON."""

import json

MODEL = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.spare = nn.Linear(16, 4), nn.Linear(16, 8)

    def forward(self, x):
        return self.body(x)
"""


def test_findings_are_listed(run, tmp_path):
    (tmp_path / "nets.py").write_text(MODEL)
    asked = ("audit", f"{tmp_path}/nets.py:Net", "--input", "2,16")
    status, out, _ = run(*asked)
    assert status == 0
    words = " ".join(out.split())
    assert "136 parameters never read (2 tensors)" in words
    assert "1 finding of waste." in words
    status, out, _ = run(*asked, "--json")
    first = json.loads(out)[0]
    assert (first["kind"], first["scope"], first["bytes"]) == ("unread parameters", "spare", 544)
    assert first["memories"] == ["spare.weight", "spare.bias"]


def test_an_architecture_is_audited_with_what_is_dead_in_it(run):
    # Its middle nodes are reached from zeros alone.
    status, out, _ = run("audit", "nasbench201:0", "--part", "cell")
    assert status == 0
    assert "waste" in out or "Nothing" in out
