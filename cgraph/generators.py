"""The random generators of the process: held by one thread at a time, and put back as they were.

PyTorch's layers, dropout and much of what others write draw from generators that all threads of a
process share. What cgraph runs of a model is run with them held: two threads that evaluate, measure
or capture get the values of one, and the caller's next draw is what it would have been.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

HELD = threading.RLock()
"""Held while generators or other switches of the whole process are not as the caller left them."""

# A fork has none of the threads that might hold it, and would wait for ever.
os.register_at_fork(after_in_child=HELD._at_fork_reinit)  # type: ignore[attr-defined]


@contextmanager
def untouched_generators(device: torch.device | None = None) -> Iterator[None]:
    """A block after which the generators of torch, numpy and Python are as they were.

    One thread at a time is in such a block, so that no other draws in between.

    Parameters
    ----------
    device : torch.device, optional
        A device that is about to be used; those in use are put back too.
    """
    import torch

    with HELD:
        if device is not None and device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]
        devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        of_python, of_numpy = random.getstate(), _numpy_state()
        try:
            with torch.random.fork_rng(devices=devices):
                yield
        finally:
            random.setstate(of_python)
            if of_numpy is not None:
                sys.modules["numpy"].random.set_state(of_numpy)


def seed_generators(seed: int) -> None:
    """Seed the generators of torch, numpy and Python, within `untouched_generators`.

    Parameters
    ----------
    seed : int
        At least 0; its last 32 bits for numpy, which takes no more.
    """
    import numpy as np
    import torch

    if torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:  # a tenth of the time: no seed is put down for devices that are not there
        torch.default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - what others draw from


def _numpy_state() -> Any:
    # What has not been imported has not been drawn from.
    numpy = sys.modules.get("numpy")
    return None if numpy is None else numpy.random.get_state()
