import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench101 import cells, notation
from tests.strategies import nasbench101_cells, nasbench101_matrices

GOOD = "conv3x3~0|maxpool3x3~0,1|conv1x1~2|output~1,3"


@given(nasbench101_cells())
def test_string_code_matrix_and_digits_give_the_cell_back(cell):
    assert notation.parse(notation.format_cell(cell)) == cell
    assert cells.decode(cells.encode(cell)) == cell
    names = [cells.OPERATIONS[k] for k in cell.operations]
    official = ["input", *(cells.OFFICIAL_OPERATIONS[k] for k in cell.operations), "output"]
    assert cells.from_matrix(cell.matrix, names) == cell
    assert cells.from_matrix(cell.matrix.tolist(), official) == cell
    n = cell.n_vertices
    upper = "".join(str(cell.matrix[x, y]) for x in range(n) for y in range(x + 1, n))
    full = "".join(map(str, cell.matrix.ravel()))
    assert cells.from_strings(upper, ",".join(names)) == cell
    assert cells.from_strings(full, ",".join(official)) == cell


@given(nasbench101_matrices())
def test_pruning_keeps_what_lies_on_a_path(drawn):
    import networkx as nx

    matrix, names = drawn
    n = len(matrix)
    graph = nx.DiGraph((x, y) for x in range(n) for y in range(n) if matrix[x][y])
    graph.add_nodes_from(range(n))
    if not nx.has_path(graph, 0, n - 1):
        with pytest.raises(ArchitectureError, match="path from the input to the output"):
            cells.from_matrix(matrix, names)
        return
    kept = sorted(v for v in range(n) if nx.has_path(graph, 0, v) and nx.has_path(graph, v, n - 1))
    inner = np.array(matrix)[np.ix_(kept, kept)]
    if inner.sum() > cells.MAX_EDGES:
        with pytest.raises(ArchitectureError, match=f"at most 9 edges, got {inner.sum()}"):
            cells.from_matrix(matrix, names)
        return
    cell = cells.from_matrix(matrix, names)
    assert cell.matrix.tolist() == inner.tolist()
    assert [cells.OPERATIONS[k] for k in cell.operations] == [names[v - 1] for v in kept[1:-1]]


def test_a_large_matrix_is_taken_where_little_of_it_is_alive():
    matrix = np.zeros((9, 9), dtype=int)
    matrix[0, 8] = matrix[0, 1] = matrix[3, 4] = 1
    assert cells.from_matrix(matrix, ["conv3x3"] * 7) == cells.Cell((), 1)


@pytest.mark.parametrize(
    ("matrix", "operations", "quoted"),
    [
        pytest.param([[0, 1]], [], ["be square", "(1, 2)"], id="shape"),
        pytest.param([[0, 2], [0, 0]], [], ["0 or 1 at [0, 1]", "got 2"], id="entry"),
        pytest.param(
            [[0, 1, 1], [0, 0, 1], [0, 1, 0]], ["conv3x3"], ["upper triangular", "[2, 1]"],
            id="backwards",
        ),
        pytest.param(
            [[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["conv5x5"], ["(vertex 1)", "'conv5x5'"],
            id="operation",
        ),
        pytest.param(
            [[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["conv3x3"] * 2, ["3 vertices", "2 of them"],
            id="operations",
        ),
        pytest.param(
            [[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["output", "conv3x3", "input"],
            ["'input' at vertex 0", "'output'"], id="ends",
        ),
        pytest.param([[0, 0], [0, 0]], [], ["path from the input"], id="cut"),
        pytest.param(np.eye(8, k=1), ["conv3x3"] * 6, ["at most 7 vertices", "8"], id="large"),
    ],
)  # fmt: skip
def test_a_bad_matrix_is_explained(matrix, operations, quoted):
    with pytest.raises(ArchitectureError) as error:
        cells.from_matrix(matrix, operations)
    for words in quoted:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("make", "quoted"),
    [
        (lambda: cells.from_strings("1x1", "conv3x3"), ["at character 1", "'x'"]),
        (lambda: cells.from_strings("11111", "conv3x3"), ["V * V", "5 of them"]),
        (lambda: cells.from_strings("", ""), ["V * V", "0 of them"]),
        (lambda: cells.Cell((3,), 7), ["(vertex 1)", "got 3"]),
        (lambda: cells.Cell((0,), 8), ["3 vertices", "got 8"]),
        (lambda: cells.Cell((0,), 6), ["vertex 1 on no path from the input", "from_matrix"]),
        (lambda: cells.Cell((0,), 3), ["vertex 1 on no path to the output"]),
        (lambda: cells.Cell((0,) * 6, 1), ["at most 7 vertices", "got 8"]),
        (lambda: cells.decode(-1), ["encode", "-1"]),
        (lambda: cells.decode(3 << 29 | 7 << 8 | 3), ["encode"]),
        (lambda: cells.decode(0), ["encode", "0"]),
    ],
)
def test_what_is_no_cell_is_explained(make, quoted):
    with pytest.raises(ArchitectureError) as error:
        make()
    for words in quoted:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("", ["at character 0 (vertex 1)", "''"], id="empty"),
        pytest.param(
            GOOD.replace("maxpool", "avgpool"),
            ["at character 10 (vertex 2)", "'avgpool3x3'", "did you mean 'maxpool3x3'"],
            id="operation",
        ),
        pytest.param(GOOD[:-11], ["the last vertex, and no other, is 'output'"], id="cut"),
        pytest.param(GOOD + "|output~1", ["(vertex 4)", "the last vertex"], id="two-outputs"),
        pytest.param(
            GOOD.replace("0,1", "1,0"), ["at character 23 (sources of vertex 2)", "'0'"],
            id="falling",
        ),
        pytest.param(GOOD.replace("0,1", "0,2"), ["numbers below 2", "'2'"], id="later-source"),
        pytest.param(GOOD.replace("0,1", "0,"), ["character 23", "''"], id="no-source"),
        pytest.param(GOOD.replace("0,1", "00"), ["character 21", "'00'"], id="leading-zero"),
        pytest.param(GOOD.replace("0,1", "²"), ["character 21", "'²'"], id="superscript"),
        pytest.param("conv3x3", ["(vertex 1)", "'conv3x3'"], id="no-output"),
        pytest.param("output", ["'~' at character 6", "the end"], id="no-tilde"),
        pytest.param("|".join(["conv3x3~0"] * 6 + ["output~6"]), ["at most 7", "8"], id="long"),
        pytest.param("conv3x3~0|output~0", ["vertex 1 on no path to the output"], id="dangling"),
        pytest.param(7, ["be a string", "7"], id="number"),
    ],
)  # fmt: skip
def test_a_bad_string_is_explained(text, quoted):
    with pytest.raises(ArchitectureError) as error:
        notation.parse(text)
    for words in quoted:
        assert words in str(error.value)


@given(nasbench101_cells(), st.integers(0, 200), st.characters(codec="ascii"))
def test_a_string_with_one_character_changed_is_refused_or_another_cell(cell, place, character):
    text = notation.format_cell(cell)
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    try:
        other = notation.parse(changed)
    except ArchitectureError:
        return  # any other error would fail the test
    assert notation.format_cell(other) == changed
