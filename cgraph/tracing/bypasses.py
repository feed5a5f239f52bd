"""What a program does to tensors without an operator that says so.

It sets the `.data` or an item of a tensor, reads values into Python and NumPy, and asks where a
tensor is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from cgraph.tracing.recorder import Recorder

# Without data these would read what is not there.
READERS = ("tolist", "numpy", "__dlpack__")


@contextmanager
def bypasses_of(recorder: Recorder) -> Iterator[None]:
    """A context in which a recorder sees what goes past it.

    Setting the `.data` of a real tensor is noted and does not change it; setting an item to a
    number is done as on the CPU; values that are not computed cannot be read; and meta tensors
    are where the program believes them to be.

    Parameters
    ----------
    recorder : Recorder
        The recorder that is running.
    """
    replaced: dict[str, Any] = {
        "data": _data_for(recorder),
        "__setitem__": _set_item_for(recorder),
        **{name: _reader_for(recorder, name) for name in READERS},
        **_places_for(recorder),
    }
    own = {name: vars(Tensor)[name] for name in replaced if name in vars(Tensor)}
    for name, value in replaced.items():
        setattr(Tensor, name, value)
    try:
        yield
    finally:
        for name in replaced:
            if name in own:
                setattr(Tensor, name, own[name])
            else:
                delattr(Tensor, name)


def _data_for(recorder: Recorder) -> property:
    plain: Any = torch._C.TensorBase.data
    stand_ins = recorder.stand_ins

    def get(tensor: Tensor) -> Any:
        stand_in = stand_ins.known(tensor) if stand_ins.is_hidden(tensor) else None
        return plain.__get__(tensor if stand_in is None else stand_in)

    def put(tensor: Tensor, data: Tensor) -> None:
        if stand_ins.known(tensor) is None:
            plain.__set__(tensor, data)
        else:
            recorder.give_data(tensor, data)

    return property(get, put)


def _places_for(recorder: Recorder) -> dict[str, property]:
    """The properties that say where a tensor is."""
    plain: Any = torch._C.TensorBase.device
    thread = threading.get_ident()

    def device(tensor: Tensor) -> torch.device:
        found: torch.device = plain.__get__(tensor)
        shown = recorder.shown_device
        if shown is None or found.type != "meta" or threading.get_ident() != thread:
            return found
        return shown

    return {
        "device": property(device),
        "is_cpu": property(lambda tensor: device(tensor).type == "cpu"),
        "is_cuda": property(lambda tensor: device(tensor).type == "cuda"),
        "is_meta": property(lambda tensor: device(tensor).type == "meta"),
    }


def _set_item_for(recorder: Recorder) -> Callable[..., None]:
    def set_item(tensor: Tensor, index: Any, value: Any) -> None:
        with recorder.assigning():
            torch._C.TensorBase.__setitem__(tensor, index, value)

    return set_item


def _reader_for(recorder: Recorder, name: str) -> Callable[..., Any]:
    plain = getattr(Tensor, name)

    def read(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        with _disable_current_modes():
            values = recorder.read(tensor)
            # What NumPy makes of them shares their memory, which is not the program's to change.
            return plain(values if values is tensor else values.clone(), *args, **kwargs)

    return read
