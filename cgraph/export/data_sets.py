"""Graphs of a study as arrays to learn from: a data set of PyTorch Geometric, a NumPy archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError, of_file
from cgraph.export.columns import protocols_in
from cgraph.export.geometric import geometric, to_data
from cgraph.export.studied import Chosen, Progress, batches
from cgraph.export.tables import architecture_table
from cgraph.files.arrays import load_arrays
from cgraph.files.pickles import named
from cgraph.files.reading import reading
from cgraph.files.tensors import load_tensors
from cgraph.files.writing import whole_file
from cgraph.graphs.tensor import adjacency_tensor

if TYPE_CHECKING:
    import torch
    from torch_geometric.data import InMemoryDataset

VERSION = 1

# The class that a file names, and the fields that it may hold.
_DATA = "torch_geometric.data.data.Data"
_FIELDS = frozenset(
    (
        *("x", "edge_index", "operation", "kernel", "vocabulary", "num_nodes", "macs", "bytes"),
        *(
            "_num_nodes",
            "cluster",
            "y",
            "is_known",
            "targets",
            "n_parameters",
            "n_macs",
            "architecture",
        ),
    )
)


def write_data_set(chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write kernel graphs as a data set of PyTorch Geometric, cluster and statistics as targets.

    Parameters
    ----------
    chosen : Chosen
        The architectures.
    path : Path
        The file.
    progress : callable, optional
        Called with the architectures that are done, and how many there are.

    Notes
    -----
    Each graph is `to_data` over the vocabulary of the study, with "cluster" (int64), "y" (float32,
    shape (1, n_targets)), "is_known" (bool, as "y": where it is False, "y" is 0 and means
    nothing), "targets" (names of the columns of "y": ids of protocols, and "accuracy" where it is
    known), "n_parameters", "n_macs" and "architecture".
    """
    import torch

    space = chosen.found_space()
    population = space.population(part=chosen.study.configuration["part"])
    vocabulary = list(population.vocabulary)
    table = architecture_table(chosen.study, chosen.positions)
    targets = protocols_in(map(str, table.columns))
    targets += ["accuracy"] if "accuracy" in table else []
    values = table[targets].to_numpy(dtype=np.float32, na_value=np.nan)
    items = []
    for i, piece in enumerate(batches(chosen, 1, progress)):
        data = to_data(population[int(piece[0])], vocabulary)
        row = table.iloc[i]
        known = ~np.isnan(values[i])
        data.cluster = torch.tensor([int(row["cluster"])])
        data.y = torch.from_numpy(np.where(known, values[i], np.float32(0)))[None]
        data.is_known = torch.from_numpy(known)[None]
        data.targets = targets
        data.n_parameters = torch.tensor([int(row["n_parameters"])])
        data.n_macs = torch.tensor([int(row["macs"])])
        data.architecture = str(row["name"])
        items.append(data)
    if not items:
        raise ArgumentError("only", "choose one architecture at least", "none")
    with whole_file(path) as temporary:
        geometric().InMemoryDataset.save(items, str(temporary))


def read_data_set(path: Path) -> InMemoryDataset:
    """The data set of a file that `write_data_set` made.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    torch_geometric.data.InMemoryDataset
        Takes indices and transforms, and goes into a `DataLoader`.

    Raises
    ------
    ArgumentError
        If it is something else; nothing of it is run.
    """
    with reading(path, "be a data set that cgraph wrote"):
        fields, slices, _ = load_tensors(path, {_DATA: named})
        _check_data_set(fields, slices)
        data_set = geometric().InMemoryDataset()
        data_set.data = geometric().Data.from_dict(fields)
        data_set.slices = slices
        return data_set


def _check_data_set(fields: Any, slices: Any) -> None:
    """Raise unless fields are those that `write_data_set` gives, and slices are of them."""
    import torch

    for name, table in (("fields", fields), ("slices", slices)):
        if type(table) is not dict and (name == "fields" or table is not None):
            raise ArgumentError("path", f"hold {name} by name", type(table).__name__)
        unknown = sorted(set(map(str, table or ())) - _FIELDS)
        if unknown:
            raise ArgumentError("path", f"hold {name} of graphs", repr(unknown[0]))
    for name, value in fields.items():
        if not isinstance(value, torch.Tensor | list | str | int):
            raise ArgumentError("path", f"hold tensors or texts as {name!r}", type(value).__name__)
    for name, value in (slices or {}).items():
        if not isinstance(value, torch.Tensor) or value.ndim != 1 or value.dtype != torch.int64:
            raise ArgumentError("path", f"hold whole numbers as slices of {name!r}", value)


