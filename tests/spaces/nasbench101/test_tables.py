"""Tables of one's own, whose rows name cells by their matrices."""

import json

import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.spaces.nasbench101.space import NASBench101

SPACE = NASBench101()
MATRICES = ([[0, 1], [0, 0]], [[0, 1, 1], [0, 0, 1], [0, 0, 0]])
OPERATIONS = (["input", "output"], ["input", "conv3x3-bn-relu", "output"])
DIGITS = tuple("".join(str(n) for row in matrix for n in row) for matrix in MATRICES)
WORDS = tuple(",".join(names) for names in OPERATIONS)


def read(tmp_path, columns):
    path = tmp_path / "a.csv"
    pd.DataFrame(columns | {"accuracy": [10.0, 90.0]}).to_csv(path, index=False)
    return SPACE.accuracies(path, missing="allow")


@pytest.mark.parametrize(
    "columns",
    [
        {"adjacency": DIGITS, "ops": WORDS},
        {"matrix": MATRICES, "operations": OPERATIONS},
        {"matrix": [json.dumps(m) for m in MATRICES], "operations": map(json.dumps, OPERATIONS)},
        {"module_adjacency": MATRICES, "module_operations": WORDS},
    ],
    ids=["digits", "lists", "JSON", "both"],
)
def test_csv_names_cells_by_their_matrices(columns, tmp_path):
    found = read(tmp_path, columns)
    assert found.to_dict() == {"output~0": 10.0, "conv3x3~0|output~0,1": 90.0}


@pytest.mark.parametrize(
    "text", ["[[0, 1]", "[" * 900, "[__import__('os')]", "[" + "1," * 5000, "0"]
)
def test_what_is_no_matrix_is_named(text, tmp_path):
    with pytest.raises(ArgumentError, match=r"in row 1"):
        read(tmp_path, {"matrix": [str(MATRICES[0]), text], "operations": OPERATIONS})
