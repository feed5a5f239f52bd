"""The lives of a program's storages in, pieces that can be ordered one by one out.

A kernel that every other kernel either has to precede or has to follow splits every order of the
program at the same place, with the same storages alive. Between two such cuts the kernels form a
piece; the best order of the program is the best orders of its pieces, end to end. Networks are
sequences of blocks, so pieces are small, and equal blocks give equal pieces.

Two reductions come first, neither of which costs a byte: a kernel that touches nothing that
counts may run at any time, and one that only brings something into being, for one other kernel,
runs right before that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgraph.hardware.lifetimes import Lifetimes


@dataclass(frozen=True, slots=True)
class Local:
    """A storage as a piece sees it.

    Parameters
    ----------
    bytes : int
        Its size, > 0.
    maker : int
        The task of the piece that brings it into being; -1 where it is there at its start.
    users : int
        The tasks of the piece that touch it, as a set of bits.
    ends : bool
        Whether it ends in this piece, with the last of its users.
    """

    bytes: int
    maker: int
    users: int
    ends: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Tasks that can be ordered on their own. Equal pieces have equal best orders.

    Parameters
    ----------
    predecessors : tuple of int
        The tasks that have to run before each task, as sets of bits; all are smaller than it.
    locals : tuple of Local
        The storages whose lives begin or end in the piece.
    """

    predecessors: tuple[int, ...]
    locals: tuple[Local, ...]

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.predecessors)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece in its place in a program.

    Parameters
    ----------
    piece : Piece
        What has to be ordered.
    tasks : tuple of tuple of int
        The kernels that each task of the piece runs, in order.
    base_bytes : int
        Bytes that are there all through the piece and that it does not see.
    """

    piece: Piece
    tasks: tuple[tuple[int, ...], ...]
    base_bytes: int


def split(lives: Lifetimes) -> tuple[Part, ...]:
    """The pieces of a program, in the order they run.

    Parameters
    ----------
    lives : Lifetimes
        What the kernels do to the storages.

    Returns
    -------
    tuple of Part
        Every kernel that touches a storage of more than 0 bytes is in one of them.
    """
    tasks = _tasks(lives)
    task_of = {k: t for t, kernels in enumerate(tasks) for k in kernels}
    before = _task_predecessors(lives, task_of, len(tasks))
    ancestors, descendants = relatives(before)
    cuts = 0
    for t, (above, below) in enumerate(zip(ancestors, descendants, strict=True)):
        if above.bit_count() + below.bit_count() + 1 == len(tasks):
            cuts |= 1 << t
    piece_of = [(above & cuts).bit_count() for above in ancestors]
    members: list[list[int]] = [[] for _ in range(max(piece_of, default=-1) + 1)]
    for t, p in enumerate(piece_of):
        members[p].append(t)
    base, local = _storages_by_piece(lives, task_of, piece_of, len(members))
    return tuple(
        Part(
            _piece(lives, its, before, task_of, storages),
            tuple(tasks[t] for t in its),
            base_bytes,
        )
        for its, storages, base_bytes in zip(members, local, base, strict=True)
    )


def relatives(predecessors: Sequence[int]) -> tuple[list[int], list[int]]:
    """All ancestors and all descendants of each task, as sets of bits.

    Parameters
    ----------
    predecessors : sequence of int
        Sets of bits; all smaller than their own position.

    Returns
    -------
    ancestors, descendants : list of int
    """
    ancestors: list[int] = []
    for before in predecessors:
        above = before
        for p in bits(before):
            above |= ancestors[p]
        ancestors.append(above)
    descendants = [0] * len(predecessors)
    for t in range(len(predecessors) - 1, -1, -1):
        below = descendants[t] | 1 << t
        for p in bits(predecessors[t]):
            descendants[p] |= below
    return ancestors, descendants


def bits(mask: int) -> list[int]:
    """Positions of the bits of a set, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def counts(lives: Lifetimes, kernel: int) -> bool:
    """Whether a kernel touches anything that counts."""
    return any(lives.bytes[s] for s in lives.touched[kernel])


def _tasks(lives: Lifetimes) -> list[tuple[int, ...]]:
    """Kernels that run together: a kernel, after those that only bring something for it."""
    followers: list[list[int]] = [[] for _ in range(lives.n_kernels)]
    for k, before in enumerate(lives.predecessors):
        for p in before:
            followers[p].append(k)
    heads: dict[int, list[int]] = {}
    tasks = []
    for k in range(lives.n_kernels):
        if not counts(lives, k):
            continue
        if _only_brings(lives, k) and len(followers[k]) == 1 and counts(lives, followers[k][0]):
            heads.setdefault(followers[k][0], []).append(k)
        else:
            tasks.append((*heads.pop(k, ()), k))
    return tasks


def _only_brings(lives: Lifetimes, kernel: int) -> bool:
    """Whether a kernel depends on none, and all it does is to make what others use."""
    return not lives.predecessors[kernel] and all(
        lives.makers[s] == kernel and (len(lives.users[s]) > 1 or lives.is_kept[s])
        for s in lives.touched[kernel]
        if lives.bytes[s]
    )


def _task_predecessors(lives: Lifetimes, task_of: dict[int, int], n_tasks: int) -> list[int]:
    """Sets of tasks before each task; through a kernel without a task go its own predecessors."""
    through = [0] * lives.n_kernels
    before = [0] * n_tasks
    for k, its_before in enumerate(lives.predecessors):
        mask = 0
        for p in its_before:
            mask |= 1 << task_of[p] if p in task_of else through[p]
        through[k] = mask
        if k in task_of:
            before[task_of[k]] |= mask & ~(1 << task_of[k])
    return before


def _storages_by_piece(
    lives: Lifetimes, task_of: dict[int, int], piece_of: list[int], n_pieces: int
) -> tuple[list[int], list[list[tuple[int, bool, bool]]]]:
    """For each piece, the bytes it does not see, and (storage, is made, ends) of those it does."""
    base = [0] * n_pieces
    local: list[list[tuple[int, bool, bool]]] = [[] for _ in range(n_pieces)]
    for s, size in enumerate(lives.bytes):
        if not size:
            continue
        pieces = [piece_of[task_of[k]] for k in lives.users[s]]
        first = 0 if lives.makers[s] < 0 else piece_of[task_of[lives.makers[s]]]
        last = n_pieces - 1 if lives.is_kept[s] else max(pieces, default=-1)
        for p in range(first, last + 1):
            made = lives.makers[s] >= 0 and p == first
            ends = p == last and not lives.is_kept[s]
            if made or ends:
                local[p].append((s, made, ends))
            else:
                base[p] += size
    return base, local


def _piece(
    lives: Lifetimes,
    members: list[int],
    before: list[int],
    task_of: dict[int, int],
    storages: list[tuple[int, bool, bool]],
) -> Piece:
    place = {t: i for i, t in enumerate(members)}
    inside = sum(1 << t for t in members)
    found = []
    for s, made, ends in storages:
        users = 0
        for k in lives.users[s]:
            users |= 1 << place[task_of[k]] if task_of[k] in place else 0
        maker = place[task_of[lives.makers[s]]] if made else -1
        found.append(Local(lives.bytes[s], maker, users, ends))
    predecessors = tuple(sum(1 << place[p] for p in bits(before[t] & inside)) for t in members)
    return Piece(predecessors, tuple(found))
