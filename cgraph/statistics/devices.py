"""Where networks are run: the processor, or an accelerator that PyTorch can use."""

from __future__ import annotations

import torch

from cgraph import checks
from cgraph.errors import ArgumentError


def device_of(device: str | torch.device) -> torch.device:
    """The device that an argument `device` means, once it is known to work.

    Parameters
    ----------
    device : str or torch.device
        "cpu", "cuda", "cuda:1", ...

    Raises
    ------
    ArgumentError
        If there is no such device, or this PyTorch cannot use it in double precision.

    Examples
    --------
    >>> device_of("cpu")
    device(type='cpu')
    """
    must = "be a device that this PyTorch can compute on"
    try:
        if not isinstance(device, str | torch.device):
            raise TypeError
        found = torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        came = checks.came(device)
        raise ArgumentError("device", must, came, "such as 'cpu' or 'cuda'") from error
    if found.type == "meta":
        raise ArgumentError("device", must, repr(device), "'meta' holds no values")
    try:
        torch.zeros((), dtype=torch.float64, device=found)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "leave device='cpu', or install a build of PyTorch for the device"
        raise ArgumentError("device", must, f"{str(device)!r} ({problem})", hint) from error
    return found
