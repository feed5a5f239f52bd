"""Where batches come from: Gaussian noise, crops of photographs, a user's samples or function.

A source makes a batch from a generator, so that the same seed gives the same batch anywhere, and
the classes of its samples where they are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.statistics.datasets import LabelledData, classes_of, digest_of
from cgraph.statistics.nests import Nest, batch_size, map_tensors, tensors_of

InputFunction: TypeAlias = Callable[[np.random.Generator, int, tuple[int, ...]], Nest]
LabelFunction: TypeAlias = Callable[[np.random.Generator, int], Tensor]


@dataclass(frozen=True, slots=True)
class InputSource:
    """A source of batches.

    Parameters
    ----------
    id : str
        What identifies it in a store.
    draw : callable
        From a generator, a batch size and the shape of one input to a batch.
    labels : callable, optional
        From a generator in the same state and a batch size to the classes of the batch.
    n_samples : int, optional
        How many samples there are, where they are not made as they are asked for.
    """

    id: str
    draw: InputFunction
    labels: LabelFunction | None = None
    n_samples: int | None = None


def input_source(inputs: Any, labels: Any = None) -> InputSource:
    """The source that the arguments `inputs` and `labels` mean.

    Parameters
    ----------
    inputs : {"gaussian", "crops"}, nest of Tensor, or callable
        Independent standard normal values; random crops of the two photographs that scikit-learn
        ships, normalised; samples of one's own, of which a batch has some at random; or a function
        of a generator, a batch size and the shape of one input.
    labels : array-like of int, shape (n_samples,), optional
        Classes of samples of one's own.

    Raises
    ------
    UnknownNameError
        If it is a name of no source.
    ArgumentError
        If it is none of these, or labels are not a class for each sample of one's own.

    Examples
    --------
    >>> input_source("gaussian").draw(np.random.default_rng(0), 2, (3,)).shape
    torch.Size([2, 3])
    """
    if labels is not None and (isinstance(inputs, str) or callable(inputs)):
        raise ArgumentError(
            "labels",
            "come with samples of your own",
            f"labels for inputs={inputs!r}" if isinstance(inputs, str) else "labels for a function",
            "give the samples as inputs=",
        )
    if isinstance(inputs, str):
        if inputs not in _SOURCES:
            raise UnknownNameError("inputs", inputs, _SOURCES)
        return InputSource(inputs, _SOURCES[inputs])
    if callable(inputs):
        name = getattr(inputs, "__qualname__", type(inputs).__qualname__)
        return InputSource(f"function {getattr(inputs, '__module__', '')}.{name}", inputs)
    inputs = map_tensors(Tensor.detach, inputs)
    if not any(True for _ in tensors_of(inputs)):
        raise ArgumentError(
            "inputs", "be 'gaussian', 'crops', a batch, or a function", type(inputs).__name__
        )
    size = batch_size(inputs)
    name = f"batch of {size}, {digest_of(inputs)}"
    if labels is None:
        return InputSource(name, _UserBatch(inputs, size), n_samples=size)
    classes = torch.from_numpy(classes_of(labels, size))
    name += f", labels {digest_of(classes)}"
    return InputSource(name, _UserBatch(inputs, size), _UserLabels(classes), size)


def source_of_data(data: LabelledData) -> InputSource:
    """The source of batches of labelled data, and of their classes."""
    return InputSource(data.id, _DataBatch(data), _DataLabels(data), len(data))


def gaussian(rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Tensor:
    """Independent standard normal values, float32, shape (size, *shape)."""
    return torch.from_numpy(rng.standard_normal((size, *shape), dtype=np.float32))


def crops(rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Tensor:
    """Random crops of photographs, float32, shape (size, channels, height, width).

    Crops are square on the photograph, from one to four times the size asked for, reduced to it by
    area, mirrored at random, and normalised channel by channel over the photographs.

    Raises
    ------
    ArgumentError
        If the shape is not that of an image with one or three channels.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ArgumentError(
            "inputs",
            "be other than 'crops' for inputs that are no images of 1 or 3 channels",
            shape,
        )
    return _crops_of(_photographs(), rng, size, shape)


