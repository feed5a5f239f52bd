"""Samples with their classes: what networks are trained on, and tested on.

Data is scikit-learn's digits, or a user's own arrays, tensors or Dataset. It is held in arrays of
numpy, which worker processes share, and images are resized to what a network takes as they are
used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.statistics.nests import Nest, batch_size, map_tensors, tensors_of

DIGITS = "digits"
_SHARE = 0.2  # of the samples of digits, and of data without a test split, is held out


@dataclass(frozen=True, slots=True, eq=False)
class LabelledData:
    """Samples and the class of each.

    Parameters
    ----------
    id : str
        What identifies it in a store.
    inputs : nest of ndarray
        The first axis of each array is that of the samples.
    labels : ndarray of int64, shape (n,)
        Classes, 0 and above.
    rows : ndarray of int64, shape (n_own,)
        Which of the samples belong to it; data that was split shares its arrays.
    """

    id: str
    inputs: Nest
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_classes(self) -> int:
        """Number of classes: the largest label and 1."""
        return int(self.labels.max()) + 1

    def take(self, places: NDArray[np.int64], shape: tuple[int, ...]) -> Nest:
        """Some of the samples as a batch, images resized to a shape.

        Parameters
        ----------
        places : ndarray of int
            Which, 0 <= place < len(self).
        shape : tuple of int
            Shape of one sample; of samples that are nests, nothing is asked.
        """
        rows = self.rows[places]
        batch = _map_arrays(lambda a: torch.from_numpy(np.ascontiguousarray(a[rows])), self.inputs)
        return fitted_to_shape(batch, shape) if isinstance(batch, Tensor) else batch

    def classes(self, places: NDArray[np.int64]) -> Tensor:
        """Classes of some of the samples, int64."""
        return torch.from_numpy(np.ascontiguousarray(self.labels[self.rows[places]]))


def labelled_data(data: Any, name: str = "data") -> LabelledData:
    """The samples that an argument means, and their classes.

    Parameters
    ----------
    data : {"digits"}, tuple of (inputs, labels), or Dataset
        The digits of scikit-learn (1,797 images of 1 x 8 x 8, normalised); arrays or tensors of
        samples and of classes; or what has a length and gives pairs of a sample and its class,
        which is read once from its beginning to its end.
    name : str, default="data"
        What the argument is called.

    Raises
    ------
    UnknownNameError
        If it is a name of no data.
    ArgumentError
        If it is none of these, or labels are not a class for each sample.

    Examples
    --------
    >>> len(labelled_data((np.zeros((3, 8)), [0, 1, 1])))
    3
    """
    check_data(name, data)
    if isinstance(data, str):
        inputs, labels = _digits()
        return LabelledData(DIGITS, inputs, labels, np.arange(len(labels)))
    inputs, given = _pair_of(data, name)
    inputs = map_tensors(lambda t: t.detach().cpu(), inputs)
    labels = classes_of(given, batch_size(inputs), f"the labels of {name}")
    arrays = _map_arrays(lambda t: t, map_tensors(lambda t: t.contiguous(), inputs))
    return LabelledData(digest_of(inputs, labels), arrays, labels, np.arange(len(labels)))


def check_data(name: str, data: object) -> None:
    """Raise where something cannot be labelled data, before any of it is read.

    Raises
    ------
    ArgumentError, UnknownNameError
        Says what came.
    """
    if isinstance(data, str):
        checks.choice(name, data, (DIGITS,))
    is_pair = isinstance(data, tuple) and len(data) == 2
    is_data_set = hasattr(type(data), "__getitem__") and hasattr(type(data), "__len__")
    if not is_pair and (not is_data_set or isinstance(data, tuple | bytes | Mapping)):
        must = f"be {DIGITS!r}, a pair of inputs and labels, or a Dataset of such pairs"
        raise ArgumentError(name, must, checks.came(data))


def split(data: LabelledData, test: Any) -> tuple[LabelledData, LabelledData]:
    """Samples to train on, and samples that are held out.

    Parameters
    ----------
    data : LabelledData
        All samples.
    test : float, or as `data` of `labelled_data`, or None
        Share of the samples that is held out, 0 < test < 1, drawn at random in the same way for
        every network; or samples of their own; by default a fifth.

    Raises
    ------
    ArgumentError
        If a side of the split would be empty.
    """
    if test is not None and not isinstance(test, int | float):
        return data, labelled_data(test, "test")
    share = _SHARE if test is None else checks.number("test", test, 0, 1)
    n_test = round(share * len(data))
    if not 0 < n_test < len(data):
        raise ArgumentError(
            "test", f"hold out some of the {len(data)} samples and leave some", test
        )
    order = np.random.default_rng(0).permutation(len(data))
    return tuple(  # type: ignore[return-value]
        LabelledData(f"{side} of {data.id}", data.inputs, data.labels, data.rows[np.sort(rows)])
        for side, rows in (
            (f"the other {len(data) - n_test}", order[n_test:]),
            (f"{n_test}", order[:n_test]),
        )
    )


def classes_of(labels: Any, n_samples: int, name: str = "labels") -> NDArray[np.int64]:
    """Labels as an array, once they are known to be classes.

    Raises
    ------
    ArgumentError
        If they are not whole numbers, 0 or above, one for each sample.
    """
    must = f"be classes, whole numbers of 0 and above, of shape ({n_samples},)"
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu().numpy()
    return checks.integers(name, labels, (n_samples,), 0, words=must)


def fitted_to_shape(batch: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A batch whose samples have a shape: as they are, images resized, or laid out flat.

    Raises
    ------
    ArgumentError
        If the samples are no images that can be resized to the shape.
    """
    own = tuple(batch.shape[1:])
    if own == tuple(shape):
        return batch
    if len(shape) == 1 and batch[0].numel() == shape[0]:
        return batch.flatten(1)
    if len(own) == 3 and len(shape) == 3 and (own[0] == shape[0] or 1 in (own[0], shape[0])):
        batch = batch.float()
        if shape[0] == 1:
            batch = batch.mean(1, keepdim=True)
        batch = torch.nn.functional.interpolate(
            batch, shape[1:], mode="bilinear", antialias=True, align_corners=False
        )
        return batch.expand(-1, shape[0], -1, -1).contiguous()
    raise ArgumentError(
        "data",
        f"have samples of shape {tuple(shape)}, or images that can be resized to it",
        f"samples of shape {own}",
        "give data of the network's own",
    )


