"""The spaces that ship, by name."""

from __future__ import annotations

from cgraph.registry import Table
from cgraph.spaces.nasbench101.space import NASBench101
from cgraph.spaces.nasbench201.space import NASBench201
from cgraph.spaces.space import Space

SPACES: Table[Space] = Table("space", [NASBench101(), NASBench201()])


def get(name: str) -> Space:
    """A search space, by its name.

    Parameters
    ----------
    name : str
        One of `available()`.

    Raises
    ------
    UnknownNameError
        If there is no such space; lists the near names.

    Examples
    --------
    >>> get("nasbench201")
    NASBench201('nasbench201', 15,625 architectures)
    """
    return SPACES[name]


def available() -> tuple[str, ...]:
    """Names of the search spaces that `get` knows.

    Examples
    --------
    >>> available()
    ('nasbench101', 'nasbench201')
    """
    return tuple(SPACES)
