"""Tensors without data that stand in for real ones while a model is recorded.

A stand-in has the shape, strides and element type of the real tensor, lives on PyTorch's meta
device and shares a storage with another stand-in exactly where the real ones share theirs. With
real data asked for, it is a copy instead, so that the caller's tensors are never written.
"""

from __future__ import annotations

import torch
from torch import Tensor


class StandIns:
    """Stand-ins for real tensors, the same one for the same tensor.

    Parameters
    ----------
    fake : bool
        Whether they hold no data (meta tensors) or a copy of it.
    """

    def __init__(self, fake: bool) -> None:
        self.fake = fake
        self._made: dict[int, tuple[Tensor, Tensor]] = {}  # by identity; the real one is held
        self._storages: dict[int, Tensor] = {}  # a flat tensor over each stand-in storage

    def of(self, real: Tensor) -> Tensor:
        """The stand-in for a tensor.

        Returns
        -------
        Tensor
            Not requiring a gradient.
        """
        made = self._made.get(id(real))
        if made is None:
            made = self._made[id(real)] = (real, self._make(real))
        return made[1]

    def _make(self, real: Tensor) -> Tensor:
        with torch.no_grad():
            if real.layout != torch.strided or real.is_quantized or _is_subclass(real):
                return real.to("meta") if self.fake else real.clone()
            storage = real.untyped_storage()
            size = real.element_size()
            n_elements, rest = divmod(storage.nbytes(), size)
            key = storage._cdata
            flat = self._storages.get(key)
            if flat is None or flat.dtype != real.dtype:
                if rest or flat is not None:  # seen with another element type
                    raise NotImplementedError("tensors of two element types share one storage")
                flat = self._flat(real, n_elements)
                self._storages[key] = flat
            return flat.as_strided(real.shape, real.stride(), real.storage_offset())

    def _flat(self, real: Tensor, n_elements: int) -> Tensor:
        if self.fake:
            return torch.empty(n_elements, dtype=real.dtype, device="meta")
        return real.detach().as_strided((n_elements,), (1,), 0).clone()


def _is_subclass(tensor: Tensor) -> bool:
    return type(tensor) not in (Tensor, torch.nn.Parameter, torch.nn.Buffer)
