"""Every format of graphs: there and back, facts, foreign files."""

import io
import json
import math
import xml.etree.ElementTree as ET

import networkx as nx
import pydot
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cgraph.errors import ArgumentError, GraphError, UnknownNameError
from cgraph.export import FORMATS, read_graph, write_graph
from cgraph.export.graph_files import render
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory
from cgraph.graphs.kernel import KernelGraph
from tests.strategies import computational_graphs, kernel_graphs

# pydot calls its parser by names that the parser warns of.
OLD_NAMES = pytest.mark.filterwarnings("ignore::DeprecationWarning")
READABLE = [name for name, kind in FORMATS.items() if kind.read is not None]
WITH_FACTS = [name for name, kind in FORMATS.items() if kind.takes_facts]
GRAPHS = st.one_of(computational_graphs(), kernel_graphs())

AWKWARD = ComputationalGraph(
    [
        Memory('a "quoted" <x> & \\ name', "input", (2, 3), "float32", 24, "näme.层"),
        Memory("w", "parameter", (), "int8", 1),
        Memory(" y\nz ", "output", (0, 3), "float32", 0, "", 0, "view"),
    ],
    [
        Kernel(
            "k",
            "my\\op",
            Attributes(
                value=-math.inf, eps=1e-5, whole=1.0, sizes=(), bias=False, mode='"', equation="ij"
            ),
            "a.b.c",
            2**60,
        )
    ],
    [(1, 0), (0, 0)],
    [(0, 2)],
    [2, 0, 2],
    "näme",
)
LABELLED = KernelGraph(['a "b"', "c\\", "<d>&"], [(2, 0), (1, 0)], ["x", "y", " z"])


def there_and_back(graph, name):
    return FORMATS[name].read(render(graph, name))


