"""The schema of the JSON that a study is exported as, derived from the records of its columns."""

from __future__ import annotations

from typing import Any

from cgraph.export.columns import (
    ARCHITECTURE_COLUMNS,
    CLUSTER_COLUMNS,
    CLUSTER_PREFIX,
    STATISTIC_COLUMNS,
    Column,
)

FORMAT = "cgraph.study"
VERSION = 1

_TYPES = {"text": "string", "whole": "integer", "number": "number", "truth": "boolean"}


def study_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an exported study.

    Returns
    -------
    dict
        Plain JSON. It lies beside every exported study, as ``<name>.schema.json``.

    Examples
    --------
    >>> study_schema()["properties"]["version"]["const"]
    1
    """
    clusters = {CLUSTER_PREFIX + name: _type(column) for name, column in CLUSTER_COLUMNS.items()}
    own = {name: _type(column) for name, column in ARCHITECTURE_COLUMNS.items()}
    statistic = {name: _type(column) for name, column in STATISTIC_COLUMNS.items()}
    usage = {
        "description": "how often the program uses each operation",
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 0},
    }
    statistics = {
        "description": "by the id of the protocol; null where the network was not evaluated",
        "type": "object",
        "propertyNames": {"pattern": "@"},
        "additionalProperties": _object(statistic, required=[*statistic]),
    }
    architecture = _object(
        {**own, **clusters, "usage": usage, "statistics": statistics},
        required=[*(name for name in own if name != "accuracy"), *clusters, "usage", "statistics"],
        closed=False,
    )
    cluster = _object(
        {
            "cluster": {"type": "integer", "minimum": 0},
            **{name: _type(column) for name, column in CLUSTER_COLUMNS.items()},
        },
        required=["cluster", *CLUSTER_COLUMNS],
        closed=False,
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of a search space, exported by cgraph",
        **_object(
            {
                "$schema": {"type": "string"},
                "format": {"const": FORMAT},
                "version": {"const": VERSION},
                "configuration": {
                    "description": "what was studied and how",
                    "type": "object",
                    "required": ["space", "part", "seed"],
                },
                "columns": {
                    "description": "the columns of the flat table, in order, and what they hold",
                    "type": "object",
                    "additionalProperties": {"enum": list(_TYPES)},
                },
                "clusters": {
                    "description": "the clusters, best first",
                    "type": "array",
                    "items": cluster,
                },
                "architectures": {
                    "description": "the architectures, in the order of the space",
                    "type": "array",
                    "items": architecture,
                },
            },
            required=["format", "version", "configuration", "columns", "clusters", "architectures"],
        ),
    }


def _type(column: Column) -> dict[str, Any]:
    name = _TYPES[column.kind]
    return {
        "description": column.summary,
        "type": [name, "null"] if column.may_lack else name,
    }


def _object(
    properties: dict[str, Any], *, required: list[str], closed: bool = True
) -> dict[str, Any]:
    """An object; a study may bring more facts of an architecture than an open one names."""
    found = {"type": "object", "properties": properties, "required": required}
    return {**found, "additionalProperties": False} if closed else found
