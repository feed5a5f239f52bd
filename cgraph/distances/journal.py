"""The journal of a matrix that is being written: what the job is, and which tiles are done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.distances.features import check_counts
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import Certainty, joint
from cgraph.errors import ArgumentError
from cgraph.files.reading import reading
from cgraph.files.writing import whole_file
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts

FORMAT = "cgraph distances 1"


def describe_job(
    population: Population | ArrayLike,
    other: Population | ArrayLike | None,
    metric: str,
    feature: str,
    weigh_by: str | None,
    costs: EditCosts | None,
    *,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
) -> dict[str, Any]:
    """What decides every byte of a matrix, as plain values; programs and costs as digests."""
    return {
        "format": FORMAT,
        "metric": metric,
        "feature": feature,
        "weigh_by": weigh_by,
        "dtype": str(dtype),
        "shape": list(shape),
        "population": _digest_of_programs(population),
        "other": None if other is None else _digest_of_programs(other),
        "costs": _digest_of_costs(metric, costs, population, other),
    }


@dataclass(slots=True)
class Journal:
    """A file of lines, written as tiles are finished.

    Parameters
    ----------
    path : Path
        Where it is.
    job : mapping of str to plain values
        What `describe_job` gives.
    tile : int
        Programs on each side of a tile.
    checksums : dict of int to int
        For each tile that was finished, its checksum.
    certainties : dict of int to Certainty or None
        For each of them, how certain its distances are, where the metric knows.
    """

    path: Path
    job: Mapping[str, Any]
    tile: int
    checksums: dict[int, int]
    certainties: dict[int, Certainty | None]

    @staticmethod
    def open(target: Path, job: Mapping[str, Any], tile: int) -> Journal:
        """The journal of a matrix: the one that is there, or a new one.

        Parameters
        ----------
        target : Path
            The matrix.
        job : mapping
            What is to be computed.
        tile : int
            Size of tiles of a new journal.

        Raises
        ------
        ArgumentError
            If there is a matrix without a journal, or the journal is that of another job.
        """
        path = target.with_name(target.name + ".journal")
        if not path.exists():
            if target.exists():
                raise ArgumentError(
                    "path", "be new, or a matrix with its journal", f"{target} without {path.name}"
                )
            journal = Journal(path, job, tile, {}, {})
            journal.forget()
            return journal
        must = "be new, or a matrix with its journal"
        with reading(path, must, "another path, or delete the matrix and its journal"):
            head, *lines = path.read_text(encoding="utf-8").split("\n")
            found = _read_head(head)
            if found is None:
                raise ArgumentError("path", must, f"{path}: no head")
            _check_same(found, job, target)
            # What follows the last line break was cut off while it was being written.
            read = [_read_line(line) for line in lines[:-1]]
            checksums = {number: checksum for number, checksum, _ in read}
            certainties = {number: certainty for number, _, certainty in read}
            journal = Journal(path, job, _read_tile(found["tile"]), checksums, certainties)
        if lines[-1:] != [""]:
            journal.rewrite()
        return journal

    def finish(self, number: int, checksum: int, certainty: Certainty | None) -> None:
        """Note that a tile is written."""
        self.checksums[number] = checksum
        self.certainties[number] = certainty
        with self.path.open("a") as file:
            file.write(self._line(number) + "\n")

    def forget(self) -> None:
        """Begin anew: no tile is done."""
        self.checksums, self.certainties = {}, {}
        self.rewrite()

    def rewrite(self) -> None:
        """Write all of it, at once or not at all."""
        lines = [json.dumps({**self.job, "tile": self.tile})]
        lines += [self._line(number) for number in self.checksums]
        with whole_file(self.path) as temporary:
            temporary.write_text("\n".join([*lines, ""]))

    def _line(self, number: int) -> str:
        found = self.certainties.get(number)
        facts = "" if found is None else " " + " ".join(repr(value) for value in astuple(found))
        return f"{number} {self.checksums[number]:08x}{facts}"


def read_certainty(target: Path) -> Certainty | None:
    """How certain the distances of a saved matrix are, by its journal; None where nobody knows."""
    _, *lines = target.with_name(target.name + ".journal").read_text().split("\n")
    return joint([certainty for _, _, certainty in map(_read_line, lines[:-1])])


def _read_head(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "tile" in found else None


def _read_tile(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ValueError(f"a tile of {value!r} programs")
    return value


def _read_line(line: str) -> tuple[int, int, Certainty | None]:
    number, checksum, *facts = line.split(" ")
    certainty = None
    if facts:
        n_pairs, n_open, width, widest = facts
        certainty = Certainty(int(n_pairs), int(n_open), float(width), float(widest))
    return int(number), int(checksum, 16), certainty


def _check_same(found: Mapping[str, Any], job: Mapping[str, Any], target: Path) -> None:
    for name, wanted in job.items():
        if found.get(name) != wanted:
            is_digest = name in ("population", "other", "costs")
            facts = "" if is_digest else f": {found.get(name)!r} and not {wanted!r}"
            raise ArgumentError(
                "path",
                "be new, or hold this job's matrix",
                f"{target}, of another {name}{facts}",
                "another path, or delete the matrix and its journal",
            )


def _digest_of_programs(programs: Population | ArrayLike) -> str:
    if not isinstance(programs, Population):
        return _digest("", check_counts("population", programs))
    sizes = [array for array in (programs.macs, programs.bytes) if array is not None]
    return _digest(
        "\0".join(programs.vocabulary),
        programs.node_offsets,
        programs.label_ids,
        programs.edge_offsets,
        programs.edges,
        *sizes,
    )


def _digest_of_costs(
    metric: str,
    costs: EditCosts | None,
    population: Population | ArrayLike,
    other: Population | ArrayLike | None,
) -> str | None:
    """Digest of the costs of every label that occurs; None for a metric without costs."""
    if DISTANCES[metric].feature == "usage":
        return None
    from cgraph.distances.edit.costs import check_costs

    sides = [side for side in (population, other) if isinstance(side, Population)]
    words = sorted({word for side in sides for word in side.vocabulary})
    table = check_costs(costs).over(words)
    return _digest(
        "\0".join(words), table.substitute, table.insert, table.delete, np.array(table.edge)
    )


def _digest(text: str, *arrays: NDArray[Any]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for kind, data in [("text", text.encode()), *((str(a.dtype), a.tobytes()) for a in arrays)]:
        found.update(f"{kind} {len(data)}\0".encode())
        found.update(data)
    return found.hexdigest()
