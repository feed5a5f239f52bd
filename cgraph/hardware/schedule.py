"""A computational graph in, its memory over time out: in the order it ran, or in the best one.

While a kernel runs, everything that is alive is held: what it reads, what it makes, and what
later kernels still need. The peak of that depends on the order of the kernels. The best order is
exact where the budget of the search suffices, and otherwise comes with a proven lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.errors import GraphError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.hardware.lifetimes import Lifetimes, lifetimes, without_io
from cgraph.hardware.pieces import Part, split
from cgraph.hardware.search import lower_bound, order_piece

# States that the search may expand in each piece. 2 ** 16 = 65,536 sets of 16 tasks fit, so that
# a program whose pieces have at most 16 kernels is always exact.
BUDGET = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """An order of the kernels of a program, and the memory that it holds over time.

    Parameters
    ----------
    order : ndarray of int64, shape (n_kernels,)
        Indices of the kernels in the order they run.
    start_bytes : int
        Bytes held before the first kernel: the inputs, where they count.
    during_bytes : ndarray of int64, shape (n_kernels,)
        Bytes held while each kernel of the order runs.
    after_bytes : ndarray of int64, shape (n_kernels,)
        Bytes held after it, when what nobody needs any more is gone.
    counts_io : bool
        Whether the network's inputs and outputs count.
    """

    order: NDArray[np.int64]
    start_bytes: int
    during_bytes: NDArray[np.int64]
    after_bytes: NDArray[np.int64]
    counts_io: bool

    @property
    def peak_bytes(self) -> int:
        """The most bytes held at any time."""
        return max(self.start_bytes, int(self.during_bytes.max(initial=0)))

    @property
    def peak_step(self) -> int | None:
        """The first position in the order at which the peak is held; None before any kernel."""
        at_peak = np.flatnonzero(self.during_bytes == self.peak_bytes)
        return int(at_peak[0]) if len(at_peak) else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return (
            self.counts_io == other.counts_io
            and self.start_bytes == other.start_bytes
            and np.array_equal(self.order, other.order)
            and np.array_equal(self.during_bytes, other.during_bytes)
            and np.array_equal(self.after_bytes, other.after_bytes)
        )

    def __hash__(self) -> int:
        return hash((self.counts_io, self.start_bytes, self.order.tobytes()))

    def __repr__(self) -> str:
        io = "with" if self.counts_io else "without"
        n = len(self.order)
        return f"Schedule({n:,} kernels, peak {self.peak_bytes:,} bytes {io} input and output)"


@dataclass(frozen=True, slots=True)
class BestSchedule:
    """The best order that was found, and how good any order can be.

    Parameters
    ----------
    schedule : Schedule
        The order and its memory over time.
    lower_bytes : int
        No order has a lower peak than this.
    n_expanded : int
        States that the search expanded.
    """

    schedule: Schedule
    lower_bytes: int
    n_expanded: int

    @property
    def upper_bytes(self) -> int:
        """The peak of the order that was found."""
        return self.schedule.peak_bytes

    @property
    def exact(self) -> bool:
        """Whether the order is proven to be the best."""
        return self.lower_bytes == self.upper_bytes


def memory_over_time(
    graph: ComputationalGraph,
    order: ArrayLike | None = None,
    *,
    count_io: bool = True,
    dtype: str | None = None,
) -> Schedule:
    """Memory that a program holds while its kernels run in an order.

    Parameters
    ----------
    graph : ComputationalGraph
        Any graph.
    order : array-like of int, shape (n_kernels,), optional
        Indices of the kernels; the order they ran in by default.
    count_io : bool, default=True
        Whether the network's inputs and outputs count. An input is held from the start until its
        last use, an output until the end. Parameters, buffers and constants never count.
    dtype : str, optional
        Type that floating-point tensors are stored in ("int8", "float16", ...); as captured by
        default.

    Returns
    -------
    Schedule

    Raises
    ------
    GraphError
        If `order` does not name each kernel once, or a kernel would see other values than in the
        order it ran in.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     memories=[
    ...         Memory("x", "input", (8,), "float32", 32),
    ...         Memory("h", "activation", (4,), "float32", 16),
    ...         Memory("y", "output", (2,), "float32", 8),
    ...     ],
    ...     kernels=[Kernel("linear", "linear"), Kernel("linear_1", "linear")],
    ...     reads=[(0, 0), (1, 1)], writes=[(0, 1), (1, 2)], outputs=[2],
    ... )
    >>> memory_over_time(graph).during_bytes
    array([48, 24])
    >>> memory_over_time(graph, count_io=False)
    Schedule(2 kernels, peak 16 bytes without input and output)
    """
    lives = _lives(graph, count_io, dtype)
    if order is None:
        return replay(lives, range(lives.n_kernels), counts_io=count_io)
    kernels = np.asarray(order)
    if not np.array_equal(np.sort(kernels), np.arange(lives.n_kernels)):
        raise GraphError(
            "order", f"name each of the {lives.n_kernels} kernels once", f"{kernels.tolist()}"
        )
    place = np.argsort(kernels)
    for k, before in enumerate(lives.predecessors):
        for p in before:
            if place[p] > place[k]:
                first, second = graph.kernels[p].name, graph.kernels[k].name
                raise GraphError("order", f"run {first!r} before {second!r}", f"{kernels.tolist()}")
    return replay(lives, kernels.tolist(), counts_io=count_io)


def best_schedule(
    graph: ComputationalGraph,
    *,
    count_io: bool = True,
    dtype: str | None = None,
    budget: int = BUDGET,
) -> BestSchedule:
    """The order of a program's kernels that holds the least memory at its peak.

    Parameters
    ----------
    graph : ComputationalGraph
        Any graph.
    count_io : bool, default=True
        Whether the network's inputs and outputs count; see `memory_over_time`.
    dtype : str, optional
        Type that floating-point tensors are stored in; as captured by default.
    budget : int, default=100_000
        States to expand at most in each piece of the program, >= 0. Where they do not suffice,
        up to as many again are spent on a better order.

    Returns
    -------
    BestSchedule
        Exact wherever the budget suffices: always for a program whose pieces (between kernels
        that every other one precedes or follows) have at most 16 kernels. Where it does not, the
        best order that was found and a lower bound that is proven.

    Raises
    ------
    ArgumentError
        If `budget` is negative.

    Notes
    -----
    The order changes only where that lowers the peak of the whole: pieces that need no more than
    another piece does in any case run as they ran. Kernels that draw random numbers may move.

    References
    ----------
    .. [1] Liberis and Lane (2019), "Neural networks on microcontrollers: saving memory at
       inference via operator reordering", arXiv:1910.05110.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> sizes = {"x": 8, "a": 8, "b": 8, "c": 1, "d": 1, "y": 1}
    >>> graph = ComputationalGraph(
    ...     memories=[Memory(name, "activation", (n,), "int8", n) for name, n in sizes.items()],
    ...     kernels=[Kernel(f"k{i}", "any") for i in range(5)],
    ...     reads=[(0, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 4)],
    ...     writes=[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)],
    ...     outputs=[5],
    ... )
    >>> memory_over_time(graph).peak_bytes
    24
    >>> best = best_schedule(graph)
    >>> best.upper_bytes, best.exact, best.schedule.order
    (17, True, array([0, 2, 1, 3, 4]))
    """
    checks.whole("budget", budget, 0)
    return best_order(_lives(graph, count_io, dtype), counts_io=count_io, budget=budget)


def best_order(lives: Lifetimes, *, counts_io: bool, budget: int) -> BestSchedule:
    """The best order of kernels by the lives of their storages alone; see `best_schedule`."""
    parts = split(lives)
    floor = max([lives.start_bytes, *(part.base_bytes + lower_bound(part.piece) for part in parts)])
    lower, n_expanded = floor, 0
    order: list[int] = []
    for part in parts:
        found = order_piece(part.piece, floor - part.base_bytes, budget)
        lower = max(lower, part.base_bytes + found.lower_bytes)
        n_expanded += found.n_expanded
        order += _kernels(part, found.order)
    schedule = replay(lives, _with_the_rest(lives, order), counts_io=counts_io)
    return BestSchedule(schedule, lower, n_expanded)


def replay(lives: Lifetimes, order: Iterable[int], *, counts_io: bool) -> Schedule:
    """The memory over time of an order that is known to be possible, kernel by kernel."""
    to_come = [len(users) for users in lives.users]
    held = lives.start_bytes
    start = held
    for s, n in enumerate(to_come):
        if n == 0 and not lives.is_kept[s] and lives.makers[s] < 0:
            held -= lives.bytes[s]
    kernels, during, after = [], [], []
    for k in order:
        held += sum(lives.bytes[s] for s in lives.touched[k] if lives.makers[s] == k)
        kernels.append(k)
        during.append(held)
        for s in lives.touched[k]:
            to_come[s] -= 1
            if not to_come[s] and not lives.is_kept[s]:
                held -= lives.bytes[s]
        after.append(held)
    arrays = [np.array(values, dtype=np.int64) for values in (kernels, during, after)]
    for array in arrays:
        array.setflags(write=False)
    return Schedule(arrays[0], start, arrays[1], arrays[2], counts_io)


def _lives(graph: ComputationalGraph, count_io: bool, dtype: str | None) -> Lifetimes:
    lives = lifetimes(graph, dtype=dtype)
    return lives if count_io else without_io(lives)


def _kernels(part: Part, order: Iterable[int]) -> list[int]:
    return [k for task in order for k in part.tasks[task]]


def _with_the_rest(lives: Lifetimes, order: list[int]) -> list[int]:
    """An order with the kernels that touch nothing that counts: before whoever needs them."""
    is_waiting = [True] * lives.n_kernels
    for k in order:
        is_waiting[k] = False
    full: list[int] = []
    for k in order:
        full += [*_waiting_before(lives, k, is_waiting), k]
    return [*full, *(k for k in range(lives.n_kernels) if is_waiting[k])]


def _waiting_before(lives: Lifetimes, kernel: int, is_waiting: list[bool]) -> list[int]:
    """Kernels that have to run before one and still wait, in the order they ran."""
    found: list[int] = []
    stack = [kernel]
    while stack:
        for p in lives.predecessors[stack.pop()]:
            if is_waiting[p]:
                is_waiting[p] = False
                found.append(p)
                stack.append(p)
    return sorted(found)