def _crops_of(
    images: list[Tensor], rng: np.random.Generator, size: int, shape: tuple[int, ...]
) -> Tensor:
    channels, height, width = shape
    result = torch.empty(size, channels, height, width)
    for i in range(size):
        image = images[rng.integers(len(images))]
        largest = min(image.shape[1] / height, image.shape[2] / width)
        scale = rng.uniform(min(1.0, largest), min(4.0, largest))
        h, w = round(height * scale), round(width * scale)
        top = rng.integers(image.shape[1] - h + 1)
        left = rng.integers(image.shape[2] - w + 1)
        crop = image[:, top : top + h, left : left + w]
        if channels == 1:
            crop = crop.mean(0, keepdim=True)
        if rng.random() < 0.5:
            crop = crop.flip(2)
        result[i] = torch.nn.functional.interpolate(crop[None], (height, width), mode="area")[0]
    return result


@lru_cache(maxsize=1)
def _photographs() -> list[Tensor]:
    """The photographs, each float32 of shape (3, height, width), normalised over both."""
    from sklearn.datasets import load_sample_images

    images: list[NDArray[np.uint8]] = load_sample_images().images
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]).astype(np.float64)
    mean, std = pixels.mean(0), pixels.std(0)
    scaled = [((image - mean) / std).astype(np.float32) for image in images]
    return [torch.from_numpy(image.transpose(2, 0, 1).copy()) for image in scaled]


@dataclass(frozen=True, slots=True)
class _UserBatch:
    """Samples of a user's own; where a skeleton takes smaller images, crops of their images."""

    batch: Nest
    size: int

    def __call__(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Nest:
        is_tensor = isinstance(self.batch, Tensor)
        if not is_tensor or tuple(self.batch.shape[1:]) == shape:
            places = torch.from_numpy(_some(rng, size, self.size, "inputs"))
            return map_tensors(lambda t: t[places] if t.dim() else t, self.batch)
        if self.batch.dim() == 4 and len(shape) == 3 and shape[0] in (1, self.batch.shape[1]):
            return _crops_of(list(self.batch.float()), rng, size, shape)
        raise ArgumentError(
            "inputs",
            f"have samples of shape {shape}, or be images that crops of it can be cut from",
            f"samples of shape {tuple(self.batch.shape[1:])}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _UserLabels:
    """Classes of the samples that a `_UserBatch` gives for the same state of a generator."""

    labels: Tensor

    def __call__(self, rng: np.random.Generator, size: int) -> Tensor:
        return self.labels[torch.from_numpy(_some(rng, size, len(self.labels), "inputs"))]


@dataclass(frozen=True, slots=True)
class _DataBatch:
    """Samples of labelled data, images in the size that is asked for."""

    data: LabelledData

    def __call__(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Nest:
        return self.data.take(_some(rng, size, len(self.data), "data"), shape)


@dataclass(frozen=True, slots=True)
class _DataLabels:
    """Classes of the samples that a `_DataBatch` gives for the same state of a generator."""

    data: LabelledData

    def __call__(self, rng: np.random.Generator, size: int) -> Tensor:
        return self.data.classes(_some(rng, size, len(self.data), "data"))


def _some(rng: np.random.Generator, size: int, n_samples: int, name: str) -> NDArray[np.int64]:
    """Places of distinct samples; of a smaller batch they are the first of a larger."""
    if size > n_samples:
        raise ArgumentError(
            name,
            f"hold at least {size} samples for these statistics",
            n_samples,
            "give more samples, or choose a protocol with a smaller batch",
        )
    return rng.permutation(n_samples)[:size]


_SOURCES: dict[str, InputFunction] = {"gaussian": gaussian, "crops": crops}
