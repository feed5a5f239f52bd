"""Every notebook runs, at a reduced size; what is committed ran whole."""

import os
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
DATA = Path(__file__).parents[2] / "shared" / "data"
NEEDS = {
    "CGRAPH_NASBENCH101": DATA / "nasbench101_sample.parquet",
    "CGRAPH_NASBENCH201": DATA / "nasbench201_accuracy.parquet",
}


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_ran_from_top_to_bottom(path):
    cells = code(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds
    assert kinds & {"execute_result", "stream", "display_data"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    source = "\n".join(cell.source for cell in code(notebook))
    for variable, table in NEEDS.items():
        if not os.environ.get(variable) and table.exists():
            monkeypatch.setenv(variable, str(table))
        if f'environ["{variable}"]' in source and not os.environ.get(variable):
            pytest.skip(f"{variable} names no table, and {table.name} is absent")
    monkeypatch.setenv("CGRAPH_NOTEBOOKS", "quick")
    monkeypatch.delenv("CGRAPH_STORE", raising=False)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}})
    client.execute()
