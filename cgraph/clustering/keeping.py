"""What gives programs their clusters, as a file of plain arrays."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.clustering.assigning import Assigner, NearestCentre, NearestMedoid, WalkExtension
from cgraph.clustering.measured import Measured
from cgraph.clustering.sources import MetricOptions
from cgraph.errors import ArgumentError
from cgraph.files.arrays import load_arrays
from cgraph.files.reading import reading
from cgraph.graphs.population import Population

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (NearestCentre, NearestMedoid, WalkExtension)
}
_GRAPHS = ("node_offsets", "label_ids", "edge_offsets", "edges")


def write_assigner(path: Path, assigner: Assigner) -> None:
    """Write an assigner to a ``.npz`` file.

    Raises
    ------
    ArgumentError
        If it goes by costs of edits of one's own, which no file holds.
    """
    kept: dict[str, Any] = {"kind": type(assigner).__name__}
    for field in fields(_KINDS[kept["kind"]]):
        value = getattr(assigner, field.name)
        if isinstance(value, Measured):
            kept |= _arrays_of(value)
        elif field.name == "words":
            kept["words"] = json.dumps(value)
        elif value is not None:
            kept[field.name] = value
    np.savez(path, allow_pickle=False, **kept)


def read_assigner(path: Path, n_clusters: int) -> Assigner:
    """The assigner in a file that `write_assigner` wrote.

    Parameters
    ----------
    path : Path
        The file.
    n_clusters : int
        How many clusters there are.

    Raises
    ------
    ArgumentError
        If the file is not such a one.
    """
    with reading(path, "be a file of how a study assigns programs"):
        kept = load_arrays(path)
        kind = _KINDS[str(kept["kind"])]
        values: dict[str, Any] = {f.name: kept[f.name] for f in fields(kind) if f.name in kept}
        values["measured"] = _measured_of(kept)
        for name in ("scale", "share"):
            if name in values:
                values[name] = float(values[name])
        if "words" in values:
            values["words"] = _words_of(str(values["words"]))
        made: Assigner = kind(**values)
        _check(kept, n_clusters, len(values["measured"]))
    return made


class KeptAssigner(Assigner):
    """The assigner in a file, read when it is first needed.

    Parameters
    ----------
    path : Path
        A file of `write_assigner`.
    n_clusters : int
        How many clusters there are.
    """

    def __init__(self, path: Path, n_clusters: int) -> None:
        self.path, self.n_clusters = path, n_clusters

    @cached_property
    def kept(self) -> Assigner:
        """What the file holds."""
        return read_assigner(self.path, self.n_clusters)

    @property
    def rule(self) -> str:  # type: ignore[override]  # known when it is read
        """How it decides, in a line."""
        return self.kept.rule

    @property
    def share(self) -> float:  # type: ignore[override]
        """The share of the programs that were clustered to which it gives their own cluster."""
        return self.kept.share

    def labels(self, x: Population | ArrayLike) -> NDArray[np.int64]:
        """Cluster of each program, shape (n,)."""
        return self.kept.labels(x)


def _arrays_of(measured: Measured) -> dict[str, Any]:
    how = measured.options
    if how.costs is not None:
        raise ArgumentError("costs", "be those by default, to be written", repr(how.costs))
    kept: dict[str, Any] = {"metric": how.metric, "feature": how.feature}
    kept["is_single"] = measured.is_single
    programs = measured.programs
    if isinstance(programs, Population):
        kept["vocabulary"] = np.array(programs.vocabulary, dtype=np.str_)
        return kept | {name: getattr(programs, name) for name in _GRAPHS}
    return kept | {"programs": programs}


def _measured_of(kept: dict[str, NDArray[Any]]) -> Measured:
    programs: Any = kept.get("programs")
    if programs is None:
        graphs = {name: kept[name] for name in _GRAPHS}
        names = [str(i) for i in range(len(kept["node_offsets"]) - 1)]
        programs = Population.from_arrays(
            vocabulary=kept["vocabulary"].tolist(), names=names, **graphs
        )
    options = MetricOptions(str(kept["metric"]), str(kept["feature"]), None, -1)
    return Measured(programs, options, bool(kept["is_single"]))


def _check(kept: dict[str, NDArray[Any]], n_clusters: int, n_programs: int) -> None:
    clusters = kept["clusters"]
    if sorted(clusters.tolist()) != list(range(n_clusters)):
        raise ArgumentError("clusters", f"be the {n_clusters} of the study", clusters)
    lengths = {"centres": n_clusters, "steps": n_programs, "weights": n_programs, "own": n_programs}
    for name, length in lengths.items():
        if name in kept and len(kept[name]) != length:
            raise ArgumentError(name, f"have {length} rows", len(kept[name]))


def _words_of(text: str) -> tuple[Any, ...] | None:
    words = json.loads(text)
    if words is None:
        return None
    return tuple(tuple(word) if isinstance(word, list) else word for word in words)