@dataclass(frozen=True, slots=True, eq=False)
class TensorArchive:
    """Adjacency tensors of several architectures.

    Parameters
    ----------
    names : tuple of str
        Strings of the architectures.
    vocabulary : tuple of str
        The K labels, in the order of the last axis.
    indices : ndarray of int, shape (4, n_entries)
        Graph, kernel, kernel and label of each entry that is 1.
    shape : tuple of int
        (n, V, V, K).
    clusters : ndarray of int64, shape (n,)
        Cluster of each.
    """

    names: tuple[str, ...]
    vocabulary: tuple[str, ...]
    indices: NDArray[np.integer]
    shape: tuple[int, ...]
    clusters: NDArray[np.int64]

    def tensor(self) -> torch.Tensor:
        """Sparse tensor of uint8 of shape (n, V, V, K), as `cgraph.adjacency_tensor` gives it."""
        import torch

        indices = torch.from_numpy(self.indices.astype(np.int64))
        ones = torch.ones(indices.shape[1], dtype=torch.uint8)
        return torch.sparse_coo_tensor(
            indices, ones, self.shape, is_coalesced=True, check_invariants=False
        )

    def dense(self) -> NDArray[np.uint8]:
        """The tensor as an array of shape (n, V, V, K)."""
        array = np.zeros(self.shape, dtype=np.uint8)
        array[tuple(self.indices)] = 1
        return array


def write_tensors(chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write the adjacency tensors of kernel graphs as a compressed NumPy archive.

    Parameters
    ----------
    chosen : Chosen
        The architectures.
    path : Path
        The file.
    progress : callable, optional
        Called when it is done.

    Notes
    -----
    Its arrays are "indices", "shape", "vocabulary", "names", "clusters" and "version"; no object
    is in it, so that `numpy.load` needs no pickle.
    """
    space = chosen.found_space()
    population = space.population(part=chosen.study.configuration["part"])
    tensor = adjacency_tensor(population[chosen.positions])
    indices = tensor.indices().numpy()
    largest = int(indices.max(initial=0))
    clusters = chosen.study.architectures["cluster"].to_numpy()[chosen.positions]
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            version=np.int64(VERSION),
            names=np.array(chosen.names, dtype=np.str_),
            vocabulary=np.array(population.vocabulary, dtype=np.str_),
            indices=indices.astype(np.min_scalar_type(largest)),
            shape=np.array(tensor.shape, dtype=np.int64),
            clusters=clusters.astype(np.int64),
        )
    if progress is not None:
        progress(len(chosen), len(chosen))


def read_tensors(path: Path) -> TensorArchive:
    """The tensors of an archive that `write_tensors` made.

    Raises
    ------
    ArgumentError
        If an array is missing, or the archive is of a newer version.
    """
    with reading(path, "be an archive of adjacency tensors"):
        arrays = load_arrays(path)
        _check_tensors(path, arrays)
        return TensorArchive(
            tuple(arrays["names"].tolist()),
            tuple(arrays["vocabulary"].tolist()),
            arrays["indices"],
            tuple(arrays["shape"].tolist()),
            arrays["clusters"],
        )


def _check_tensors(path: Path, arrays: dict[str, Any]) -> None:
    for name in ("version", "names", "vocabulary", "indices", "shape", "clusters"):
        if name not in arrays:
            raise ArgumentError(
                "path", "be an archive of adjacency tensors", f"{path}, without {name!r}"
            )
    if arrays["version"] > VERSION:
        raise ArgumentError(
            "version", f"be at most {VERSION}", int(arrays["version"]), "upgrade cgraph"
        )
    indices, shape = arrays["indices"], arrays["shape"]
    is_whole = indices.dtype.kind in "iu" and shape.dtype.kind in "iu"
    if not is_whole or shape.shape != (4,) or indices.ndim != 2 or len(indices) != 4:
        raise ArgumentError("path", "hold indices of four axes", of_file(path, "with others"))
    if (shape <= indices.T).any() or (indices < 0).any():
        raise ArgumentError("path", "hold indices within the shape", of_file(path, "with others"))
    n, _, _, n_labels = shape.tolist()
    lengths = {"names": n, "clusters": n, "vocabulary": n_labels}
    for name, length in lengths.items():
        if arrays[name].shape != (length,):
            raise ArgumentError(
                "path", f"hold {length:,} {name}", of_file(path, f"with {arrays[name].shape}")
            )
