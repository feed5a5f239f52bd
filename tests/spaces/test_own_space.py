"""A space of one's own, as a new user types it in: from a file to ranked clusters."""

import importlib.util
import pickle
import sys
from pathlib import Path

import pytest

import cgraph
from cgraph.spaces import resolve
from tests.test_cli import run

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "mobilenets.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("mobilenets_of_the_guide", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def file(tmp_path):
    """The example with two blocks, to be quick."""
    path = tmp_path / "my_mobilenets_for_a_test.py"
    text = EXAMPLE.read_text()
    assert text.count(") * 3") == 1
    path.write_text(text.replace(") * 3", ") * 2").replace('"k7e3", "k7e6", ', ""))
    yield path
    sys.modules.pop(path.stem, None)
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]


def test_the_class_of_the_guide_is_short():
    text = EXAMPLE.read_text()
    lines = text[text.index("class MobileNets") : text.index("class Bottleneck")].splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 12


def test_the_example_is_a_whole_space(example):
    space = example.MobileNets()
    assert len(space) == 7**3
    own = "k3e6|skip|k7e3"
    assert space.architectures()[space.parse(own)] == own
    assert len(space.neighbours(own)) == 18
    assert space.mutate(own, 3) in space.neighbours(own)
    labels = cgraph.project(space.graph(own, form="live")).labels
    assert sum("conv" in label for label in labels) == 7  # the stem, and three a block
    candidate = pickle.loads(pickle.dumps(space.candidate(own)))
    assert candidate.name == own
    assert "_alone" not in vars(pickle.loads(pickle.dumps(space)))


def test_an_architecture_is_built_once(file, monkeypatch):
    space, built = resolve(str(file)), []
    build = type(space).build
    monkeypatch.setattr(
        type(space), "build", lambda self, *args: (built.append(args), build(self, *args))[1]
    )
    space.population()
    space.sizes(), space.programs(), space.candidates()
    assert len(built) == len(space) == 25


def test_the_file_goes_through_a_study_unchanged(file, tmp_path, monkeypatch, capsys):
    options = ["--out", tmp_path / "study", "--quick", "--workers", "1", "--clusters", "3"]
    status, out, err = run(
        monkeypatch, capsys, "study", file, *options, "--sample", "2",
        "--statistics", "regions",
    )  # fmt: skip
    assert status == 0, err
    assert "Clusters of mobilenets, best first" in out
    result = cgraph.load_study(tmp_path / "study")
    assert len(result.architectures) == 25
    assert set(result.ranking.sample(1)) <= set(result.architectures["name"])