def digest_of(*nests: Nest) -> str:
    """A short name of what tensors and arrays hold."""
    state = hashlib.blake2b(digest_size=8)
    for tensor in tensors_of(map_tensors(lambda t: t, nests)):
        state.update(repr((tuple(tensor.shape), str(tensor.dtype))).encode())
        state.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def _digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Images of shape (1797, 1, 8, 8), normalised over all of them, and their classes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = found.images.astype(np.float64)[:, None]
    scaled = (images - images.mean()) / images.std()
    return scaled.astype(np.float32), found.target.astype(np.int64)


def _pair_of(data: Any, name: str) -> tuple[Nest, Any]:
    if isinstance(data, tuple) and len(data) == 2:
        return data
    if isinstance(data, torch.utils.data.TensorDataset) and len(data.tensors) == 2:
        return data.tensors
    if not isinstance(data, tuple):
        pairs = [data[i] for i in range(len(data))]
        if pairs and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            inputs, labels = torch.utils.data.default_collate(pairs)
            return tuple(inputs) if isinstance(inputs, list) else inputs, labels
    must = f"be {DIGITS!r}, a pair of inputs and labels, or a Dataset of such pairs"
    raise ArgumentError(name, must, f"{type(data).__name__} of {len(data)}")


def _map_arrays(function: Any, nest: Nest) -> Nest:
    """A nest with its tensors as arrays and a function applied to each array."""
    if isinstance(nest, Tensor):
        return function(nest.numpy())
    if isinstance(nest, np.ndarray):
        return function(nest)
    if isinstance(nest, dict):
        return {key: _map_arrays(function, value) for key, value in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)([_map_arrays(function, value) for value in nest])
    return nest
