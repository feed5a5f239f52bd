"""Ways out of cgraph, and back: writers and readers side by side.

Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cgraph.export.geometric import from_data as from_data
    from cgraph.export.geometric import from_hetero_data as from_hetero_data
    from cgraph.export.geometric import to_data as to_data
    from cgraph.export.geometric import to_hetero_data as to_hetero_data
    from cgraph.export.graph_files import FORMATS as FORMATS
    from cgraph.export.graph_files import read_graph as read_graph
    from cgraph.export.graph_files import write_graph as write_graph
    from cgraph.export.schema import study_schema as study_schema
    from cgraph.export.study_files import STUDY_FORMATS as STUDY_FORMATS
    from cgraph.export.study_files import export_study as export_study
    from cgraph.export.study_files import read_export as read_export

_HOMES = {
    "FORMATS": "graph_files",
    "STUDY_FORMATS": "study_files",
    "export_study": "study_files",
    "from_data": "geometric",
    "from_hetero_data": "geometric",
    "read_export": "study_files",
    "read_graph": "graph_files",
    "study_schema": "schema",
    "to_data": "geometric",
    "to_hetero_data": "geometric",
    "write_graph": "graph_files",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cgraph.export' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"cgraph.export.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
