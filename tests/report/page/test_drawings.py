import json

import numpy as np

from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.report.page import drawings as page_drawings
from cgraph.report.page.drawings import drawings, graphs_table

GRAPHS = Population(
    [
        KernelGraph(["conv2d[3x3]", "relu"], [(0, 1)]),
        KernelGraph(["relu", "add"], [(0, 1)]),
        KernelGraph(["conv2d[3x3]", "relu"], [(0, 1)]),
        KernelGraph(["relu"] * 121, []),
        KernelGraph(["relu"], []),
    ]
)
PROGRAMS = np.array([0, 1, 0, 3, 4])


def test_each_program_is_kept_once_in_the_order_of_importance():
    table = graphs_table(GRAPHS, PROGRAMS, [4, 2, 0, 3, 1])
    assert table["class"].tolist() == [4, 0, 1]  # the large one is left out
    assert table["labels"].tolist() == [["relu"], ["conv2d[3x3]", "relu"], ["relu", "add"]]
    assert table["edges"].tolist() == [[], [0, 1], [0, 1]]


def test_programs_of_one_shape_share_their_places():
    found = drawings(graphs_table(GRAPHS, PROGRAMS, range(5)))
    assert found["labels"] == ["conv2d[3x3]", "relu", "add"]
    assert found["programs"] == {0: [0, 0, 1], 1: [0, 1, 2], 4: [1, 1]}
    assert found["shapes"][0]["layer"] == [0, 1]
    assert found["shapes"][0]["edges"] == [[0, 1, []]]
    assert len(found["fills"]) == 3
    json.dumps(found, allow_nan=False)


def test_only_so_many_shapes_are_laid_out(monkeypatch):
    monkeypatch.setattr(page_drawings, "MAX_SHAPES", 1)
    found = drawings(graphs_table(GRAPHS, PROGRAMS, range(5)))
    assert list(found["programs"]) == [0, 1]
    assert len(found["shapes"]) == 1


def test_no_programs_are_no_drawings():
    found = drawings(graphs_table(GRAPHS, PROGRAMS, []))
    assert found["programs"] == {}
