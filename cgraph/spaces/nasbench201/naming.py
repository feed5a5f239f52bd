"""How people call the kernels of NAS-Bench-201: by stage, cell and edge."""

from __future__ import annotations

import re

from cgraph.spaces.nasbench201.notation import EDGES, NONE, operations_table
from cgraph.spaces.nasbench201.programs import cut_dead

_CELLS_A_STAGE = 5

_BLOCK = re.compile(r"^blocks\.(\d+)")
_EDGE = re.compile(r"(^|\.)edges\.(\d+)(\.\d+)*$")


def speak_scope(scope: str) -> str:
    """A scope of the network, or of the cell alone, in words.

    Examples
    --------
    >>> speak_scope("blocks.9.edges.3.1"), speak_scope("blocks.5.first.0")
    ('stage2.cell4.edge(0,3)', 'reduction1.first.0')
    >>> speak_scope("edges.5.0"), speak_scope("head.4")
    ('edge(2,3)', 'head.4')
    """
    scope = _EDGE.sub(lambda found: f"{found[1]}{_spoken_edge(int(found[2]))}", scope)
    return _BLOCK.sub(lambda found: _spoken_block(int(found[1])), scope)


def node_names(index: int) -> list[str]:
    """Names of the nodes of the part "operations" of a cell, with its boundary.

    Examples
    --------
    >>> node_names(3)[:3]
    ['input', 'edge(0,2)', 'edge(2,3)']
    """
    (row,) = cut_dead(operations_table()[[index]]).tolist()
    live = [e for e, operation in enumerate(row) if operation != NONE]
    return ["input", *(_spoken_edge(e) for e in live), "output"]


def _spoken_edge(edge: int) -> str:
    source, target = EDGES[edge]
    return f"edge({source},{target})"


def _spoken_block(block: int) -> str:
    stage, cell = divmod(block, _CELLS_A_STAGE + 1)  # five cells, then a reduction
    if cell == _CELLS_A_STAGE:
        return f"reduction{stage + 1}"
    return f"stage{stage + 1}.cell{cell + 1}"
