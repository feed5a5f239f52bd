"""A matrix of distances on disk, written tile by tile, so that a job that is stopped goes on.

While it is being written the matrix is called ``NAME.part``; it gets its name when all of it is
there, so what has the name is never half a matrix. Beside it stands ``NAME.journal``: a line with
what the job is, then one for each finished tile with its checksum.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cgraph import checks
from cgraph.distances.blocks import (
    Tile,
    checksum_condensed,
    checksum_square,
    compute,
    cut,
    write_condensed,
    write_square,
)
from cgraph.distances.journal import Journal, describe_job
from cgraph.distances.matrix import (
    PROGRAMS_A_TILE,
    check_dtype,
    check_progress,
    check_shape,
    plan_distances,
)
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import Floats, Progress
from cgraph.errors import ArgumentError
from cgraph.files.arrays import check_header
from cgraph.files.source import BrokenFileError
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts


def save_distances(
    path: str | os.PathLike[str],
    population: Population | ArrayLike,
    metric: str = "hellinger",
    other: Population | ArrayLike | None = None,
    *,
    dtype: DTypeLike | None = None,
    n_jobs: int = -1,
    feature: str = "kernels",
    weigh_by: str | None = None,
    costs: EditCosts | None = None,
    condensed: bool = False,
    tile: int = PROGRAMS_A_TILE,
    progress: Progress | None = None,
) -> NDArray[np.floating[Any]]:
    """A matrix of distances in a file; called again after it was stopped, it goes on.

    Parameters
    ----------
    path : path
        The ``.npy`` file, in a directory that exists. A file that is there has to be this job's.
    population, metric, other, dtype
        As in `pairwise_distances`.
    n_jobs : int, default=-1
        Number of workers; -1 uses every core. They are threads for metrics that run compiled, and
        processes for others; the engine of `joblib.parallel_config` is used for all.
    feature, weigh_by, costs, condensed
        As in `pairwise_distances`.
    tile : int, default=4096
        Programs on each side of a tile. A job that goes on keeps the size it began with.
    progress : callable, optional
        Called after each tile with the number of distances done and the number of all.

    Returns
    -------
    ndarray of shape (n, m), or (n (n - 1) / 2,) where condensed
        Mapped from the file, read-only; the same bytes for any `n_jobs` and `tile`.

    Raises
    ------
    ArgumentError
        As in `pairwise_distances`; and if the file is there without a journal, or its journal is
        that of another job (says what differs).

    Notes
    -----
    A tile counts as finished if its checksum is right: whatever else happened to the file, what
    is not as it was written is computed again.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     matrix = save_distances(f"{directory}/d.npy", [[4, 0], [2, 2], [0, 1]])
    ...     print(matrix.round(4).tolist())
    [[0.0, 0.5412, 1.0], [0.5412, 0.0, 0.5412], [1.0, 0.5412, 0.0]]
    """
    target = checks.path("path", path)
    if not target.parent.is_dir():
        raise ArgumentError("path", "lie in a directory that exists", str(target.parent))
    tile = checks.whole("tile", tile, 1, 2**31)
    n_jobs = checks.workers("n_jobs", n_jobs)
    check_progress(progress)
    kept = check_dtype(dtype)
    # Workers share out the tiles: each computes its own on one thread.
    plan = plan_distances(population, metric, other, kept, 1, feature, weigh_by, costs)
    shape = check_shape(plan, condensed)
    job = describe_job(population, other, metric, feature, weigh_by, costs, dtype=kept, shape=shape)
    journal = Journal.open(target, job, tile)
    layout = _layout(condensed, len(plan.rows))
    tiles = cut(plan, journal.tile)
    if target.exists():
        whole = _read(target, "r", shape, kept)
        if whole is not None and len(_finished(tiles, whole, journal, layout)) == len(tiles):
            return whole
        os.replace(target, _part(target))
    matrix = _open_part(target, shape, kept, journal)
    done = _finished(tiles, matrix, journal, layout)
    todo = [k for k in range(len(tiles)) if k not in done]
    total, n_done = sum(t.size for t in tiles), sum(tiles[k].size for k in done)
    threads = not DISTANCES[metric].holds_lock and not _is_elsewhere()
    computed = compute(plan, [tiles[k] for k in todo], kept, n_jobs=n_jobs, threads=threads)
    for k, (values, certainty) in zip(todo, computed, strict=True):
        some = tiles[k]
        layout.write(some, values, matrix)
        journal.finish(k, layout.checksum(some, matrix), certainty)
        n_done += some.size
        if progress is not None:
            progress(n_done, total)
    return _complete(target, matrix)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a tile goes."""

    write: Callable[[Tile, Floats, Floats], None]
    checksum: Callable[[Tile, Floats], int]


def _layout(condensed: bool, n: int) -> _Layout:
    if condensed:
        return _Layout(partial(write_condensed, n=n), partial(checksum_condensed, n=n))
    return _Layout(write_square, checksum_square)


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _read(
    path: Path, mode: Literal["r", "r+"], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[np.floating[Any]] | None:
    """The matrix of a file, mapped; None where there is none of that shape and dtype."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            head = check_header(file, path.stat().st_size)
    except BrokenFileError:  # cut off, or no matrix at all
        return None
    # A file of another size would be made that long.
    return np.lib.format.open_memmap(path, mode) if head == (shape, dtype) else None


def _open_part(
    target: Path, shape: tuple[int, ...], dtype: np.dtype[Any], journal: Journal
) -> NDArray[np.floating[Any]]:
    """The matrix to write to: what is there of it, or a new one."""
    found = _read(_part(target), "r+", shape, dtype)
    if found is not None:
        return found
    journal.forget()
    return np.lib.format.open_memmap(_part(target), "w+", dtype, shape)


def _finished(
    tiles: Sequence[Tile],
    matrix: NDArray[np.floating[Any]],
    journal: Journal,
    layout: _Layout,
) -> set[int]:
    """Numbers of the tiles that the file holds as they were written."""
    return {
        k
        for k, crc in journal.checksums.items()
        if k < len(tiles) and layout.checksum(tiles[k], matrix) == crc
    }


def _complete(target: Path, matrix: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Give the matrix its name once it is safely on disk."""
    if isinstance(matrix, np.memmap):
        matrix.flush()
    del matrix
    part = _part(target)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
    mapped: NDArray[np.floating[Any]] = np.lib.format.open_memmap(target, "r")
    return mapped


def _is_elsewhere() -> bool:
    """Whether the caller has chosen an engine of joblib's, which threads would pass over."""
    from joblib.parallel import get_active_backend

    return type(get_active_backend()[0]).__name__ != "LokyBackend"
