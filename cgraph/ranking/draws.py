"""Architectures drawn from a cluster, with what it took to draw them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Draws(list[str]):
    """Names of new architectures of a cluster, in the order found.

    Parameters
    ----------
    names : iterable of str
        The names.
    n_tried : int
        How many architectures were drawn and assigned to a cluster for them.
    n_accepted : int
        How many of those are of the cluster: as many as there are names, or a few more.
    n_mutated : int
        How many of those tried were mutations of members; the others were drawn from the space.

    Examples
    --------
    >>> drawn = Draws(["a", "b"], n_tried=8, n_accepted=2, n_mutated=0)
    >>> drawn, drawn.acceptance
    (['a', 'b'], 0.25)
    """

    def __init__(self, names: Iterable[str], n_tried: int, n_accepted: int, n_mutated: int) -> None:
        super().__init__(names)
        self.n_tried = n_tried
        self.n_accepted = n_accepted
        self.n_mutated = n_mutated

    @property
    def acceptance(self) -> float:
        """The share of those tried that are of the cluster."""
        return self.n_accepted / self.n_tried

    def told(self) -> str:
        """How they were found, in a line.

        Examples
        --------
        >>> Draws(["a", "b"], n_tried=8, n_accepted=4, n_mutated=3).told()
        '4 of 8 tried are of it (50 %), 3 of them mutations of members'
        """
        tried = f"{self.n_accepted:,} of {self.n_tried:,} tried are of it ({self.acceptance:.0%})"
        tried = tried.replace("%)", " %)")
        return f"{tried}, {self.n_mutated:,} of them mutations of members"


class MemberSource(Protocol):
    """What draws new members of a cluster of a space that is not listed."""

    def draw(self, cluster: int, n: int, random_state: int) -> Draws:
        """Architectures of a cluster that were not drawn before, none twice."""
