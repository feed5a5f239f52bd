"""A space of one's own that is all combinations of a few choices."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import prod
from typing import final

from cgraph.errors import ArgumentError
from cgraph.spaces.places import SEPARATOR
from cgraph.spaces.space import amount
from cgraph.spaces.traced import TracedSpace

MOST_LISTED = 5_000_000
"""Architectures that a space may have to be listed."""


class ChoiceSpace(TracedSpace):
    """All combinations of the options at each place, a network for each.

    A subclass sets `name`, `summary`, `source`, `input_shapes` and `choices`, and defines
    `build`. The string of an architecture is its options with "|" between; two architectures are
    neighbours where one option differs.

    Examples
    --------
    >>> from torch import nn
    >>> class Towers(ChoiceSpace):
    ...     name, summary, source = "towers", "three layers or fewer", "an example"
    ...     input_shapes = {"full": (8,)}
    ...     choices = (("linear", "relu", "none"),) * 3
    ...     def build(self, arch, skeleton):
    ...         layers = {"linear": nn.Linear(8, 8), "relu": nn.ReLU(), "none": nn.Identity()}
    ...         return nn.Sequential(*[layers[word] for word in arch.split("|")])
    >>> Towers()
    Towers('towers', 27 architectures)
    >>> Towers().neighbours("linear|relu|none")
    ('relu|relu|none', 'none|relu|none', 'linear|linear|none', 'linear|none|none', \
'linear|relu|linear', 'linear|relu|relu')
    """

    @final
    def architectures(self) -> tuple[str, ...]:
        """String of each combination; the options at the last place change first.

        Raises
        ------
        ArgumentError
            If `choices` are not so; says which.
        """
        return _combinations(tuple(tuple(options) for options in self.choices))


@cache
def _combinations(choices: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    if not choices:
        raise ArgumentError("choices", "be one sequence of options for each place", "none")
    for place, options in enumerate(choices):
        if not options or len(set(options)) != len(options):
            raise ArgumentError(f"choices[{place}]", "be different options, one at least", options)
        for option in options:
            if not isinstance(option, str) or not option or SEPARATOR in option:
                raise ArgumentError(
                    f"choices[{place}]", f"hold strings without {SEPARATOR!r}", repr(option)
                )
    size = prod(map(len, choices))
    if size > MOST_LISTED:
        raise ArgumentError(
            "choices",
            f"make {MOST_LISTED:,} architectures at most to be listed",
            amount(size),
            "make the class a SampledChoiceSpace, which is drawn from",
        )
    return tuple(SEPARATOR.join(words) for words in product(*choices))
