"""Attacks by pickles, at every reader of them: each ends in an error in words, at no cost."""

import io
import pickle
import resource
import subprocess
import sys

import pytest

from cgraph.errors import ArgumentError
from cgraph.files.pickles import load_plain
from cgraph.files.source import BrokenFileError, Source
from cgraph.hardware.measured import read_measured
from cgraph.spaces.nasbench201.space import NASBench201
from cgraph.spaces.nasbenchgraph.published import read_file
from tests.attacks import pickled

READERS = {
    "bench.pickle": read_measured,
    "a.pth": lambda path: NASBench201().accuracies(path, "cifar10_test"),
    "a.pickle.pbz2": lambda path: NASBench201().accuracies(path, "cifar10_test"),
    "data.anb": lambda path: NASBench201().accuracies(path, "baseline_accuracy"),
    "cora.bench": lambda path: read_file(path, "cora"),
}


def write(path, content):
    path.write_bytes(pickled.bz2.compress(content) if path.suffix == ".pbz2" else content)
    return path


@pytest.mark.parametrize("attack", pickled.HARMFUL)
def test_an_attack_ends_in_words_and_takes_no_memory(attack, tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, read in READERS.items():
        with pytest.raises(ArgumentError) as error:
            read(write(tmp_path / name, pickled.HARMFUL[attack]))
        assert str(tmp_path / name) in str(error.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_no_attack_ends_the_process():
    code = (
        "import io\n"
        "from cgraph.files.pickles import load_plain\n"
        "from tests.attacks import pickled\n"
        "for content in pickled.HARMFUL.values():\n"
        "    try:\n        repr(load_plain(io.BytesIO(content)))[:100]\n"
        "    except (ValueError, RecursionError):\n        pass\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


@pytest.mark.parametrize("malice", [pickled.Runs, pickled.Evaluates])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", READERS)
def test_nothing_runs(name, protocol, malice, tmp_path):
    mark = tmp_path / "it ran"
    content = pickle.dumps({"a": malice(mark)}, protocol)
    pickle.loads(content)
    assert mark.exists()
    mark.unlink()
    with pytest.raises(ArgumentError):
        READERS[name](write(tmp_path / name, content))
    assert not mark.exists()


def test_a_bomb_is_left_packed(tmp_path):
    path = tmp_path / "a.pickle.pbz2"
    path.write_bytes(pickled.unpacks_to(100 << 20))
    assert path.stat().st_size < 10_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ArgumentError, match="bytes asked for at byte"):
        READERS[path.name](path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


def test_more_than_is_there_is_never_asked_for():
    class Greedy:
        def read(self, n):
            raise AssertionError(n)

    with pytest.raises(BrokenFileError, match="1,000,000,000,000 bytes asked for"):
        Source(Greedy(), 10).take(10**12)


def test_the_functions_here_stay_as_they_are():
    with pytest.raises(ValueError, match="a state for a Named"):
        load_plain(io.BytesIO(pickled.HARMFUL["own function changed"]))
