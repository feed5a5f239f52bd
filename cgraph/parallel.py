"""The one place that runs work in parallel: joblib, whichever backend it is set to.

Results come back in the order of the items, so nothing downstream depends on the number of
workers. A Dask or a Ray cluster is used by entering `engine` around the call, or joblib's own
`parallel_config`.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import Any, Literal, TypeVar

from cgraph.errors import ArgumentError, MissingPackageError, WorkerKilledError
from cgraph.generators import HELD
from cgraph.registry import Table

Item = TypeVar("Item")
Result = TypeVar("Result")

# In a batch, where an engine gives results by the batch.
_TASKS_A_WORKER = 4

_SECONDS_TO_ANSWER = 10

# Engines whose workers are children of this process.
_OWN_PROCESSES = ("LokyBackend", "MultiprocessingBackend")


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
    WorkerKilledError
        If a worker process was killed.

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
    tasks = (joblib.delayed(function)(item) for item in items)
    workers = partial(joblib.Parallel, n_jobs=n_jobs, batch_size=1, require=sharing)
    if not threads and type(joblib.parallel.get_active_backend()[0]).__name__ in _OWN_PROCESSES:
        workers = partial(workers, initializer=_end_with, initargs=(os.getpid(),))
    try:
        parallel = workers(return_as="generator")
    except ValueError:  # Ray and multiprocessing give lists alone
        return _in_batches(workers(), tasks, joblib.effective_n_jobs(n_jobs))
    return _quietly(parallel(tasks))


@contextmanager
def engine(backend: str = "loky", address: str | None = None, *, n_jobs: int = 1) -> Iterator[None]:
    """A block within which workers are those of an engine: processes, threads, a cluster.

    Parameters
    ----------
    backend : {"loky", "multiprocessing", "threading", "dask", "ray"}, default="loky"
        The engine. "threading" shares one process, in which statistics are computed one at a time.
    address : str, optional
        Of a scheduler that runs, such as "tcp://10.0.0.1:8786" of Dask or "ray://10.0.0.1:10001";
        by default a cluster is started on this machine, with `n_jobs` workers, and closed after.
    n_jobs : int, default=1
        Workers of a cluster that is started; -1 for one on every core.

    Raises
    ------
    ArgumentError
        If there is no such engine, it takes no address, or nothing answers there.
    MissingPackageError
        If the package of the engine is not installed.

    Examples
    --------
    >>> with engine("threading"):
    ...     list(parallel_map(abs, [-1, 2, -3], n_jobs=2))
    [1, 2, 3]
    """
    import joblib

    record = ENGINES[backend]
    if address is not None and not record.takes_address:
        clusters = ", ".join(e.name for e in ENGINES.values() if e.takes_address)
        raise ArgumentError("address", f"be left out for {backend!r}", address, f"for {clusters}")
    n_workers = cpu_count() if n_jobs == -1 else max(n_jobs, 1)
    with record.start(address, n_workers), joblib.parallel_config(backend):
        yield


@contextmanager
def _of_this_machine(address: str | None, n_workers: int) -> Iterator[None]:
    del address, n_workers
    yield


@contextmanager
def _dask(address: str | None, n_workers: int) -> Iterator[None]:
    try:
        import distributed
    except ImportError as error:
        raise MissingPackageError("distributed", "a Dask cluster", "dask") from error
    connect: Any = distributed.Client
    try:
        # A thread each: more in a process would wait for the random generators of one another.
        client = (
            connect(n_workers=n_workers, threads_per_worker=1, dashboard_address=None)
            if address is None
            else connect(address, timeout=_SECONDS_TO_ANSWER)
        )
    except (OSError, ValueError) as error:
        raise ArgumentError("address", "be that of a running scheduler", address) from error
    with client:
        yield


@contextmanager
def _ray(address: str | None, n_workers: int) -> Iterator[None]:
    try:
        import ray
        from ray.util import joblib as of_ray
    except ImportError as error:
        raise MissingPackageError("ray", "a Ray cluster", "ray") from error
    bridge: Any = of_ray
    bridge.register_ray()
    try:
        ray.init(
            address,
            num_cpus=n_workers if address is None else None,
            include_dashboard=False if address is None else None,
            log_to_driver=False,
        )
    except (ConnectionError, ValueError) as error:
        raise ArgumentError("address", "be that of a running cluster", address) from error
    try:
        yield
    finally:
        ray.shutdown()


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs work in parallel.

    Parameters
    ----------
    name : str
        What joblib calls it.
    start : callable
        From an address or None, and a number of workers, to a block in which it is there.
    takes_address : bool
        Whether it may run elsewhere.
    summary : str
        What it is, in a line.
    """

    name: str
    start: Callable[[str | None, int], AbstractContextManager[None]]
    takes_address: bool
    summary: str


ENGINES: Table[Engine] = Table(
    "backend",
    [
        Engine("loky", _of_this_machine, False, "processes of this machine"),
        Engine("multiprocessing", _of_this_machine, False, "forks of this process"),
        Engine("threading", _of_this_machine, False, "threads of this process"),
        Engine("dask", _dask, True, "a Dask cluster (extra 'dask')"),
        Engine("ray", _ray, True, "a Ray cluster (extra 'ray')"),
    ],
)


def _in_batches(parallel: Any, tasks: Iterator[Any], n_workers: int) -> Iterator[Any]:
    """Results batch by batch, so that those of a batch can be kept before the next begins."""
    with parallel:  # one pool of workers for all batches
        size = _TASKS_A_WORKER * n_workers
        while batch := list(islice(tasks, size)):
            yield from parallel(batch)


def cpu_count() -> int:
    """Cores that this process may use."""
    import joblib

    return int(joblib.cpu_count())


def _quietly(results: Iterable[Result]) -> Iterator[Result]:
    """The results, without joblib's remark that it replaced a worker whose memory had grown.

    The replacement loses nothing, and who waits for the results can do nothing about it.
    """
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        try:
            yield from results
        except TerminatedWorkerError as error:
            raise WorkerKilledError from error


@cache
def _end_with(parent: int) -> None:
    """Let this process end soon after its parent, however that ends.

    A process that is killed cannot tell its workers, and they would wait for minutes.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if os.getppid() == parent:
        threading.Thread(target=watch, daemon=True, name="end with parent").start()


@contextmanager
def one_thread() -> Iterator[None]:
    """A block within which linear algebra and scikit-learn use one thread.

    The last digits of a sum depend on how many threads share it; within the block they do not.
    How many that are holds for the whole process: one thread at a time is in such a block.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with HELD, threadpool_limits(limits=1):
        yield
