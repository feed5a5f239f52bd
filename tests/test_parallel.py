import threading

import numpy as np
import pytest

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.generators import untouched_generators
from cgraph.parallel import engine, one_thread, parallel_map


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("threads", [False, True], ids=["processes", "threads"])
def test_results_keep_the_order_of_the_items(n_jobs, threads):
    found = parallel_map(abs, iter(range(-5, 5)), n_jobs=n_jobs, threads=threads)
    assert list(found) == [5, 4, 3, 2, 1, 0, 1, 2, 3, 4]


def test_no_items():
    assert list(parallel_map(abs, [], n_jobs=2, threads=True)) == []


def test_one_worker_is_this_thread_and_lazy():
    def item_and_thread(i):
        return i, threading.get_ident()

    results = parallel_map(item_and_thread, iter(range(3)))
    assert next(results) == (0, threading.get_ident())


def test_threads_share_the_arrays_of_the_caller():
    out = np.zeros(20)

    def fill(i):
        out[i] = i

    list(parallel_map(fill, range(20), n_jobs=2, threads=True))
    assert out.tolist() == list(range(20))


def test_an_error_of_a_worker_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(lambda i: 1 // i, [1, 0], n_jobs=2, threads=True))


def test_engines_say_what_they_take():
    with pytest.raises(UnknownNameError, match="backend must be one of loky"), engine("dusk"):
        pass
    with (
        pytest.raises(ArgumentError, match="address must be left out for 'loky', got tcp://x:1"),
        engine("loky", "tcp://x:1"),
    ):
        pass


def test_a_scheduler_that_is_not_there():
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with (
        pytest.raises(ArgumentError, match="address must be that of a running scheduler"),
        engine("dask", "nothing://here"),
    ):
        pass


def test_no_workers():
    with pytest.raises(ArgumentError, match=r"n_jobs must be a number of workers, .* got 0"):
        parallel_map(abs, [1], n_jobs=0)


def test_one_thread_limits_and_restores():
    from threadpoolctl import threadpool_info

    def blas():
        return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]

    before = blas()
    with one_thread():
        assert set(blas()) <= {1}
    assert blas() == before


def test_one_thread_is_of_one_thread_at_a_time():
    entered, left = threading.Event(), threading.Event()

    def enter():
        with one_thread():
            entered.set()
            left.wait(60)

    other = threading.Thread(target=enter)
    with one_thread():
        other.start()
        assert not entered.wait(0.2)
    assert entered.wait(60)
    left.set()
    other.join()


def test_a_fork_does_not_wait_for_a_thread_that_it_lacks():
    from multiprocessing import get_context

    entered, left = threading.Event(), threading.Event()

    def hold():
        with untouched_generators():
            entered.set()
            left.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert entered.wait(60)
    forked = get_context("fork").Process(target=draw_in_peace)
    forked.start()
    forked.join(30)
    left.set()
    other.join()
    is_stuck = forked.is_alive()
    forked.kill()
    assert not is_stuck


def draw_in_peace():
    with untouched_generators():
        pass
