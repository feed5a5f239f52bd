"""Tensors that stand in for real ones while a model is recorded.

A stand-in has the shape, strides and element type of the real tensor and shares a storage with
another stand-in exactly where the real ones share theirs. Three engines make them: meta tensors
(quick, everything on PyTorch's meta device), fake tensors (no data either, but each on the
device of the real one) and copies with data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor
from torch._subclasses import fake_tensor

from cgraph.errors import TraceError

Engine = Literal["meta", "fake", "real"]


class StandIns:
    """Stand-ins for real tensors, the same one for the same tensor.

    Parameters
    ----------
    engine : {"meta", "fake", "real"}
        What they are: meta tensors, fake tensors, or copies.
    autograd : bool, default=False
        Whether a stand-in requires a gradient where the real tensor does.
    """

    def __init__(self, engine: Engine, autograd: bool = False) -> None:
        self.engine = engine
        self.autograd = autograd
        self._made: dict[int, tuple[Tensor, Tensor]] = {}  # by identity; the real one is held
        self._flat: dict[tuple[int, torch.dtype], Tensor] = {}  # over each storage
        self._hidden: set[int] = set()
        self._mode = (
            fake_tensor.FakeTensorMode(allow_non_fake_inputs=True) if engine == "fake" else None
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """A context in which operators run on the stand-ins."""
        if self._mode is None:
            yield
            return
        # PyTorch logs a traceback for each operator that fails on fake tensors; we raise.
        was_disabled, fake_tensor.log.disabled = fake_tensor.log.disabled, True
        try:
            with self._mode:
                yield
        finally:
            fake_tensor.log.disabled = was_disabled

    def run_anew(self) -> None:
        """Let no call of an operator be looked up among those that fake tensors remember.

        They compare arguments, which packed weights do not allow.
        """
        if self._mode is not None:
            self._mode.cache_enabled = False

    def known(self, real: Tensor) -> Tensor | None:
        """The stand-in that was made for a tensor; None where none was."""
        made = self._made.get(id(real))
        return made[1] if made else None

    def rebind(self, real: Tensor, stand_in: Tensor) -> None:
        """Let another tensor stand in for a real one, whose `.data` it has become."""
        self._made[id(real)] = (real, stand_in)
        self.hide(real)

    def hide(self, real: Tensor) -> None:
        """Let the values of a real tensor not be the program's to ask for."""
        self._hidden.add(id(real))

    def is_hidden(self, real: Tensor) -> bool:
        """Whether a tensor is real, but its values are not the program's."""
        return id(real) in self._hidden

    def of(self, real: Tensor) -> Tensor:
        """The stand-in for a tensor.

        Raises
        ------
        TraceError
            If copies are asked for and the tensor is on the meta device.
        """
        made = self._made.get(id(real))
        if made is None:
            stand_in = self._make(real)
            if self.autograd and real.requires_grad:
                stand_in.requires_grad_()
            made = self._made[id(real)] = (real, stand_in)
        return made[1]

    def _make(self, real: Tensor) -> Tensor:
        is_fake = isinstance(real, fake_tensor.FakeTensor)
        if self.engine == "real" and (is_fake or real.device.type == "meta"):
            raise TraceError(
                "", "it has meta or fake tensors, which hold no data", "pass fake=True"
            )
        if real.is_nested:
            raise TraceError(
                "", "it has nested tensors, which have no shape", "pad them, and pass a mask"
            )
        with torch.no_grad():
            if not is_fake and type(real) not in (Tensor, torch.nn.Parameter, torch.nn.Buffer):
                return self._other(real)
            if real.layout is not torch.strided or real.is_quantized:
                return self._other(real)
            storage = real.untyped_storage()
            n_elements, rest = divmod(storage.nbytes(), real.element_size())
            if rest:
                return self._other(real)
            key = (int(storage._cdata), real.dtype)
            flat = self._flat.get(key)
            if flat is None:
                flat = self._flat[key] = self._over_storage(real, n_elements)
            return flat.as_strided(real.shape, real.stride(), real.storage_offset())

    def _over_storage(self, real: Tensor, n_elements: int) -> Tensor:
        """A flat stand-in for everything that the storage of a tensor holds."""
        if self.engine == "real":
            return real.detach().as_strided((n_elements,), (1,), 0).clone()
        flat = torch.empty(n_elements, dtype=real.dtype, device="meta")
        if self._mode is None:
            return flat
        device = torch.device("cpu") if real.device.type == "meta" else real.device
        return fake_tensor.FakeTensor(self._mode, flat, device)

    def _other(self, real: Tensor) -> Tensor:
        """A stand-in that shares nothing: sparse, quantised, a subclass."""
        if self.engine == "real":
            return real.detach().clone()
        if real.layout is not torch.strided:
            layout = str(real.layout).removeprefix("torch.")
            raise TraceError(
                "",
                f"the size of a tensor of layout {layout} depends on its values",
                "pass fake=False to run it on copies of the real tensors",
            )
        if self._mode is not None:
            return self._mode.from_tensor(real.detach())
        return real.detach().to("meta")
