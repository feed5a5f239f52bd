"""A study that is killed, or whose disk fails, at any write goes on to the same bytes."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch import nn

from cgraph import Study, evaluate
from cgraph.errors import StudyError, WriteError
from cgraph.spaces import TracedSpace
from cgraph.statistics.values import Reason
from cgraph.study import directory as files

TABLES = ("architectures.parquet", "statistics.parquet", "clusters.parquet", "study.json")


class Words(TracedSpace):
    name, summary, source = "words", "layers of three kinds", "a test"
    input_shapes = {"full": (4,)}  # noqa: RUF012

    def architectures(self):
        return ("a", "ab", "b", "abb", "aab")

    def build(self, arch, skeleton):  # noqa: ARG002
        kinds = {"a": nn.ReLU, "b": nn.Tanh}
        return nn.Sequential(nn.Linear(4, 4), *[kinds[letter]() for letter in arch])


def study():
    return Study(Words(), n_clusters=2, statistics=("naswot-v2",), n_sampled=2, n_draws=1)


def contents(directory):
    return {name: (directory / name).read_bytes() for name in TABLES}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole") / "study"
    study().run(directory)
    return contents(directory)


class Killed(BaseException):
    """As a signal that cannot be handled: nothing is cleaned up after it."""


def failing(monkeypatch, at, error):
    """Let the `at`-th file that gets its name fail."""
    seen = []
    replace, unlink = Path.replace, Path.unlink

    def counted(self, target):
        seen.append(self)
        if len(seen) == at + 1:
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", counted)
    if isinstance(error, Killed):
        monkeypatch.setattr(
            Path,
            "unlink",
            lambda self, **options: None if ".part" in self.name else unlink(self, **options),
        )
    return seen


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 6])
def test_killed_at_a_write(at, expected, tmp_path, monkeypatch):
    directory = tmp_path / "study"
    with monkeypatch.context() as patched:
        failing(patched, at, Killed())
        with pytest.raises(Killed):
            study().run(directory)
    (left,) = [path for path in directory.rglob("*") if files.is_leftover(path.name)]
    study().run(directory)
    assert contents(directory) == expected
    assert not left.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("at", [0, 2])
def test_a_disk_that_fails_is_one_sentence(at, code, expected, tmp_path, monkeypatch):
    directory = tmp_path / "study"
    with monkeypatch.context() as patched:
        failing(patched, at, OSError(code, os.strerror(code)))
        with pytest.raises(WriteError, match=os.strerror(code)):
            study().run(directory)
    study().run(directory)
    assert contents(directory) == expected


def test_a_second_process_is_told(tmp_path):
    directory = tmp_path / "study"
    with files.held(directory), pytest.raises(StudyError, match="written by another process"):
        study().run(directory)
    study().run(directory)


def test_a_store_that_is_damaged_is_set_aside_and_read_as_far_as_it_goes(tmp_path, expected):
    directory = tmp_path / "study"
    study().run(directory)
    store = directory / files.DRAWS
    whole = store.read_bytes()
    store.write_bytes(whole[: len(whole) // 2])
    (directory / "statistics.parquet").unlink()
    with pytest.warns(UserWarning, match=r"draws.sqlite.* set aside as .*draws.sqlite.damaged"):
        study().run(directory)
    assert contents(directory) == expected
    assert (directory / "draws.sqlite.damaged").exists()


SPACE = """
from torch import nn
from cgraph.spaces import TracedSpace

class Words(TracedSpace):
    name, summary, source = "words", "layers of two kinds", "a test"
    input_shapes = {"full": (4,)}
    def architectures(self):
        return ("a", "ab", "b", "abb", "aab")
    def build(self, arch, skeleton):
        kinds = {"a": nn.ReLU, "b": nn.Tanh}
        return nn.Sequential(nn.Linear(4, 4), *[kinds[letter]() for letter in arch])
"""


def ended_study(directory, how):
    """Status, standard error and workers of a study that gets a signal while it evaluates."""
    space = directory.parent / "own_words.py"
    space.write_text(SPACE)
    options = ("--clusters", "2", "--statistics", "snip", "--draws", "100000", "--workers", "2")
    command = [sys.executable, "-m", "cgraph", "study", str(space), "--out", str(directory)]
    run = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while not (directory / files.DRAWS).exists() or len(children(run.pid)) < 3:
        assert run.poll() is None, run.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(3)  # so that they have begun
    workers = children(run.pid)
    run.send_signal(how)
    _, said = run.communicate(timeout=60)
    return run.returncode, said, workers


def children(pid):
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc to find workers in")
@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)], ids=["term", "kill"]
)
def test_workers_end_with_the_study(how, status, tmp_path):
    code, said, workers = ended_study(tmp_path / "study", how)
    assert code == status
    assert len(workers) >= 2
    if how == signal.SIGTERM:
        assert "The same command goes on where" in " ".join(said.split())
        assert "Traceback" not in said
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def ends_its_process(skeleton):
    os._exit(1)


def test_a_worker_that_is_killed_costs_its_draw_alone():
    from cgraph.statistics.candidate import Candidate
    from tests.statistics.test_threads import candidates

    bad = Candidate("bad", "a program that ends its process", ends_its_process, {"full": (8,)})
    table = evaluate([*candidates(), bad], "snip", n_draws=1, n_jobs=2).set_index("name")
    assert table.loc["bad", "reason"] == Reason.WORKER_KILLED
    assert table.drop("bad")["value"].notna().all()
