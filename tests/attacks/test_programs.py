"""Attacks by files of torch.export: nothing of them runs, whatever member they stand in."""

import io
import json
import pickle
import stat
import sys
import zipfile

import pytest
import torch

from cgraph import trace
from cgraph.errors import TraceError
from cgraph.export.graph_files import read_graph
from tests.attacks import pickled


class Scaled(torch.nn.Module):
    """A program with a weight, a constant, a size that varies, and arguments in a dict."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.factor = torch.tensor([2.0])

    def forward(self, x, options):
        return self.linear(x) * self.factor + options["shift"], x.shape[0]


@pytest.fixture(scope="module")
def members():
    """Members of a whole file, by name."""
    inputs = (torch.ones(4, 3), {"shift": torch.ones(1)})
    sizes = ({0: torch.export.Dim("n", min=2, max=64)}, {"shift": None})
    program = torch.export.export(Scaled(), inputs, dynamic_shapes=sizes)
    stream = io.BytesIO()
    torch.export.save(program, stream)
    with zipfile.ZipFile(stream) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, packed=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def saved(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def in_program(change):
    """An attack that changes the JSON of the program."""

    def spoil(members, mark):
        program = json.loads(members["archive/models/model.json"])
        change(program, mark)
        return {"archive/models/model.json": json.dumps(program).encode()}

    return spoil


def in_table(kind, **changes):
    """An attack that makes the first weight or constant a pickle."""

    def spoil(members, mark):
        name = f"archive/data/{kind}/model_{kind}_config.json"
        table = json.loads(members[name])
        entry = next(iter(table["config"].values()))
        entry |= changes
        file = f"archive/data/{kind}/{entry['path_name']}"
        harm = pickle.dumps(pickled.Runs(mark)) if "opaque" in file else saved(pickled.Runs(mark))
        return {name: json.dumps(table).encode(), file: harm}

    return spoil


def first_size(program):
    values = program["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
    return values[0]["as_expr"]


def evaluated(mark):
    return f"__import__('pathlib').Path({str(mark)!r}).touch()"


def with_expression(program, mark):
    first_size(program)["expr_str"] = evaluated(mark)


def with_hidden_expression(program, mark):
    first_size(program)["expr_str"] = f"FloorDiv(s77, 1).__class__.{evaluated(mark)}"


def with_tower(program, mark):
    first_size(program)["expr_str"] = "9**9**9**9"


def with_powers(program, mark):
    first_size(program)["expr_str"] = "Pow(9, Pow(9, Pow(9, 9)))"


def with_call(target):
    def change(program, mark):
        node = program["graph_module"]["graph"]["nodes"][-1]
        node["target"] = target
        node["inputs"] = [{"name": "", "arg": {"as_string": f"touch '{mark}'"}, "kind": 1}]

    return change


def with_name(program, mark):
    """A name of a value that is code: it is written into a function that is compiled and run."""
    text = json.dumps(program).replace('"linear"', json.dumps(f"a = {evaluated(mark)}\n    linear"))
    program |= json.loads(text)


def with_nest(kind, context):
    def change(program, mark):
        signature = program["graph_module"]["module_call_graph"][0]["signature"]
        version, spec = json.loads(signature["in_spec"])
        spec["children_spec"][1]["type"] = kind
        spec["children_spec"][1]["context"] = context
        signature["in_spec"] = json.dumps([version, spec])

    return change


def with_symbols(program, mark):
    program["range_constraints"]["u999999999"] = {"min_val": 0, "max_val": 9}


def with_empty_weight(members, mark):
    name = "archive/data/weights/model_weights_config.json"
    table = json.loads(members[name])
    table["config"]["linear.weight"]["tensor_meta"]["sizes"] = [{"as_int": 10**12}]
    return {name: json.dumps(table).encode(), "archive/data/weights/weight_0": b""}


DEFAULTS = {"default_factory_module": "imported_by_attack", "default_factory_name": "x"}
ENUMERATION = {"__enum__": True, "fqn": "imported_by_attack:x", "name": "x"}
ATTACKS = {
    "example inputs": lambda _, mark: {
        "archive/data/sample_inputs/model.pt": saved((pickled.Runs(mark), {}))
    },
    "weights of before": lambda _, mark: {"archive/data/weights/model.pt": saved({
        "a": pickled.Runs(mark)})},
    "constants of before": lambda _, mark: {"archive/data/constants/model.pt": saved({
        "a": pickled.Runs(mark)})},
    "pickled weight": in_table("weights", use_pickle=True),
    "pickled constant": in_table("constants", use_pickle=True),
    "opaque object": in_table("constants", use_pickle=True, path_name="opaque_obj_0"),
    "custom object": in_table("constants", use_pickle=True, path_name="custom_obj_0"),
    "weight elsewhere": in_table("weights", path_name="../../../../etc/passwd"),
    "size that is code": in_program(with_expression),
    "size that hides code": in_program(with_hidden_expression),
    "size without end": in_program(with_tower),
    "size of powers": in_program(with_powers),
    "call of the system": in_program(with_call("torch.os.system")),
    "operator that reads": in_program(with_call("torch.ops.aten.from_file.default")),
    "library": in_program(with_call("torch.ops.load_library")),
    "operator of one's own": in_program(with_call("#mine:operator")),
    "name that is code": in_program(with_name),
    "nest that imports": in_program(with_nest("collections.defaultdict", DEFAULTS)),
    "enumeration that imports": in_program(
        with_nest("builtins.dict", json.dumps([ENUMERATION]))
    ),
    "many symbols": in_program(with_symbols),
    "empty weight of 10^12": with_empty_weight,
    "compiled library": lambda *_: {"archive/data/aotinductor/model/a.so": b"ELF"},
    "second program": lambda members, mark: {
        "archive/models/evil.json": in_program(with_expression)(members, mark)[
            "archive/models/model.json"
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_runs(name, members, tmp_path, monkeypatch):
    mark = tmp_path / "it ran"
    (tmp_path / "imported_by_attack.py").write_text(f"open({str(mark)!r}, 'w').close()\nx = int\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = write(tmp_path / "a.pt2", members | ATTACKS[name](members, mark))
    for read in (trace, read_graph):
        with pytest.raises(TraceError) as error:
            read(path)
        assert str(path) in str(error.value)
    assert not mark.exists()
    assert "imported_by_attack" not in sys.modules


def test_the_whole_file_is_read(members, tmp_path):
    graph = trace(write(tmp_path / "a.pt2", members))
    assert [kernel.operation for kernel in graph.kernels] == ["linear", "mul", "add"]


def as_link(name):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("member", "quoted"),
    [
        (as_link("archive/data/weights/weight_9"), "a link in the place"),
        (zipfile.ZipInfo("/etc/passwd"), "leads elsewhere"),
        (zipfile.ZipInfo("archive/../../weight_9"), "leads elsewhere"),
    ],
)
def test_members_stay_inside(member, quoted, members, tmp_path):
    path = write(tmp_path / "a.pt2", members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, b"/etc/passwd")
    with pytest.raises(TraceError, match=quoted):
        trace(path)


def test_a_packed_member_is_left_packed(members, tmp_path):
    content = members | {"archive/data/weights/weight_9": bytes(100 << 20)}
    path = write(tmp_path / "a.pt2", content, zipfile.ZIP_DEFLATED)
    with pytest.raises(TraceError, match="a packed member"):
        trace(path)


def test_members_that_lie_over_each_other_are_counted(members, tmp_path):
    """Many entries for the same bytes: each is there once, all together are a hundred times it."""
    path = write(tmp_path / "a.pt2", members | {"archive/data/weights/weight_9": bytes(1 << 20)})
    with zipfile.ZipFile(path, "a") as archive:
        whole = archive.getinfo("archive/data/weights/weight_9")
        for k in range(100):
            other = zipfile.ZipInfo(f"archive/data/weights/weight_{k + 10}")
            for field in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(other, field, getattr(whole, field))
            archive.filelist.append(other)
            archive.NameToInfo[other.filename] = other
        archive._didModify = True
    with pytest.raises(TraceError, match="bytes in an archive of"):
        trace(path)
