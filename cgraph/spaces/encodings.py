"""Architectures as values of named parameters, as hyperparameter searchers see a space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.registry import Table
from cgraph.spaces.places import SEPARATOR, Choices, Place, places_of

if TYPE_CHECKING:
    from cgraph.spaces.space import Space

Value: TypeAlias = "str | int"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the architectures of a space are values of parameters.

    Parameters
    ----------
    name : str
        Name of the space.
    choices : mapping of str to tuple
        The values of each parameter, in order.
    encode : callable
        From the string of an architecture to the value of each parameter.
    decode : callable
        From the value of each parameter to the string of the architecture.
    """

    name: str
    choices: Mapping[str, tuple[Value, ...]]
    encode: Callable[[str], dict[str, Value]]
    decode: Callable[[Mapping[str, Value]], str]


def encoding_of(space: Space) -> Encoding:
    """The encoding of a space: its own, by its choices, or one parameter for the whole string.

    Parameters
    ----------
    space : Space
        Any space.

    Examples
    --------
    >>> from cgraph.spaces import get
    >>> encoding = encoding_of(get("nasbench201"))
    >>> list(encoding.choices)[:2], encoding.choices["edge_0_1"][:3]
    (['edge_0_1', 'edge_0_2'], ('none', 'skip_connect', 'nor_conv_1x1'))
    """
    if space.name in _OWN:
        return _OWN[space.name].make(space)
    whole = getattr(space, "space", space)  # what a space of drawn architectures is drawn from
    choices = getattr(whole, "choices", ())
    return _of_choices(space, choices) if choices else _of_strings(space)


def checked(encoding: Encoding, values: Mapping[str, Any]) -> dict[str, Value]:
    """The values of all parameters, each one that it can have.

    Raises
    ------
    ArgumentError
        If one is missing or cannot be had.
    """
    found: dict[str, Value] = {}
    for name, options in encoding.choices.items():
        if name not in values:
            raise ArgumentError("values", f"have one for {name!r}", f"{list(values)}"[:200])
        if not isinstance(values[name], str | int) or values[name] not in options:
            raise ArgumentError(name, f"be one of {options}"[:200], checks.came(values[name]))
        found[name] = values[name]
    return found


def _of_strings(space: Space) -> Encoding:
    return Encoding(
        space.name,
        {"architecture": space.architectures()},
        lambda text: {"architecture": text},
        lambda values: str(values["architecture"]),
    )


def _of_choices(space: Space, choices: Choices) -> Encoding:
    """A parameter for each place; those that are not open have their first option."""
    named = [(f"choice_{i}", place) for i, place in enumerate(places_of(choices))]
    options = dict(_options(named))

    def encode(text: str) -> dict[str, Value]:
        values = {name: words[0] for name, words in options.items()}
        words = iter(text.split(SEPARATOR))
        values.update(_walk(named, lambda _: next(words)))
        return values

    def decode(values: Mapping[str, Value]) -> str:
        return SEPARATOR.join(str(word) for _, word in _walk(named, values.__getitem__))

    return Encoding(space.name, options, encode, decode)


NamedPlace: TypeAlias = "tuple[str, Place]"


def _opened(name: str, place: Place, k: int) -> list[NamedPlace]:
    """The places that an option opens; one that other options open as well has one name."""
    found = []
    for i, inner in enumerate(place.opened[k]):
        is_shared = all(other[i] == inner for other in place.opened if i < len(other))
        found.append((f"{name}.{i}" if is_shared else f"{name}={place.options[k]}.{i}", inner))
    return found


def _options(named: Iterable[NamedPlace]) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """Names and options of places and of all that they may open."""
    for name, place in named:
        yield name, place.options
        for k in range(len(place.options)):
            yield from _options(_opened(name, place, k))


def _walk(
    named: Iterable[NamedPlace], word_of: Callable[[str], Value]
) -> Iterator[tuple[str, Value]]:
    """Names and words of the places that are open, in the order of the string."""
    for name, place in named:
        word = word_of(name)
        yield name, word
        yield from _walk(_opened(name, place, place.number[str(word)]), word_of)


