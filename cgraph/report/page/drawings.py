"""Programs as they are kept for a page and drawn in it: one place for all of one shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.graphs.population import Population
from cgraph.report.figures.nodes import fill_of
from cgraph.report.layered import layered_layout

MAX_KERNELS = 120
MAX_SHAPES = 400


def graphs_table(
    population: Population, programs: NDArray[np.int64], shown: Iterable[int]
) -> pd.DataFrame:
    """The programs of some architectures, to be kept beside a study.

    Parameters
    ----------
    population : Population
        Graphs of all architectures.
    programs : ndarray of int64, shape (n,)
        Class of identical programs of each.
    shown : iterable of int
        Positions of the architectures whose programs are kept, the most important first.

    Returns
    -------
    DataFrame
        A row for each program of at most 120 kernels: "class", "labels" (list of str), "edges"
        (list of int: u, v, u, v, ...).
    """
    first: dict[int, int] = {}
    for position in shown:
        first.setdefault(int(programs[position]), int(position))
    rows = []
    for program, position in first.items():
        graph = population[position]
        if len(graph) <= MAX_KERNELS:
            edges = graph.edges.reshape(-1).tolist()
            rows.append({"class": program, "labels": list(graph.labels), "edges": edges})
    return pd.DataFrame(rows, columns=["class", "labels", "edges"])


def drawings(graphs: pd.DataFrame) -> dict[str, Any]:
    """What a page needs to draw programs: their labels, and places that equal shapes share.

    Parameters
    ----------
    graphs : DataFrame
        As `graphs_table` gives it, the most important first: places are found for at most 400
        shapes.

    Returns
    -------
    dict
        Plain values: "labels" and their "fills"; "shapes", each with "x" and "layer" of its
        nodes in widths of a box and in layers, and "edges" (u, v, bends); and "programs" by
        class: the number of the shape, then numbers of labels.
    """
    labels: dict[str, int] = {}
    shapes: dict[tuple[int, tuple[int, ...]], int] = {}
    found: dict[int, list[int]] = {}
    for row in graphs.to_dict("records"):
        shape = (len(row["labels"]), tuple(int(i) for i in row["edges"]))
        if shape not in shapes and len(shapes) == MAX_SHAPES:
            continue
        number = shapes.setdefault(shape, len(shapes))
        words = [labels.setdefault(str(label), len(labels)) for label in row["labels"]]
        found[int(row["class"])] = [number, *words]
    return {
        "labels": list(labels),
        "fills": [fill_of(label) for label in labels],
        "shapes": [_shape(n, edges) for n, edges in shapes],
        "programs": found,
    }


def _shape(n: int, flat: tuple[int, ...]) -> dict[str, Any]:
    edges = list(zip(flat[::2], flat[1::2], strict=True))
    layout = layered_layout([1.0] * n, edges, gap=0.15)
    return {
        "x": [round(x, 3) for x in layout.x],
        "layer": list(layout.layer),
        "width": round(layout.width, 3),
        "edges": [
            [u, v, [value for x, height in layout.bends[u, v] for value in (round(x, 3), height)]]
            for u, v in edges
        ],
    }
