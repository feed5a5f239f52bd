"""Architectures of NAS-Bench-Graph as strings, and which there are: ``gcn~0|gat~1|skip~1|fc~0``.

An architecture is a tree of four operations below the input: each says what it is and what it
reads, 0 for the input or the number of an earlier operation; those that nobody reads are
concatenated. Nodes can be numbered in several ways; the numbering that comes first stands for
all, and is the one of the benchmark.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArchitectureError

# In the order of the benchmark, whose keys are written in them.
OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
SKIP = OPERATIONS.index("skip")
N_NODES = 4
# What each operation reads: the nine trees, each in the numbering that comes first.
LINKS = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)

Nodes = tuple[tuple[int, ...], tuple[int, ...]]  # what each reads, what each is

_PATTERN = "op~source|op~source|op~source|op~source, such as gcn~0|gat~1|skip~1|fc~0"


def parse(text: str) -> Nodes:
    """What each operation reads and what it is, from a string, in the numbering that comes first.

    Parameters
    ----------
    text : str
        ``op~source|op~source|op~source|op~source``, each `op` one of `OPERATIONS`, each `source`
        0 or the number of an earlier operation.

    Returns
    -------
    links : tuple of 4 int
        The source of each.
    operations : tuple of 4 int
        Positions in `OPERATIONS`.

    Raises
    ------
    ArchitectureError
        If the string does not read so; says at which character, what came and what may stand
        there.

    Examples
    --------
    >>> parse("fc~0|gcn~0|gat~2|skip~2")
    ((0, 0, 1, 1), (1, 7, 0, 8))
    >>> parse("gnc~0|gat~1|skip~1|fc~0")
    Traceback (most recent call last):
        ...
    cgraph.errors.ArchitectureError: arch must have one of gat, gcn, gin, cheb, sage, arma, \
graph, fc, skip at character 0 (operation 1), got 'gnc'; did you mean 'gin'?
    """
    if not isinstance(text, str):
        raise ArchitectureError("arch", f"be a string {_PATTERN}", checks.came(text))
    words = text.split("|")
    if len(words) != N_NODES:
        raise ArchitectureError(
            "arch",
            f"have {N_NODES} operations",
            f"{len(words)} in {text!r}",
            f"it reads {_PATTERN}",
        )
    position, links, operations = 0, [], []
    for node, word in enumerate(words, start=1):
        name, tilde, source = word.partition("~")
        operations.append(_operation(name, position, node))
        position += len(name)
        if not tilde:
            came = repr(text[position]) if position < len(text) else "the end"
            raise ArchitectureError(
                "arch", f"have '~' at character {position} (operation {node})", came,
                f"it reads {_PATTERN}",
            )  # fmt: skip
        links.append(_source(source, position + 1, node))
        position += len(source) + 2
    return first_numbering(tuple(links), tuple(operations))


def format_nodes(links: Sequence[int], operations: Sequence[int]) -> str:
    """String of an architecture.

    Examples
    --------
    >>> format_nodes((0, 0, 1, 1), (1, 7, 0, 8))
    'gcn~0|fc~0|gat~1|skip~1'
    """
    return "|".join(
        f"{OPERATIONS[operation]}~{source}"
        for operation, source in zip(operations, links, strict=True)
    )


def first_numbering(links: Sequence[int], operations: Sequence[int]) -> Nodes:
    """The same tree, numbered in the way that comes first.

    Examples
    --------
    >>> first_numbering((0, 0, 2, 2), (7, 1, 8, 0))
    ((0, 0, 1, 1), (1, 7, 0, 8))
    """
    return min(_numberings(tuple(links), tuple(operations)))


def settled(links: Sequence[int], operations: Sequence[int]) -> Nodes:
    """The architecture that the benchmark has in the place of one whose skips stand elsewhere.

    A skip that another operation reads, that alone reads what it reads, or that has nothing but
    skips before it, is moved to the root, so that all else is one step further from the input.

    Examples
    --------
    >>> settled((0, 1, 2, 3), (1, 8, 0, 0))  # gcn, skip, gat, gat in a row
    ((0, 1, 2, 3), (8, 1, 0, 0))
    """
    sources, kinds = list(links), list(operations)
    node = 0
    while node < N_NODES:
        if kinds[node] == SKIP and _has_to_move(sources, kinds, node):
            source = sources[node]
            # Its readers read what it read, and what read the input reads it.
            sources = [source if s == node + 1 else s for s in sources]
            before, after = sources[:node], sources[node + 1 :]
            sources = [0, *(s + 1 for s in before), *(s + 1 if s <= node else s for s in after)]
            kinds = [SKIP, *kinds[:node], *kinds[node + 1 :]]
        node += 1
    return first_numbering(sources, kinds)


def _has_to_move(sources: list[int], kinds: list[int], node: int) -> bool:
    has_reader = node + 1 in sources
    has_brother = sources.count(sources[node]) > 1
    only_skips, number = True, node + 1
    while number:
        only_skips &= kinds[number - 1] == SKIP
        number = sources[number - 1]
    return has_reader or not has_brother or only_skips


def leaves(links: Sequence[int]) -> list[int]:
    """Numbers of the operations that nobody reads, the first operation being 1.

    Examples
    --------
    >>> leaves((0, 0, 1, 3))
    [2, 4]
    """
    return [node for node in range(1, N_NODES + 1) if node not in links]


def neighbours(links: Sequence[int], operations: Sequence[int]) -> set[Nodes]:
    """The trees that differ in one operation, or in what one operation reads; not all in the space.

    Examples
    --------
    >>> len(neighbours((0, 1, 2, 3), (8, 8, 8, 1)))
    38
    """
    changed = []
    for node in range(N_NODES):
        for other in range(len(OPERATIONS)):
            changed.append((tuple(links), _with(operations, node, other)))
        for source in range(N_NODES + 1):
            changed.append((_with(links, node, source), tuple(operations)))
    # What reads what it feeds cannot be numbered.
    found = {min(numbered) for numbered in (_numberings(*nodes) for nodes in changed) if numbered}
    return found - {first_numbering(links, operations)}


def _with(values: Sequence[int], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])


def key_of(links: Sequence[int], operations: Sequence[int]) -> int:
    """The number that the benchmark has for an architecture: a tree, then the operations.

    Examples
    --------
    >>> key_of((0, 0, 1, 1), (1, 7, 0, 8))
    21708
    """
    key = LINKS.index(tuple(links))
    for operation in operations:
        key = 10 * key + operation
    return key


@cache
def rows() -> NDArray[np.int64]:
    """Every architecture: its tree, a position in `LINKS`, and its operations; read-only.

    Returns
    -------
    ndarray of int64, shape (26206, 5)
        By rising key. Of architectures that the benchmark takes for the same there is one: skips
        stand at the root, one behind the other, and nowhere else but as a leaf beside another
        reader of an operation.

    Examples
    --------
    >>> len(rows())
    26206
    """
    grid = np.array(list(product(range(len(OPERATIONS)), repeat=N_NODES)))
    parts = []
    for tree, links in enumerate(LINKS):
        kept = grid[_is_settled(links, grid == SKIP) & _comes_first(links, grid)]
        parts.append(np.column_stack([np.full(len(kept), tree), kept]))
    found: NDArray[np.int64] = np.concatenate(parts)
    found = found[(found[:, 1:] != SKIP).any(axis=1)]
    found.setflags(write=False)
    return found


def _is_settled(links: tuple[int, ...], is_skip: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which assignments of operations to a tree have skips only where the benchmark lets them."""
    is_settled = np.ones(len(is_skip), dtype=bool)
    at_root = np.ones(len(is_skip), dtype=bool)  # so far a row of skips that all descend from
    of_skips: list[NDArray[np.bool_]] = []  # whether the way to each node has nothing but skips
    for node, source in enumerate(links):
        skips = is_skip[:, node] & (of_skips[source - 1] if source else True)
        of_skips.append(skips)
        is_row = source == node and all(later > node for later in links[node + 1 :])
        at_root = at_root & is_skip[:, node] & is_row
        is_leaf = node + 1 not in links
        has_brother = links.count(source) > 1
        beside_another = ~skips & is_leaf & has_brother
        is_settled &= ~is_skip[:, node] | at_root | beside_another
    return is_settled


