"""Limits that networks have to keep, as people write them, and how close the others come.

A limit is an upper bound on one number a network has: bytes of parameters, a measured latency or
energy, the bytes that are missing on a device. A number that is not known keeps no limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.errors import ArgumentError
from cgraph.hardware.sizes import packed_bytes, stored_bits

# Factors to the unit that a limit is kept in: bytes, milliseconds, millijoules.
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_MILLIJOULES = {"uJ": 1e-3, "mJ": 1.0, "J": 1e3}

_AMOUNT = r"(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]+)"


@dataclass(frozen=True, slots=True)
class Limit:
    """An upper bound on one number of each network.

    Parameters
    ----------
    name : str
        What is limited, in words: "parameters at int8".
    most : float
        The largest value that is allowed.
    unit : str
        Unit of `most`, and of the values it is compared with.
    """

    name: str
    most: float
    unit: str

    def allows(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Whether each network keeps the limit.

        Parameters
        ----------
        values : array-like of float, shape (n_networks,)
            In the unit of the limit; NaN where a value is not known.

        Returns
        -------
        ndarray of bool, shape (n_networks,)
            False where the value is larger, or is not known.
        """
        return np.asarray(values, dtype=np.float64) <= self.most

    def __str__(self) -> str:
        return f"{self.name} <= {self.most:,.10g} {self.unit}"


@dataclass(frozen=True, slots=True)
class ParameterLimit:
    """A limit on the bytes of the parameters, and the type they are stored in.

    Parameters
    ----------
    limit : Limit
        In bytes.
    dtype : str
        Type that each parameter is stored in.
    """

    limit: Limit
    dtype: str

    def allows(self, n_parameters: ArrayLike) -> NDArray[np.bool_]:
        """Whether networks with so many parameters keep the limit, shape (n_networks,)."""
        return self.limit.allows(self.bytes_of(n_parameters))

    def bytes_of(self, n_parameters: ArrayLike) -> NDArray[np.int64]:
        """Bytes of so many parameters, shape (n_networks,)."""
        return packed_bytes(np.asarray(n_parameters, dtype=np.int64), self.dtype)


@dataclass(frozen=True, slots=True)
class MeasuredLimit:
    """A limit on a measured quantity, and the device it was measured on.

    Parameters
    ----------
    limit : Limit
        In milliseconds or millijoules.
    device : str
        As `measured_column` takes it.
    quantity : {"latency", "energy"}
        As `measured_column` takes it.
    """

    limit: Limit
    device: str
    quantity: str


def parse_parameter_limit(text: str) -> ParameterLimit:
    """A limit such as "0.5MB@int8", "300 KiB@fp16" or "1MB" (at float32).

    Parameters
    ----------
    text : str
        An amount with its unit (B, kB, MB, GB; KiB, MiB, GiB for powers of 1,024) and, after an
        "@", the type that parameters are stored in.

    Returns
    -------
    ParameterLimit

    Raises
    ------
    ArgumentError
        If the text does not read so.

    Examples
    --------
    >>> half = parse_parameter_limit("0.5MB@int8")
    >>> print(half.limit)
    parameters at int8 <= 500,000 bytes
    >>> half.allows([400_000, 600_000])
    array([ True, False])
    """
    amount, _, dtype = text.partition("@")
    dtype = dtype.strip() or "float32"
    stored_bits(dtype)
    most = _amount(amount, _BYTES, "text", "be an amount and a type, as in '0.5MB@int8'", text)
    return ParameterLimit(Limit(f"parameters at {dtype}", most, "bytes"), dtype)


def parse_measured_limit(text: str, quantity: str = "latency") -> MeasuredLimit:
    """A limit such as "raspi4=20ms", or "eyeriss=2mJ" for the energy.

    Parameters
    ----------
    text : str
        A device and an amount with its unit: us, ms, s, or uJ, mJ, J.
    quantity : {"latency", "energy"}, default="latency"
        What is limited.

    Returns
    -------
    MeasuredLimit

    Raises
    ------
    ArgumentError
        If the text does not read so, or `quantity` is another one.

    Examples
    --------
    >>> print(parse_measured_limit("raspi4=0.02s").limit)
    latency on raspi4 <= 20 ms
    """
    known = {"latency": (_MILLISECONDS, "ms"), "energy": (_MILLIJOULES, "mJ")}
    if quantity not in known:
        raise ArgumentError("quantity", f"be one of {', '.join(known)}", repr(quantity))
    units, unit = known[quantity]
    device, _, amount = (part.strip() for part in text.partition("="))
    must = f"be a device and an amount, as in 'raspi4=20{unit}'"
    if not device:
        raise ArgumentError("text", must, repr(text))
    most = _amount(amount, units, "text", must, text)
    return MeasuredLimit(Limit(f"{quantity} on {device}", most, unit), device, quantity)


def keep(values: ArrayLike, limit: Limit, names: Sequence[str]) -> NDArray[np.int64]:
    """Indices of the networks that keep a limit.

    Parameters
    ----------
    values : array-like of float, shape (n_networks,)
        In the unit of the limit; NaN where a value is not known.
    limit : Limit
        The limit.
    names : sequence of str, length n_networks
        Names of the networks, for the error.

    Returns
    -------
    ndarray of int64, shape (n_kept,)
        Ascending, at least one.

    Raises
    ------
    ArgumentError
        If no network keeps the limit; says how close the nearest ones come.

    Examples
    --------
    >>> keep([3.0, 25.0], Limit("latency on raspi4", 20, "ms"), ["small", "large"])
    array([0])
    >>> keep([30.0, 25.0], Limit("latency on raspi4", 20, "ms"), ["first", "second"])
    Traceback (most recent call last):
        ...
    cgraph.errors.ArgumentError: latency on raspi4 must be <= 20 ms for some network, got \
25 ms ('second'), 30 ms ('first') at the nearest
    """
    array = np.asarray(values, dtype=np.float64)
    kept = np.flatnonzero(limit.allows(array))
    if len(kept):
        return kept.astype(np.int64)
    order = np.argsort(array, kind="stable")  # NaN last
    nearest = [
        f"{array[i]:,.10g} {limit.unit} ({names[i]!r})" for i in order[:3] if not np.isnan(array[i])
    ]
    raise ArgumentError(
        limit.name,
        f"be <= {limit.most:,.10g} {limit.unit} for some network",
        f"{', '.join(nearest)} at the nearest" if nearest else "no network with a known value",
    )


def _amount(text: str, units: Mapping[str, float], argument: str, must: str, whole: str) -> float:
    match = re.fullmatch(_AMOUNT, text.strip())
    if match is None or match.group(2) not in units:
        raise ArgumentError(argument, must, repr(whole), f"units are {', '.join(units)}")
    return float(match.group(1)) * units[match.group(2)]
