"""Choices, place by place: how many there are, drawing one, reading one, the ones next to it.

A place is a sequence of options, or a mapping where an option opens further places: a depth, say,
that as many layers follow. An architecture is the options it chooses, in the order of the places,
what an option opens right behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np

from cgraph.errors import ArchitectureError, ArgumentError

SEPARATOR = "|"
"""Between the options in the string of an architecture."""

Choices: TypeAlias = "Sequence[Sequence[str] | Mapping[str, Choices]]"
"""Options at each place, or the places that each option opens."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place where one option is chosen.

    Parameters
    ----------
    options : tuple of str
        What may be chosen.
    opened : tuple of tuple of Place
        The places that each option opens.
    sizes : tuple of int
        How many ways there are to fill the places that each option opens.
    is_opening : bool
        Whether its options open places.
    number : dict of str to int
        The number of each option.
    """

    options: tuple[str, ...]
    opened: tuple[Places, ...]
    sizes: tuple[int, ...]
    is_opening: bool
    number: dict[str, int]

    @property
    def size(self) -> int:
        """How many ways there are to fill this place and what it opens."""
        return sum(self.sizes)


Places: TypeAlias = tuple[Place, ...]


def places_of(choices: Choices, name: str = "choices") -> Places:
    """Places as values, checked.

    Parameters
    ----------
    choices : sequence
        As `Choices`.
    name : str, default="choices"
        What they are called in an error.

    Raises
    ------
    ArgumentError
        If a place has no option, one twice, or one that is not a string without "|".
    """
    if isinstance(choices, str) or not isinstance(choices, Sequence):
        raise ArgumentError(name, "be a sequence of places", repr(choices)[:200])
    return tuple(_place(options, f"{name}[{i}]") for i, options in enumerate(choices))


def count(places: Places) -> int:
    """How many ways there are to fill places: an exact number.

    Examples
    --------
    >>> count(places_of([("a", "b"), {"1": [("x", "y")], "2": [("x", "y")] * 2}]))
    12
    """
    return prod(place.size for place in places)


def draw(places: Places, rng: np.random.Generator) -> list[str]:
    """A way to fill places; each is as likely as any other."""
    words = []
    for place in places:
        number = _below(place.size, rng)
        k = 0
        while number >= place.sizes[k]:
            number -= place.sizes[k]
            k += 1
        words += [place.options[k], *draw(place.opened[k], rng)]
    return words


def check(places: Places, words: Sequence[str], space: str) -> None:
    """Raise where words do not fill places.

    Raises
    ------
    ArchitectureError
        Says at which word, and what stands there.
    """
    n_read = _read(places, words, 0, space)
    if n_read < len(words):
        raise ArchitectureError(
            "arch", f"have {n_read} options to be one of {space}", f"{len(words)}",
            f"behind the last one stands {words[n_read]!r:.100}",
        )  # fmt: skip


def next_to(places: Places, words: Sequence[str]) -> Iterator[list[str]]:
    """The ways to fill places that differ by one choice.

    At a place whose options open others it is the option before or after the chosen one: what both
    open in common keeps its words, and what only the other opens is filled in every way.
    """
    start = 0
    for place in places:
        k = place.number[words[start]]
        inner = place.opened[k]
        end = start + 1 + _length(inner, words, start + 1)
        before, own, after = list(words[:start]), words[start + 1 : end], list(words[end:])
        for j, option in enumerate(place.options):
            if j == k or (place.is_opening and abs(j - k) > 1):
                continue
            for filled in _refilled(inner, place.opened[j], own):
                yield [*before, option, *filled, *after]
        for changed in next_to(inner, own):
            yield [*before, place.options[k], *changed, *after]
        start = end


def _place(options: object, name: str) -> Place:
    is_opening = isinstance(options, Mapping)
    if isinstance(options, str) or not isinstance(options, Sequence | Mapping) or not options:
        raise ArgumentError(name, "be different options, one at least", repr(options)[:200])
    if len(set(options)) != len(options):
        raise ArgumentError(name, "be different options, one at least", repr(options)[:200])
    for option in options:
        if not isinstance(option, str) or not option or SEPARATOR in option:
            raise ArgumentError(name, f"hold strings without {SEPARATOR!r}", repr(option)[:200])
    opened: tuple[Places, ...] = ((),) * len(options)
    if isinstance(options, Mapping):
        opened = tuple(places_of(inner, f"{name}[{key!r}]") for key, inner in options.items())
    number = {option: k for k, option in enumerate(options)}
    return Place(tuple(options), opened, tuple(map(count, opened)), is_opening, number)


def _below(size: int, rng: np.random.Generator) -> int:
    """A whole number from 0 to size - 1, however large."""
    if size <= 1 << 32:
        return int(rng.integers(size))
    n_bytes = (size.bit_length() + 7) // 8 + 8  # the rest of a division is even to 2^-64
    return int.from_bytes(rng.bytes(n_bytes), "little") % size


def _read(places: Places, words: Sequence[str], start: int, space: str) -> int:
    """Where the words end that fill places from `start` on."""
    for place in places:
        found = words[start] if start < len(words) else None
        if found is None or found not in place.number:
            shown = ", ".join(place.options[:8]) + (", ..." if len(place.options) > 8 else "")
            raise ArchitectureError(
                "arch",
                f"have one of {shown} as option {start + 1} to be one of {space}",
                "none" if found is None else repr(found)[:200],
            )
        start = _read(place.opened[place.number[found]], words, start + 1, space)
    return start


def _length(places: Places, words: Sequence[str], start: int) -> int:
    """How many words fill places from `start` on."""
    end = start
    for place in places:
        k = place.number[words[end]]
        end += 1 + _length(place.opened[k], words, end + 1)
    return end - start


def _refilled(old: Places, new: Places, words: Sequence[str]) -> Iterator[list[str]]:
    """Ways to fill other places that keep the words of the places that are the same."""
    kept = 0
    while kept < min(len(old), len(new)) and old[kept] == new[kept]:
        kept += 1
    head = list(words[: _length(old[:kept], words, 0)])
    return ([*head, *tail] for tail in _every(new[kept:]))


def _every(places: Places) -> Iterator[list[str]]:
    """Every way to fill places."""
    if not places:
        yield []
        return
    for option, opened in zip(places[0].options, places[0].opened, strict=True):
        for inner in _every(opened):
            for rest in _every(places[1:]):
                yield [option, *inner, *rest]
