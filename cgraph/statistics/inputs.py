"""Where batches come from: Gaussian noise, crops of photographs, a user's batch or function.

A source makes a batch from a generator, so that the same seed gives the same batch anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.statistics.nests import Nest, batch_size, head, map_tensors, tensors_of

InputFunction: TypeAlias = Callable[[np.random.Generator, int, tuple[int, ...]], Nest]


@dataclass(frozen=True, slots=True)
class InputSource:
    """A source of batches.

    Parameters
    ----------
    id : str
        What identifies it in a store.
    draw : callable
        From a generator, a batch size and the shape of one input to a batch.
    """

    id: str
    draw: InputFunction


def input_source(inputs: Any) -> InputSource:
    """The source that the argument `inputs` means.

    Parameters
    ----------
    inputs : {"gaussian", "crops"}, nest of Tensor, or callable
        Independent standard normal values; random crops of the two photographs that scikit-learn
        ships, normalised; a batch of one's own, whose head is used; or a function of a generator,
        a batch size and the shape of one input.

    Raises
    ------
    UnknownNameError
        If it is a name of no source.
    ArgumentError
        If it is none of these.

    Examples
    --------
    >>> input_source("gaussian").draw(np.random.default_rng(0), 2, (3,)).shape
    torch.Size([2, 3])
    """
    if isinstance(inputs, str):
        if inputs not in _SOURCES:
            raise UnknownNameError("inputs", inputs, _SOURCES)
        return InputSource(inputs, _SOURCES[inputs])
    if callable(inputs):
        name = getattr(inputs, "__qualname__", type(inputs).__qualname__)
        return InputSource(f"function {getattr(inputs, '__module__', '')}.{name}", inputs)
    if isinstance(inputs, np.ndarray):
        inputs = torch.as_tensor(inputs)
    if not any(True for _ in tensors_of(inputs)):
        raise ArgumentError(
            "inputs", "be 'gaussian', 'crops', a batch, or a function", type(inputs).__name__
        )
    size = batch_size(inputs)
    inputs = map_tensors(Tensor.detach, inputs)
    return InputSource(f"batch of {size}, {_digest(inputs)}", _UserBatch(inputs, size))


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
    """The head of a user's batch; where a skeleton takes smaller images, crops of its images."""

    batch: Nest
    size: int

    def __call__(self, rng: np.random.Generator, size: int, shape: tuple[int, ...]) -> Nest:
        is_tensor = isinstance(self.batch, Tensor)
        if not is_tensor or tuple(self.batch.shape[1:]) == shape:
            if size > self.size:
                raise ArgumentError(
                    "inputs",
                    f"hold at least {size} samples for these statistics",
                    self.size,
                    "give more samples, or choose a protocol with a smaller batch",
                )
            return head(self.batch, size)
        if self.batch.dim() == 4 and len(shape) == 3 and shape[0] in (1, self.batch.shape[1]):
            return _crops_of(list(self.batch.float()), rng, size, shape)
        raise ArgumentError(
            "inputs",
            f"have samples of shape {shape}, or be images that crops of it can be cut from",
            f"samples of shape {tuple(self.batch.shape[1:])}",
        )


_SOURCES: dict[str, InputFunction] = {"gaussian": gaussian, "crops": crops}


def _digest(inputs: Nest) -> str:
    state = hashlib.blake2b(digest_size=8)
    for tensor in tensors_of(inputs):
        state.update(repr((tuple(tensor.shape), str(tensor.dtype))).encode())
        state.update(tensor.contiguous().cpu().view(torch.uint8).numpy().tobytes())
    return state.hexdigest()
