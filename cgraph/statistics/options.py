"""The choices that distinguish protocols of one definition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of a protocol; each definition reads its own.

    Parameters
    ----------
    k : float, default=1e-5
        Constant that NASWOT version 1 adds to eigenvalues.
    is_one_logit : bool, default=False
        Whether the objective is one logit, as of a network with one class, not the sum of all.
    is_reachable_only : bool, default=False
        Whether only rectifiers that receive a gradient count.
    """

    k: float = 1e-5
    is_one_logit: bool = False
    is_reachable_only: bool = False
