import importlib
import sys

import pytest
from torch import nn

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces import available, catalogue, from_models, get, resolve
from cgraph.spaces.catalogue import SPACES, listing

MODULE = """
from torch import nn
from cgraph.spaces import ChoiceSpace, TracedSpace, from_models

class Rows(ChoiceSpace):
    name, summary, source = "rows", "layers in a row", "a package"
    input_shapes = {"full": (4,)}
    choices = (("relu", "tanh"),) * 3

    def __init__(self, width=4):
        self.width = width

    def build(self, arch, skeleton):
        return nn.Sequential(nn.Linear(4, self.width), nn.ReLU())

made = from_models({"a": nn.ReLU, "b": nn.Tanh}, (4,), name="made")

def build_it(depth):
    return from_models({"one": nn.ReLU}, (depth,), name=f"depth {depth}")

class Unfinished(TracedSpace):
    name = "unfinished"

nothing = 3
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A distribution on the path that brings spaces by the entry points it is given."""
    (tmp_path / "rowspaces.py").write_text(MODULE)
    (tmp_path / "broken_rowspaces.py").write_text("import a_module_that_is_not_there\n")
    (tmp_path / "failing_rowspaces.py").write_text("raise SystemExit('at import')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("rowspaces", "broken_rowspaces", "failing_rowspaces")

    def bring(**entries):
        information = tmp_path / "rowspaces-1.5.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Name: rowspaces\nVersion: 1.5\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (information / "entry_points.txt").write_text("\n".join(["[cgraph.spaces]", *lines]))

    yield bring
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", SPACES)
def test_records_say_what_the_spaces_say(name):
    record, space = SPACES[name], get(name)
    assert (record.summary, record.source) == (space.summary, space.source)
    assert record.n_architectures == space.size


def test_listing_what_ships_counts_nothing(monkeypatch):
    monkeypatch.setattr(catalogue, "import_module", None)
    rows = {row.name: row for row in listing()}
    assert rows["nasbench101"].n_architectures == 423_624
    assert rows["nasbench101"].provider == "cgraph"
    assert rows["nasbench101"].problem == ""


def test_a_package_brings_spaces(package):
    package(rows="rowspaces:Rows", made="rowspaces:made")
    assert available()[-2:] == ("made", "rows")
    assert get("rows").architectures()[0] == "relu|relu|relu"
    assert get("rows", width=7).width == 7
    assert get("made").architectures() == ("a", "b")
    row = next(row for row in listing() if row.name == "rows")
    assert (row.n_architectures, row.summary) == (8, "layers in a row")
    assert (row.provider, row.problem) == ("rowspaces 1.5", "")


def test_a_broken_package_takes_nothing_from_the_others(package):
    package(
        broken="broken_rowspaces:Rows",
        failing="failing_rowspaces:Rows",
        gone="rowspaces:Lines",
        number="rowspaces:nothing",
        nasbench201="rowspaces:Rows",
        partial="rowspaces:build_it",
        rows="rowspaces:Rows",
        unfinished="rowspaces:Unfinished",
    )
    rows = {(row.name, row.provider): row for row in listing()}
    ours = "rowspaces 1.5"
    assert rows["rows", ours].n_architectures == 8
    assert rows["nasbench201", "cgraph"].problem == ""
    for name, quoted in {
        "broken": "No module named 'a_module_that_is_not_there'",
        "failing": "SystemExit: at import",
        "gone": "has no attribute 'Lines'",
        "number": "got a int",
        "nasbench201": "another space is called 'nasbench201'",
        "partial": "be those of 'partial' (depth), got none",
        "unfinished": "define architectures, build ('unfinished')",
    }.items():
        assert quoted in rows[name, ours].problem
        assert rows[name, ours].n_architectures is None
    assert type(get("nasbench201")).__name__ == "NASBench201"
    with pytest.raises(ArgumentError, match=r"'broken' must be importable from broken_rowspaces:R"):
        get("broken")


def test_options_that_a_space_has_not_are_named():
    with pytest.raises(ArgumentError, match=r"be those of 'nasbench201' \(none\), got dataset"):
        get("nasbench201", dataset="cora")


def test_what_is_missing_is_named_with_its_extra(monkeypatch):
    record = catalogue.SpaceRecord("x", "a:b", 3, "", "", ("not_there",), extra="graphs")
    monkeypatch.setattr(catalogue, "SPACES", catalogue.Table("space", [record]))
    assert listing()[0].problem == "needs not_there: pip install 'cgraph[graphs]'"
    assert listing()[0].remark == ""


def test_a_space_whose_published_accuracies_are_missing_says_so(monkeypatch):
    monkeypatch.setattr(catalogue.util, "find_spec", lambda _: None)
    row = next(row for row in listing() if row.name == "nasbenchgraph")
    assert row.problem == ""
    assert row.remark == (
        "its published accuracies need nas_bench_graph: pip install 'cgraph[nasbenchgraph]'"
    )


def test_a_module_and_a_name_stand_for_a_space(package):
    assert type(resolve("nasbench201")) is type(get("nasbench201"))
    assert resolve("rowspaces:Rows", width=9).width == 9
    assert resolve("rowspaces:made").name == "made"
    assert resolve("rowspaces:build_it", depth=2).name == "depth 2"


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "own" / "my_rows_for_a_test.py"
    path.parent.mkdir()
    path.write_text(MODULE.replace("class Unfinished", "class Half").split("made =")[0])
    yield path
    sys.modules.pop("my_rows_for_a_test", None)
    sys.path[:] = [entry for entry in sys.path if entry != str(path.parent)]


def test_a_file_stands_for_its_space(file):
    for text in (str(file), f"{file}:Rows"):
        space = resolve(text)
        assert space.name == "rows"
        assert sys.modules[type(space).__module__].__file__ == str(file)


def test_a_module_of_the_working_directory_is_found(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert resolve("my_rows_for_a_test:Rows").name == "rows"
    assert resolve("my_rows_for_a_test.py").name == "rows"


@pytest.mark.parametrize(
    ("text", "error", "quoted"),
    [
        ("nasbench2O1", UnknownNameError, "did you mean 'nasbench201'"),
        ("no_such_module_here:Rows", ArgumentError, "got 'no_such_module_here'; a file is given"),
        ("..:Rows", ArgumentError, "got '..'"),
        ("rowspaces:Row", UnknownNameError, "got 'Row'; did you mean 'Rows'"),
        ("rowspaces:nothing", ArgumentError, "got a int"),
        ("rowspaces:Unfinished", ArgumentError, "define architectures, build"),
        ("rowspaces:build_it", ArgumentError, r"\(depth\), got none"),
        ("rowspaces:nn.Linear", UnknownNameError, "got 'nn.Linear'"),
        ("failing_rowspaces:Rows", ArgumentError, "SystemExit: at import"),
        ("none/such.py", ArgumentError, "existing file, got 'none/such.py'"),
    ],
)
def test_what_stands_for_no_space_is_named(text, error, quoted, package):
    with pytest.raises(error, match=quoted):
        resolve(text)


def test_a_file_of_several_spaces_or_none_has_to_say_which(tmp_path, monkeypatch):
    for name, content, quoted in [
        ("two_for_a_test", "a = from_models({'x': nn.ReLU}, (1,)); b = a", "with a, b; .*py:a$"),
        ("none_for_a_test", "", "with no space$"),
        ("factory_for_a_test", "def tiny(): return nn.ReLU()", "no space; .*such as .*py:tiny$"),
    ]:
        path = tmp_path / f"{name}.py"
        path.write_text(f"from torch import nn\nfrom cgraph.spaces import from_models\n{content}\n")
        with pytest.raises(ArgumentError, match=rf"FILE.py of one space, .*{quoted}"):
            resolve(str(path))
        del sys.modules[name]
    sys.path.remove(str(tmp_path))


def test_a_file_that_has_the_name_of_a_module_is_refused(tmp_path):
    path = tmp_path / "statistics.py"
    path.write_text("raise SystemError('this file was run')\n")
    with pytest.raises(ArgumentError, match=r"name is no other module's, .*rename the file"):
        resolve(f"{path}:Rows")
    sys.path.remove(str(tmp_path))


def test_models_by_name_are_a_space():
    import torch

    space = from_models({"a": lambda: nn.Linear(4, 2), "b": nn.ReLU}, torch.zeros(5, 4))
    assert space.input_shapes == {"full": (4,)}
    assert space.architectures() == ("a", "b")
    assert space.sizes()["n_parameters"].tolist() == [10, 0]
    assert space.population().names == ("a", "b")
    assert isinstance(space.model("b"), nn.ReLU)


@pytest.mark.parametrize(
    ("models", "inputs", "quoted"),
    [
        ({}, (4,), "one at least, got none"),
        ([nn.ReLU], (4,), "map a name to what makes the model, one at least, got list"),
        ({3: nn.ReLU}, (4,), "have strings as names, got 3"),
        ({"a": nn.ReLU()}, (4,), r"models\['a'\] must be a callable .* got ReLU; give its class"),
        ({"a": 3}, (4,), r"models\['a'\] must be a callable"),
        ({"a": nn.ReLU}, 4, "be the shape of one input"),
        ({"a": nn.ReLU}, (0,), "be the shape of one input"),
        ({"a": nn.ReLU}, "4", "be the shape of one input"),
    ],
)
def test_what_is_no_space_of_models_is_named(models, inputs, quoted):
    with pytest.raises(ArgumentError, match=quoted):
        from_models(models, inputs)


def test_a_factory_of_something_else_is_named():
    with pytest.raises(ArgumentError, match=r"models\['a'\] must make an nn.Module .* got int"):
        from_models({"a": lambda: 3}, (4,)).model("a")


def test_a_file_is_one_module_whoever_loads_it(tmp_path, monkeypatch):
    from cgraph.commands.factories import value_of

    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        text = f"class Net:\n    home = {name!r}\n"
        (tmp_path / name / "nets_of_a_test.py").write_text(text)
    (tmp_path / "first" / "json.py").write_text("raise RuntimeError('not the one that is meant')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("first", "second", "first"):
        found = value_of(f"{tmp_path / name / 'nets_of_a_test.py'}:Net")
        assert found.home == name
        assert sys.modules["nets_of_a_test"].Net is found
        assert value_of("nets_of_a_test:Net") is found
    sys.modules.pop("json", None)
    assert "first" not in (importlib.import_module("json").__file__ or "")
    del sys.modules["nets_of_a_test"]
