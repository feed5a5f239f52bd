"""The one place that runs work in parallel: joblib, whichever backend it is set to.

Results come back in the order of the items, so nothing downstream depends on the number of
workers. A Dask or a Ray cluster is used by entering `joblib.parallel_config` around the call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Literal, TypeVar

from cgraph.errors import ArgumentError

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    n_jobs: int = 1,
    threads: bool = False,
) -> Iterator[Result]:
    """Results of a function over items, in the order of the items, as they come.

    Parameters
    ----------
    function : callable
        Takes one item. With more than one worker it has to be picklable, and so have the items
        and the results.
    items : iterable
        The work. Consumed lazily.
    n_jobs : int, default=1
        Number of workers; 1 runs in this process, -1 uses every core.
    threads : bool, default=False
        Whether workers share memory: for compiled work that frees the interpreter's lock and
        writes into arrays of the caller.

    Yields
    ------
    object
        `function(item)` for each item, in order.

    Raises
    ------
    ArgumentError
        If `n_jobs` is 0.

    Examples
    --------
    >>> list(parallel_map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    if n_jobs == 0:
        raise ArgumentError("n_jobs", "be a number of workers, or -1 for every core", n_jobs)
    if n_jobs == 1:
        return map(function, items)
    import joblib  # heavy enough to stay behind this door

    sharing: Literal["sharedmem"] | None = "sharedmem" if threads else None
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator", batch_size=1, require=sharing)
    return _quietly(parallel(joblib.delayed(function)(item) for item in items))


def cpu_count() -> int:
    """Cores that this process may use."""
    import joblib

    return int(joblib.cpu_count())


def _quietly(results: Iterable[Result]) -> Iterator[Result]:
    """The results, without joblib's remark that it replaced a worker whose memory had grown.

    The replacement loses nothing, and who waits for the results can do nothing about it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        yield from results


def one_thread() -> AbstractContextManager[object]:
    """A block within which linear algebra and scikit-learn use one thread.

    The last digits of a sum depend on how many threads share it; within the block they do not.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
