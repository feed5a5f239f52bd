"""A piece in, its order of least peak memory out: exact, or an interval where the budget ends.

The states are the sets of tasks that have run; a memoised search over them, as in Liberis and
Lane (2019, "Neural networks on microcontrollers: saving memory at inference via operator
reordering"), here by rising thresholds. The threshold is a proven lower bound at any moment: all
states that can be reached below it are visited, and only when none of them is the end it rises
to the least that any of them needs. Where a task, or a chain of tasks, fits under the threshold
and leaves no more memory in use than before, it runs at once: moving it to the front of any
completion raises the memory nowhere, since what a task frees can only grow with what has run.
"""

from __future__ import annotations

import functools
import heapq
from dataclasses import dataclass
from typing import NamedTuple

from cgraph.hardware.pieces import Piece, bits, relatives

# States that are kept at each step when a good order is looked for after the budget has ended.
BEAM_WIDTH = 64

# Answers that are kept: the cells of a network, and those of networks that share them.
CACHED_PIECES = 1 << 12


@dataclass(frozen=True, slots=True)
class PieceOrder:
    """An order of a piece and what is known of its peak.

    Parameters
    ----------
    order : tuple of int
        Tasks in the order they run.
    lower_bytes : int
        No order has a lower peak, unless it is below the floor that was given.
    upper_bytes : int
        The peak of `order`.
    n_expanded : int
        States that the search expanded: up to the budget for the proof, and where that does not
        suffice up to as many for a better order.
    """

    order: tuple[int, ...]
    lower_bytes: int
    upper_bytes: int
    n_expanded: int


@dataclass(frozen=True, slots=True)
class State:
    """Where an order has come to.

    Parameters
    ----------
    done : int
        The tasks that have run, as a set of bits.
    ready : int
        The tasks that may run next, as a set of bits.
    bytes : int
        The bytes in use.
    """

    done: int
    ready: int
    bytes: int


class Rules:
    """How the tasks of a piece change the memory in use.

    Parameters
    ----------
    piece : Piece
        The piece.
    """

    def __init__(self, piece: Piece) -> None:
        n = piece.n_tasks
        self.n_tasks = n
        self.everything = (1 << n) - 1
        self.predecessors = piece.predecessors
        self.brings = [0] * n
        self.frees: list[list[tuple[int, int]]] = [[] for _ in range(n)]  # (users, bytes)
        self.followers: list[list[int]] = [[] for _ in range(n)]
        start = 0
        for local in piece.locals:
            if local.maker < 0:
                start += local.bytes
            else:
                self.brings[local.maker] += local.bytes
            if local.ends:
                for t in bits(local.users):
                    self.frees[t].append((local.users, local.bytes))
        for t, before in enumerate(piece.predecessors):
            for p in bits(before):
                self.followers[p].append(t)
        ready = sum(1 << t for t in range(n) if not piece.predecessors[t])
        self.start = State(0, ready, start)

    def run(self, state: State, task: int) -> State:
        """The state after a task."""
        done = state.done | 1 << task
        size = state.bytes + self.brings[task]
        for users, freed in self.frees[task]:
            if not users & ~done:
                size -= freed
        ready = state.ready & ~(1 << task)
        for t in self.followers[task]:
            if not self.predecessors[t] & ~done:
                ready |= 1 << t
        return State(done, ready, size)

    def settle(self, state: State, threshold: int) -> tuple[State, list[int]]:
        """The state after all tasks that lose nothing by running now, and those tasks."""
        path: list[int] = []
        again = True
        while again:
            again = False
            for task in bits(state.ready):
                chain, after = self._chain(state, task, threshold)
                if chain:
                    path += chain
                    state, again = after, True
                    break
        return state, path

    def _chain(self, state: State, task: int, threshold: int) -> tuple[list[int], State]:
        """A chain that starts with a task and ends with no more bytes in use; empty for none.

        Each task of it makes the next one ready, so all that can have run of it is a prefix.
        """
        chain: list[int] = []
        now = state
        while now.bytes + self.brings[task] <= threshold:
            after = self.run(now, task)
            chain.append(task)
            if after.bytes <= state.bytes:
                return chain, after
            new = after.ready & ~now.ready
            if new.bit_count() != 1:
                break
            now, task = after, new.bit_length() - 1
        return [], state


@functools.lru_cache(maxsize=CACHED_PIECES)
def lower_bound(piece: Piece) -> int:
    """Bytes that some task needs in any order: what it touches, and what has to be there then.

    Parameters
    ----------
    piece : Piece
        The piece.

    Returns
    -------
    int
        0 for a piece without tasks.
    """
    ancestors, descendants = relatives(piece.predecessors)
    worst = 0
    for t in range(piece.n_tasks):
        above, below = ancestors[t] | 1 << t, descendants[t] | 1 << t
        needed = 0
        for local in piece.locals:
            is_made = local.maker < 0 or above >> local.maker & 1
            if is_made and (not local.ends or local.users & below):
                needed += local.bytes
        worst = max(worst, needed)
    return worst


@functools.lru_cache(maxsize=CACHED_PIECES)
def order_piece(piece: Piece, floor: int, budget: int) -> PieceOrder:
    """The order of a piece with the least peak memory, as far as the budget allows.

    Parameters
    ----------
    piece : Piece
        The piece; its peak is counted without the bytes that it does not see.
    floor : int
        A peak that is not worth going below, because the program has it elsewhere.
    budget : int
        States to expand at most for the proof, >= 0.

    Returns
    -------
    PieceOrder
        The same for the same arguments, whatever was asked before.
    """
    rules = Rules(piece)
    lower = max(floor, lower_bound(piece))
    given = tuple(range(piece.n_tasks))
    best = _Found(_peak(rules, given), given)
    if best.peak > lower:
        best = min(best, _beam(rules, lower, 1))
    if best.peak <= lower:
        return PieceOrder(best.order, min(lower, best.peak), best.peak, 0)
    return _search(rules, lower, best, budget)