@pytest.mark.parametrize("name", READABLE)
@settings(deadline=None, max_examples=25)
@given(graph=GRAPHS)
def test_a_graph_reads_back_equal(name, graph):
    assert there_and_back(graph, name) == graph


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("graph", [AWKWARD, LABELLED], ids=["computational", "kernels"])
def test_awkward_names_and_attributes_read_back_equal(name, graph):
    found = there_and_back(graph, name)
    assert found == graph
    assert type(found) is type(graph)


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize(
    "graph",
    [ComputationalGraph([], [], [], []), KernelGraph([], [])],
    ids=["computational", "kernels"],
)
def test_an_empty_graph_stays_what_it_is(name, graph):
    assert there_and_back(graph, name) == graph


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("graph", [AWKWARD, LABELLED], ids=["computational", "kernels"])
def test_the_same_graph_is_the_same_bytes(name, graph):
    assert render(graph, name) == render(graph, name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_known_by_its_ending(name, tmp_path):
    for ending in FORMATS[name].endings:
        path = write_graph(AWKWARD, tmp_path / f"graph{ending}")
        assert path.read_bytes() == render(AWKWARD, name)
        if name in READABLE:
            assert read_graph(path) == AWKWARD


@settings(deadline=None, max_examples=50)
@given(graph=GRAPHS)
def test_json_is_the_same_text_again(graph):
    text = render(graph, "json")
    assert render(FORMATS["json"].read(text), "json") == text
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize("attributes", [Attributes(b=1, a=2.0), Attributes(v=math.nan)])
def test_json_keeps_order_and_types_of_attributes(attributes):
    graph = ComputationalGraph([], [Kernel("k", "op", attributes)], [], [])
    text = render(graph, "json")
    found = FORMATS["json"].read(text)
    assert repr(found.kernels[0].attributes) == repr(attributes)
    assert render(found, "json") == text


def test_json_in_another_layout_is_the_same_graph():
    value = json.loads(render(AWKWARD, "json"))
    assert FORMATS["json"].read(json.dumps(value, indent=4).encode()) == AWKWARD


def altered(**fields):
    value = json.loads(render(AWKWARD, "json"))
    value.update(fields)
    return json.dumps(value).encode()


def altered_memory(**fields):
    value = json.loads(render(AWKWARD, "json"))
    value["memories"][1].update(fields)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "its end at line 1, column 1"),
        (render(AWKWARD, "json")[:200], "got its end at line 6, column"),
        (b'{"format": "cgraph.kernel-graph", "version"; 1}', "';"),
        (b"\xff\xfe", "byte 0xff at 0"),
        (b"[1, 2]", "format must be cgraph.computational-graph or cgraph.kernel-graph"),
        (b'{"format": "onnx"}', "got 'onnx'"),
        (altered(version=2), "version must be at most 1, .* got 2; .*newer cgraph"),
        (altered(version="1"), "version must be a whole number, 1 or more, got '1'"),
        (altered(reads=[[0, 0, 0]]), "reads must be a list of pairs of whole numbers"),
        (altered(reads=[[7, 0]]), "reads must hold indices below"),
        (altered(extra=1), "got 'extra'"),
        (altered_memory(shape="3"), r"memories\[1\]\.shape must be a list of whole .*, got '3'"),
        (altered_memory(bytes=None), r"memories\[1\]\.bytes must be a whole number"),
        (altered_memory(kind="weight"), "kind must be one of input, .* got weight"),
        (altered_memory(colour=1), r"memories\[1\] must have the fields .* got 'colour'"),
        (altered(kernels=[{"name": "k"}]), r"kernels\[0\]\.operation must be text, got nothing"),
        (altered(kernels=[3]), r"kernels\[0\] must be an object, got 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_json_that_is_wrong_names_the_place(content, fact, tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(content)
    with pytest.raises(GraphError, match=fact) as caught:
        read_graph(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", [name for name in READABLE if name != "pyg"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_an_error(name, share, tmp_path):
    content = render(AWKWARD, name)
    path = tmp_path / f"graph{FORMATS[name].endings[0]}"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(GraphError, match="line"):
        read_graph(path)


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("content", [b"", b"no graph at all", b"<a/>", b"{}", b"\x80\x02}q\x00."])
def test_a_foreign_file_is_an_error_that_names_it(name, content, tmp_path):
    path = tmp_path / f"graph{FORMATS[name].endings[0]}"
    path.write_bytes(content)
    with pytest.raises(GraphError, match="must"):
        read_graph(path)


def test_a_graph_of_networkx_without_labels_says_what_it_lacks(tmp_path):
    nx.write_graphml(nx.path_graph(3, create_using=nx.DiGraph), tmp_path / "path.graphml")
    with pytest.raises(GraphError, match="have 'label' on every node, got none on '0'"):
        read_graph(tmp_path / "path.graphml")
    nx.write_graphml(nx.path_graph(3), tmp_path / "path.graphml")
    with pytest.raises(GraphError, match="be directed"):
        read_graph(tmp_path / "path.graphml")


FACTS = {"cluster": 3, "ntk@full": 0.125, "is_medoid": True, "note": "x", "a": math.nan, "b": None}
KNOWN = {"cluster": 3, "ntk@full": 0.125, "is_medoid": True, "note": "x"}


def known_of(attributes):
    return {name: attributes.get(name) for name in FACTS if name in attributes}


@pytest.mark.parametrize("graph", [AWKWARD, LABELLED], ids=["computational", "kernels"])
def test_facts_are_attributes_that_networkx_reads(graph):
    graphml = nx.parse_graphml(render(graph, "graphml", FACTS).decode())
    assert known_of(graphml.graph) == KNOWN
    gexf = nx.read_gexf(io.BytesIO(render(graph, "gexf", FACTS)))
    assert all(known_of(data) == KNOWN for _, data in gexf.nodes(data=True))
    value = json.loads(render(graph, "node-link", FACTS))
    assert known_of(nx.node_link_graph(value, edges="edges").graph) == KNOWN
    archive = torch.load(io.BytesIO(render(graph, "pyg", FACTS)), weights_only=True)
    assert archive["facts" if "facts" in archive else "_global_store"] is not None


@pytest.mark.parametrize("name", WITH_FACTS)
def test_facts_do_not_change_the_graph(name):
    content = render(AWKWARD, name, FACTS)
    assert content != render(AWKWARD, name)
    if name in READABLE:
        assert FORMATS[name].read(content) == AWKWARD


def test_infinite_facts_are_text_in_json():
    value = json.loads(render(LABELLED, "node-link", {"ntk": math.inf}), parse_constant=pytest.fail)
    assert value["graph"]["ntk"] == "inf"


def test_reserved_and_composite_facts_are_refused():
    with pytest.raises(ArgumentError, match=r"facts must have other names than .* got 'id'"):
        render(LABELLED, "gexf", {"id": 3})
    with pytest.raises(ArgumentError, match=r"facts\['sizes'\] must be .* got tuple"):
        render(LABELLED, "graphml", {"sizes": (1, 2)})
    with pytest.raises(ArgumentError, match=r"left out of json, got \['cluster'\]; node-link"):
        render(LABELLED, "json", {"cluster": 3})


def test_gexf_is_what_its_schema_asks_for():
    root = ET.fromstring(render(AWKWARD, "gexf", FACTS))
    space = "{http://www.gexf.net/1.2draft}"
    assert root.tag == f"{space}gexf"
    assert root.get("version") == "1.2"
    assert [child.tag for child in root] == [f"{space}meta", f"{space}graph"]
    graph = root.find(f"{space}graph")
    assert set(graph.attrib) == {"defaultedgetype", "mode"}
    declared = {"node": {}, "edge": {}}
    for attributes in graph.findall(f"{space}attributes"):
        for attribute in attributes:
            declared[attributes.get("class")][attribute.get("id")] = attribute.get("type")
    types = {"string", "long", "double", "float", "boolean", "integer"}
    assert {kind for kinds in declared.values() for kind in kinds.values()} <= types
    identities = [node.get("id") for node in graph.iter(f"{space}node")]
    assert len(set(identities)) == len(identities) == 4
    for element in ("node", "edge"):
        for one in graph.iter(f"{space}{element}"):
            assert one.get("id") is not None
            used = {value.get("for") for value in one.iter(f"{space}attvalue")}
            assert used <= set(declared[element])
    labels = [node.get("label") for node in graph.iter(f"{space}node")]
    assert labels == [memory.name for memory in AWKWARD.memories] + ["my\\op"]
    for edge in graph.iter(f"{space}edge"):
        assert {edge.get("source"), edge.get("target")} <= set(identities)


def test_a_character_that_xml_has_not_is_named():
    graph = KernelGraph(["a\x00b"], [])
    for name in ("graphml", "gexf"):
        with pytest.raises(GraphError, match=r"characters that XML has, got 'a\\x00b'; write JSON"):
            render(graph, name)
    assert there_and_back(graph, "json") == graph


@OLD_NAMES
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(graph=GRAPHS)
def test_dot_is_parsed_by_pydot(graph):
    parsed = pydot.graph_from_dot_data(render(graph, "dot").decode())
    assert parsed is not None
    assert len(parsed) == 1
    n_edges = (
        len(graph.edges)
        if isinstance(graph, KernelGraph)
        else len(graph.reads)
        + len(graph.writes)
        + sum(memory.base is not None for memory in graph.memories)
    )
    assert (
        len(parsed[0].get_edges())
        + sum(len(inner.get_edges()) for inner in parsed[0].get_subgraphs())
        == n_edges
    )


@OLD_NAMES
def test_dot_frames_kernels_by_module_and_quotes_names():
    text = render(AWKWARD, "dot", {"cluster": 3}).decode()
    parsed = pydot.graph_from_dot_data(text)[0]
    outer = {frame.get_label() for frame in parsed.get_subgraphs()}
    assert outer == {'"näme"', '"a"'}
    (inner,) = next(f for f in parsed.get_subgraphs() if f.get_label() == '"a"').get_subgraphs()
    assert inner.get_label() == '"b"'
    assert 'label="a \\"quoted\\" <x> & \\\\ name\\n2x3 float32, 24 bytes"' in text
    assert 'label="näme\\ncluster: 3"' in text
    assert "shape=ellipse" in text


def test_names_of_files_and_formats_that_are_wrong(tmp_path):
    with pytest.raises(ArgumentError, match=r"path must end in one of .json, .* got 'graph.txt'"):
        write_graph(LABELLED, tmp_path / "graph.txt")
    with pytest.raises(UnknownNameError, match="did you mean 'graphml'"):
        write_graph(LABELLED, tmp_path / "graph.txt", "grafml")
    with pytest.raises(ArgumentError, match=r"be a file that is there, got '.*graph.json'"):
        read_graph(tmp_path / "graph.json")
    write_graph(LABELLED, tmp_path / "graph.dot")
    with pytest.raises(ArgumentError, match=r"one that can be read, json, .* got 'dot'; write it"):
        read_graph(tmp_path / "graph.dot")
    with pytest.raises(ArgumentError, match="be a ComputationalGraph or a KernelGraph, got Linear"):
        write_graph(torch.nn.Linear(2, 2), tmp_path / "graph.json")


def test_node_link_with_links_is_read_too():
    value = json.loads(render(LABELLED, "node-link"))
    value["links"] = value.pop("edges")
    assert FORMATS["node-link"].read(json.dumps(value).encode()) == LABELLED
