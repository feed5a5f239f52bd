"""The table that `summary` prints."""

from xml.etree import ElementTree

import torch
from torch import nn

from cgraph.graphs.computational import ComputationalGraph, Kernel
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.tracing.record import trace
from tests.tracing.zoo import unit

MODEL = nn.Sequential(unit(3, 8), unit(8, 8), nn.Flatten(), nn.Linear(512, 10)).eval()


def tables(text):
    """Rows of words of each table of a summary, by the head of its first column."""
    parts = [part.splitlines() for part in text.split("\n\n")[1:]]
    return {lines[0].split("  ")[0].strip(): [line.split() for line in lines] for lines in parts}


def test_a_model():
    graph = trace(MODEL, torch.ones(1, 3, 8, 8))
    text = graph.summary()
    assert text.startswith("ComputationalGraph('Sequential', 8 kernels")
    found = tables(text)
    assert list(found) == ["kernel", "memory", "largest activations", "largest parameters"]
    assert found["kernel"][1] == ["conv2d[3x3]", "2", "792", "50,688", "90.8", "%"]
    assert found["kernel"][2] == ["linear", "1", "5,130", "5,120", "9.2", "%"]
    assert found["kernel"][-1] == ["all", "8", "5,954", "55,808", "100.0", "%"]
    assert ["parameters", "8", "5,954", "23,816"] in found["memory"]
    assert ["inputs", "1", "192", "768"] in found["memory"]
    assert ["conv2d.out", "2,048", "1x8x8x8", "float32"] in found["largest activations"]
    assert found["largest parameters"][1] == ["3.weight", "20,480", "10x512", "float32"]
    assert "no known family" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_shared_parameter_counts_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)

        def forward(self, x):
            return self.table(x) @ self.table.weight.T

    found = tables(trace(Tied(), torch.zeros(3, dtype=torch.int64)).summary())
    parameters = {row[0]: row[2] for row in found["kernel"][1:]}
    assert parameters["embedding"] == "40"
    assert parameters["matmul"] == "0"
    assert parameters["all"] == "40"


def test_an_operation_of_no_family_is_counted():
    kernels = [Kernel(f"k{i}", name) for i, name in enumerate(["relu", "mystery", "mystery"])]
    text = ComputationalGraph([], kernels, [], []).summary()
    assert "2 of the kernels are of no known family (other)" in text


def test_the_empty_graph():
    assert ComputationalGraph([], [], [], []).summary().startswith("ComputationalGraph(0 kernels")


def test_a_notebook_shows_the_tables():
    page = trace(MODEL, torch.ones(1, 3, 8, 8))._repr_html_()
    assert ElementTree.fromstring(page).tag == "div"
    for word in ("conv2d[3x3]", "50,688", "largest parameters", "<details>"):
        assert word in page


def test_html_escapes_names():
    page = KernelGraph(["<b>", "<b>", "a&b"], [])._repr_html_()
    rows = [[cell.text for cell in row] for row in ElementTree.fromstring(page).iter("tr")]
    assert rows == [["label", "kernels"], ["<b>", "2"], ["a&b", "1"]]
    for empty in (KernelGraph([], []), ComputationalGraph([], [], [], [])):
        assert "<table>" not in empty._repr_html_()


def test_a_notebook_shows_how_often_labels_occur():
    population = Population([KernelGraph(["a", "b"], []), KernelGraph(["a", "a"], [])])
    page = ElementTree.fromstring(population._repr_html_())
    rows = [[cell.text for cell in row] for row in page.iter("tr")]
    assert rows == [["label", "kernels", "graphs with it"], ["a", "3", "2"], ["b", "1", "1"]]