class _Found(NamedTuple):
    """A complete order and its peak; the lower peak sorts first."""

    peak: int
    order: tuple[int, ...]


def _peak(rules: Rules, order: tuple[int, ...]) -> int:
    state, peak = rules.start, rules.start.bytes
    for task in order:
        peak = max(peak, state.bytes + rules.brings[task])
        state = rules.run(state, task)
    return peak


def _search(rules: Rules, lower: int, best: _Found, budget: int) -> PieceOrder:
    """Raise the threshold from a lower bound until an order is found, or the budget ends."""
    walk = _Walk(rules, lower, best.peak)
    while True:
        order = walk.sweep(budget)
        if order is not None:
            peak = _peak(rules, order)
            return PieceOrder(order, min(walk.threshold, peak), peak, walk.n_expanded)
        if walk.stack:  # the budget has ended
            best = min(best, _beam(rules, walk.threshold, BEAM_WIDTH))
            return _improve(rules, walk.threshold, best, budget, walk.n_expanded)
        if not walk.waiting:
            return PieceOrder(best.order, best.peak, best.peak, walk.n_expanded)
        walk.rise()


def _improve(rules: Rules, lower: int, best: _Found, budget: int, n_expanded: int) -> PieceOrder:
    """Look for orders below thresholds between what is proven and what is known, by bisection.

    A walk that ends below a threshold proves that there is none; one that is given up does not.
    """
    left, share = budget, max(1, budget // 4)
    doubtful = lower
    while left > 0 and doubtful < best.peak - 1:
        walk = _Walk(rules, (doubtful + best.peak) // 2, best.peak)
        order = walk.sweep(min(share, left))
        left -= walk.n_expanded
        if order is not None:
            best = min(best, _Found(_peak(rules, order), order))
        elif walk.stack:
            doubtful = walk.threshold
        else:
            lower = doubtful = min((needed for needed, _, _ in walk.waiting), default=best.peak)
    return PieceOrder(best.order, lower, best.peak, n_expanded + budget - left)


class _Walk:
    """States reached below a threshold, and those that wait for it to rise.

    Only states that need less than a ceiling wait; the ceiling is the peak of a known order.
    """

    def __init__(self, rules: Rules, threshold: int, ceiling: int) -> None:
        self.rules = rules
        self.threshold = threshold
        self.ceiling = ceiling
        self.n_expanded = 0
        self.stack = [rules.start]
        self.waiting: list[tuple[int, int, State]] = []  # (threshold needed, when it came, state)
        self._came_from: dict[int, tuple[int, tuple[int, ...]]] = {}

    def sweep(self, budget: int) -> tuple[int, ...] | None:
        """Expand states until an order is complete, all are expanded, or the budget is spent."""
        rules, came_from = self.rules, self._came_from
        while self.stack and self.n_expanded < budget:
            self.n_expanded += 1
            before = self.stack.pop()
            state, path = rules.settle(before, self.threshold)
            if path:
                if state.done in came_from:
                    continue
                came_from[state.done] = before.done, tuple(path)
            if state.done == rules.everything:
                return self._way(state.done)
            self._expand(state)
        return None

    def rise(self) -> None:
        """Raise the threshold to the least that a waiting state needs."""
        self.threshold = self.waiting[0][0]
        while self.waiting and self.waiting[0][0] == self.threshold:
            self.stack.append(heapq.heappop(self.waiting)[2])

    def _expand(self, state: State) -> None:
        """Put new states below the threshold on the stack, the smallest on top."""
        children: list[State] = []
        needed = self.ceiling
        for task in bits(state.ready):
            peak = state.bytes + self.rules.brings[task]
            if peak > self.threshold:
                needed = min(needed, peak)
                continue
            after = self.rules.run(state, task)
            if after.done not in self._came_from:
                self._came_from[after.done] = state.done, (task,)
                children.append(after)
        children.sort(key=lambda child: -child.bytes)
        self.stack += children
        if needed < self.ceiling:
            heapq.heappush(self.waiting, (needed, self.n_expanded, state))

    def _way(self, done: int) -> tuple[int, ...]:
        order: list[int] = []
        while done:
            done, path = self._came_from[done]
            order += reversed(path)
        return tuple(reversed(order))


def _beam(rules: Rules, lower: int, width: int) -> _Found:
    """A good order: step by step, the states of least peak so far and then of least memory."""
    best: _Found | None = None
    beam: list[tuple[int, State, tuple[int, ...]]] = [(lower, rules.start, ())]
    while beam:
        reached: dict[int, tuple[int, State, tuple[int, ...]]] = {}
        for peak, before, order in beam:
            state, path = rules.settle(before, peak)
            order = (*order, *path)
            if state.done == rules.everything:
                found = _Found(_peak(rules, order), order)
                best = found if best is None else min(best, found)
            for task in bits(state.ready):
                higher = max(peak, state.bytes + rules.brings[task])
                after = rules.run(state, task)
                old = reached.get(after.done)
                if (old is None or higher < old[0]) and (best is None or higher < best.peak):
                    reached[after.done] = higher, after, (*order, task)
        ranked = sorted(reached.values(), key=lambda one: (one[0], one[1].bytes))
        beam = ranked[:width]
    assert best is not None
    return best