def _comes_first(links: tuple[int, ...], operations: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which assignments of operations come first among those that renumbering gives."""
    weights = len(OPERATIONS) ** np.arange(N_NODES - 1, -1, -1)
    codes = operations @ weights
    first: NDArray[np.bool_] = np.ones(len(codes), dtype=bool)
    for renumbered, order in _renumberings(links):
        if renumbered == links:
            first &= operations[:, list(order)] @ weights >= codes
    return first


def _numberings(links: tuple[int, ...], operations: tuple[int, ...]) -> list[Nodes]:
    return [
        (renumbered, tuple(operations[node] for node in order))
        for renumbered, order in _renumberings(links)
    ]


@cache
def _renumberings(links: tuple[int, ...]) -> tuple[Nodes, ...]:
    """Every way to number the nodes of a tree: the links then, and the old node at each place."""
    found = []
    for order in permutations(range(N_NODES)):
        place = {0: 0} | {node + 1: i + 1 for i, node in enumerate(order)}
        renumbered = tuple(place[links[node]] for node in order)
        if all(source <= i for i, source in enumerate(renumbered)):
            found.append((renumbered, order))
    return tuple(found)


def _operation(name: str, position: int, node: int) -> int:
    if name in OPERATIONS:
        return OPERATIONS.index(name)
    near = difflib.get_close_matches(name, OPERATIONS, n=1, cutoff=0.5)
    raise ArchitectureError(
        "arch",
        f"have one of {', '.join(OPERATIONS)} at character {position} (operation {node})",
        repr(name),
        f"did you mean {near[0]!r}?" if near else f"it reads {_PATTERN}",
    )


def _source(word: str, position: int, node: int) -> int:
    # isdecimal alone would let in digits of other scripts, and a leading zero a second name.
    number = int(word) if word.isascii() and word.isdecimal() and len(word) == 1 else node
    if number < node:
        return number
    raise ArchitectureError(
        "arch",
        f"have a number below {node} at character {position} (source of operation {node})",
        repr(word),
        f"it reads {_PATTERN}",
    )