def _of_nasbench201(space: Space) -> Encoding:
    from cgraph.spaces.nasbench201.notation import EDGES, OPERATIONS, format_operations, parse

    names = [f"edge_{x}_{y}" for x, y in EDGES]

    def encode(text: str) -> dict[str, Value]:
        return {name: OPERATIONS[k] for name, k in zip(names, parse(text), strict=True)}

    def decode(values: Mapping[str, Value]) -> str:
        return format_operations(OPERATIONS.index(str(values[name])) for name in names)

    return Encoding(space.name, dict.fromkeys(names, tuple(OPERATIONS)), encode, decode)


def _of_nasbench101(space: Space) -> Encoding:
    """Vertices 1 to 5 have operations; what is off every path is pruned, as the authors do."""
    from cgraph.spaces.nasbench101.cells import MAX_VERTICES, OPERATIONS, from_matrix
    from cgraph.spaces.nasbench101.notation import format_cell, parse

    last = MAX_VERTICES - 1
    vertices = [f"vertex_{v}" for v in range(1, last)]
    edges = {f"edge_{x}_{y}": (x, y) for y in range(1, MAX_VERTICES) for x in range(y)}
    choices: dict[str, tuple[Value, ...]] = {
        **dict.fromkeys(vertices, tuple(OPERATIONS)),
        **dict.fromkeys(edges, (0, 1)),
    }

    def encode(text: str) -> dict[str, Value]:
        cell = parse(text)
        # The output is the last vertex, however few are before it.
        place = [*range(cell.n_vertices - 1), last]
        values: dict[str, Value] = {
            **dict.fromkeys(vertices, OPERATIONS[0]),
            **dict.fromkeys(edges, 0),
        }
        for vertex, operation in enumerate(cell.operations, start=1):
            values[f"vertex_{vertex}"] = OPERATIONS[operation]
        for y in range(1, cell.n_vertices):
            for x in cell.sources(y):
                values[f"edge_{place[x]}_{place[y]}"] = 1
        return values

    def decode(values: Mapping[str, Value]) -> str:
        matrix = [[0] * MAX_VERTICES for _ in range(MAX_VERTICES)]
        for name, (x, y) in edges.items():
            matrix[x][y] = int(values[name])
        cell = from_matrix(matrix, [str(values[name]) for name in vertices])
        return space.architectures()[space.index(format_cell(cell))]

    return Encoding(space.name, choices, encode, decode)


def _of_nasbenchgraph(space: Space) -> Encoding:
    """Each operation says what it is and what it reads; the first reads the input."""
    from cgraph.spaces.nasbenchgraph.notation import N_NODES, OPERATIONS, format_nodes, parse

    operations = [f"operation_{node}" for node in range(1, N_NODES + 1)]
    sources = [f"source_{node}" for node in range(2, N_NODES + 1)]
    choices: dict[str, tuple[Value, ...]] = {
        **dict.fromkeys(operations, OPERATIONS),
        **{name: tuple(range(node)) for node, name in enumerate(sources, start=2)},
    }

    def encode(text: str) -> dict[str, Value]:
        links, kinds = parse(text)
        return {
            **{name: OPERATIONS[k] for name, k in zip(operations, kinds, strict=True)},
            **dict(zip(sources, links[1:], strict=True)),
        }

    def decode(values: Mapping[str, Value]) -> str:
        links = [0, *(int(values[name]) for name in sources)]
        kinds = [OPERATIONS.index(str(values[name])) for name in operations]
        return space.architectures()[space.index(format_nodes(links, kinds))]

    return Encoding(space.name, choices, encode, decode)


@dataclass(frozen=True, slots=True)
class _Maker:
    """A space that has an encoding of its own."""

    name: str
    make: Callable[[Space], Encoding]


_OWN: Table[_Maker] = Table(
    "space",
    [
        _Maker("nasbench101", _of_nasbench101),
        _Maker("nasbench201", _of_nasbench201),
        _Maker("nasbenchgraph", _of_nasbenchgraph),
    ],
)
