"""Sizes of what is alive in architectures, beside those that a space declares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cgraph.spaces.space import Architecture, Space


def live_sizes(space: Space, architectures: Iterable[Architecture]) -> dict[str, NDArray[np.int64]]:
    """Parameters and MACs of what the outputs of networks depend on.

    Parameters
    ----------
    space : Space
        The space.
    architectures : iterable of str or int
        Which of its architectures; each is composed.

    Returns
    -------
    dict of str to ndarray of int64, shape (n_architectures,)
        "n_parameters" and "macs", as `Space.sizes` has them for the networks as declared.

    Raises
    ------
    ArchitectureError
        If there is no such architecture.

    Examples
    --------
    >>> from cgraph.spaces import get
    >>> space = get("nasbench201")
    >>> dead = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    >>> live_sizes(space, [dead])["n_parameters"].tolist()
    [0]
    """
    graphs = [space.graph(arch, "network", "live") for arch in architectures]
    return {
        "n_parameters": np.array([graph.n_parameters for graph in graphs], dtype=np.int64),
        "macs": np.array([graph.macs for graph in graphs], dtype=np.int64),
    }
