"""The estimator: mean and standard error of statistics over initialisations and batches.

Every program is drawn once, however many candidates share it. Draws are independent pieces of
work with seeds of their own, so nothing depends on the order, the number of workers, or on whether
a value was read from a store. With a training, a draw is looked at several times on its course.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cgraph import checks
from cgraph.errors import ArgumentError, WorkerKilledError
from cgraph.parallel import parallel_map
from cgraph.statistics.candidate import FULL, Candidate, candidates_of
from cgraph.statistics.checkpoints import Checkpoints
from cgraph.statistics.course import Course, Untrained
from cgraph.statistics.devices import device_of
from cgraph.statistics.drawing import Draw, Drawn, draw_statistics, killed
from cgraph.statistics.inputs import InputSource, input_source, source_of_data
from cgraph.statistics.methods import Protocol, resolve
from cgraph.statistics.store import DrawStore
from cgraph.statistics.training import Training
from cgraph.statistics.values import Reason, Statistic

Key = tuple[str, int, str, int]  # program, time, protocol, draw

COLUMNS = (
    "name", "program", "statistic", "protocol", "direction", "value", "standard_error",
    "n_draws", "n_failures", "reason", "note",
)  # fmt: skip
TIME = "t"  # a further column, after the protocol, of what is evaluated over a training


def evaluate(
    models: Any,
    statistics: Sequence[str] | str = ("ntk", "regions", "naswot-v1", "naswot-v2"),
    *,
    inputs: Any = None,
    labels: Any = None,
    input_shape: tuple[int, ...] | None = None,
    n_draws: int = 3,
    seed: int = 0,
    training: Training | Checkpoints | None = None,
    device: str | torch.device = "cpu",
    n_jobs: int = 1,
    store: str | Path | DrawStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Statistics of models at random initialisations and random batches, before and in training.

    Parameters
    ----------
    models : space, or (sequence or mapping of) nn.Module, factory, or Candidate
        What to evaluate: an object with `candidates()`; modules, which are copied and drawn again
        by their `reset_parameters`; or callables without arguments that make a model.
    statistics : sequence of str, or str, default=("ntk", "regions", "naswot-v1", "naswot-v2")
        Names of statistics, or ids of protocols such as "ntk@full". A plain name means the first
        recommended protocol whose skeleton every model comes in.
    inputs : {"gaussian", "crops"}, nest of Tensor, or callable, optional
        Where batches come from: standard normal values (the default), random crops of photographs,
        samples of one's own (a tensor; a tuple for several arguments, a dict for keywords), of
        which each batch has some at random, or a function of a numpy generator, a batch size and
        the shape of one input. With a `Training` the default is the samples it trains on.
    labels : array-like of int, shape (n_samples,), optional
        Classes of samples of one's own, for statistics of a loss; by default, classes are drawn at
        random.
    input_shape : tuple of int, optional
        Shape of one input without the batch, for models that do not bring it.
    n_draws : int, default=3
        Number of draws, n_draws >= 1. A draw is an initialisation and a batch; its seeds come
        from `seed`, the program and the number of the draw.
    seed : int, default=0
        Seed of everything that is drawn, 0 <= seed < 2^32.
    training : Training or Checkpoints, optional
        How networks are trained, and when they are looked at; or states of networks that were
        trained elsewhere. A plain name then means a protocol of the whole network.
    device : str or torch.device, default="cpu"
        Where networks are run: "cpu", "cuda", ...
    n_jobs : int, default=1
        Number of processes, each on one thread; -1 uses every core.
    store : path or DrawStore, optional
        Where finished draws are kept and looked up.
    progress : callable, optional
        Called with the number of draws done and of all, the draws of a store included.

    Returns
    -------
    DataFrame
        A row for each model, statistic and protocol, and with `training` for each time: name,
        program, statistic, protocol, t (with `training` only: the number of steps taken), direction
        (1: higher is better, -1: lower), value (mean over the draws that have one; NaN
        where none has), standard_error (NaN below two values), n_draws, n_failures, reason (the
        most frequent one, where a draw failed; else None), note.

    Raises
    ------
    ArgumentError
        If an argument is out of range, two models share a name, `store` is something else, the
        device cannot be used, or accuracy is asked for and there is nothing to test on.
    UnknownNameError
        If there is no such statistic.

    Notes
    -----
    Equal programs get equal values: they are drawn once, as the first of them by name.

    Examples
    --------
    >>> from torch import nn
    >>> from cgraph.statistics.candidate import Candidate
    >>> make = lambda skeleton: nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    >>> model = Candidate("mlp", "an example", make, {"full": (8,)})
    >>> table = evaluate(model, ["naswot-v2", "regions"], n_draws=2)
    >>> table[["name", "protocol", "n_draws", "note"]].to_dict("records")[1]["protocol"]
    'regions@full'
    """
    n_draws = checks.whole("n_draws", n_draws, 1, checks.MOST_REPEATS)
    seed, n_jobs = checks.seed("seed", seed), checks.workers("n_jobs", n_jobs)
    if progress is not None:
        checks.function("progress", progress)
    where = device_of(device)
    batch = None if inputs is None or isinstance(inputs, str) or callable(inputs) else inputs
    candidates = candidates_of(models, input_shape=input_shape, inputs=batch)
    candidates, courses, source = _planned(candidates, training, inputs, labels)
    protocols = protocols_for(candidates, statistics, is_trained=training is not None)
    _check_held_out(protocols, courses)
    representatives = _representatives(candidates)
    with _opened(store) as opened:
        found: dict[Key, Statistic] = {}
        draws = []
        for candidate in representatives:
            course = courses[candidate.program]
            known = _known(opened, candidate.program, course, source, seed)
            for index in range(n_draws):
                wanted = []
                for t in course.times:
                    keys = [(candidate.program, t, p.name, index) for p in protocols]
                    found |= {key: known[key] for key in keys if key in known}
                    missing = tuple(key[2] for key in keys if key not in known)
                    if missing:
                        wanted.append((t, missing))
                if wanted:
                    draws.append(Draw(candidate, index, tuple(wanted), seed, source, course, where))
        n_all = len(representatives) * n_draws
        n_done = n_all - len(draws)
        if progress is not None:
            progress(n_done, n_all)
        for drawn in _drawn(draws, n_jobs):
            for t, values in drawn.values:
                # What was killed is tried again when the evaluation is resumed.
                is_killed = any(value.reason is Reason.WORKER_KILLED for value, _ in values)
                if opened is not None and not is_killed:
                    conditions = courses[drawn.program].conditions(source.id, t)
                    opened.write(drawn.program, conditions, seed, drawn.index, values)
                for value, _ in values:
                    found[drawn.program, t, value.protocol, drawn.index] = value
            n_done += 1
            if progress is not None:
                progress(n_done, n_all)
    table = _table(candidates, protocols, courses, found, n_draws)
    return table if training is not None else table.drop(columns=TIME)


def _drawn(draws: Sequence[Draw], n_jobs: int) -> Iterator[Drawn]:
    """The draws in their order; one whose process is killed is tried again, alone."""
    todo = deque(draws)
    while todo:
        try:
            for drawn in parallel_map(draw_statistics, list(todo), n_jobs=n_jobs):
                todo.popleft()
                yield drawn
        except WorkerKilledError:
            # Nobody tells which of those that ran it was: the first of them is, or gets done.
            draw = todo.popleft()
            try:
                yield from parallel_map(draw_statistics, [draw], n_jobs=2)
            except WorkerKilledError:
                yield killed(draw)


def protocols_for(
    candidates: Sequence[Candidate],
    statistics: Sequence[str] | str,
    *,
    is_trained: bool = False,
) -> list[Protocol]:
    """The protocols that names mean for candidates: one for all of them, each once.

    Parameters
    ----------
    candidates : sequence of Candidate
        What is evaluated.
    statistics : sequence of str
        Names, or ids of protocols.
    is_trained : bool, default=False
        Whether networks are trained; then a plain name means a protocol of the whole network.

    Raises
    ------
    ArgumentError
        If `statistics` is empty.
    """
    names = checks.one_or_more("statistics", statistics, "statistic")
    skeletons = set.intersection(*(set(c.input_shapes) for c in candidates)) if candidates else ()
    if is_trained or not skeletons:
        skeletons = {FULL}
    protocols = [resolve(name, skeletons) for name in names]
    return list({protocol.name: protocol for protocol in protocols}.values())


def _planned(
    candidates: list[Candidate], training: Any, inputs: Any, labels: Any
) -> tuple[list[Candidate], dict[str, Course], InputSource]:
    """Candidates, the course of each program, and the source of batches."""
    if training is not None and not isinstance(training, Training | Checkpoints):
        raise ArgumentError("training", "be a Training or Checkpoints", type(training).__name__)
    if isinstance(training, Training):
        course = training.course()
        source = source_of_data(course.data)
        if inputs is not None or labels is not None:
            source = input_source("gaussian" if inputs is None else inputs, labels)
        return candidates, {candidate.program: course for candidate in candidates}, source
    source = input_source("gaussian" if inputs is None else inputs, labels)
    if isinstance(training, Checkpoints):
        candidates, checkpoints = training.courses(candidates)
        return candidates, dict(checkpoints), source
    return candidates, {candidate.program: Untrained() for candidate in candidates}, source


def _check_held_out(protocols: Sequence[Protocol], courses: Mapping[str, Course]) -> None:
    """Raise where accuracy is asked for and there is nothing to test on."""
    names = [p.name for p in protocols if "training" in p.needs]
    if names and any(course.held_out is None for course in courses.values()):
        raise ArgumentError(
            "training",
            f"hold samples to test on for {names[0]}",
            "none",
            "give training=Training(epochs=10), or Checkpoints(..., test=(inputs, labels))",
        )


def _known(
    store: DrawStore | None, program: str, course: Course, source: InputSource, seed: int
) -> dict[Key, Statistic]:
    """What a store has of a program."""
    if store is None:
        return {}
    return {
        (program, t, protocol, draw): value
        for t in course.times
        for protocol, draw, value in store.read(program, course.conditions(source.id, t), seed)
    }


def _representatives(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One candidate of each program, in the order of the programs' first appearance."""
    chosen: dict[str, Candidate] = {}
    for candidate in candidates:
        other = chosen.get(candidate.program)
        if other is None or candidate.name < other.name:
            chosen[candidate.program] = candidate
    return list(chosen.values())


@contextmanager
def _opened(store: str | Path | DrawStore | None) -> Iterator[DrawStore | None]:
    if store is None or isinstance(store, DrawStore):
        yield store
        return
    with DrawStore(checks.path("store", store, "be a path or a DrawStore")) as opened:
        yield opened


def _table(
    candidates: Sequence[Candidate],
    protocols: Sequence[Protocol],
    courses: Mapping[str, Course],
    found: Mapping[Key, Statistic],
    n_draws: int,
) -> pd.DataFrame:
    cells: dict[tuple[str, int, str], dict[str, object]] = {}
    rows = []
    for candidate in candidates:
        for protocol in protocols:
            for t in courses[candidate.program].times:
                cell = (candidate.program, t, protocol.name)
                if cell not in cells:
                    cells[cell] = _summary([found[(*cell, i)] for i in range(n_draws)])
                rows.append(
                    {
                        "name": candidate.name,
                        "program": candidate.program,
                        "statistic": protocol.statistic,
                        "protocol": protocol.name,
                        TIME: t,
                        "direction": int(protocol.direction),
                        **cells[cell],
                        "note": _note(candidate, protocol, cells[cell]),
                    }
                )
    return pd.DataFrame(rows, columns=[*COLUMNS[:4], TIME, *COLUMNS[4:]])


def _note(candidate: Candidate, protocol: Protocol, summary: Mapping[str, object]) -> str:
    """What is to be known of the candidate, where samples are run, and of the values."""
    own = candidate.note if "inputs" in protocol.needs else ""
    return "; ".join(filter(None, [own, str(summary["note"])]))


def _summary(values: Sequence[Statistic]) -> dict[str, object]:
    """Mean, standard error, counts, and the most frequent reason and notes of draws."""
    numbers = np.array([v.value for v in values if v.value is not None])
    reasons = Counter(str(v.reason) for v in values if v.reason is not None)
    notes = dict.fromkeys(v.note for v in values if v.note)
    n = len(numbers)
    return {
        "value": float(numbers.mean()) if n else float("nan"),
        "standard_error": float(numbers.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        "n_draws": len(values),
        "n_failures": len(values) - n,
        "reason": reasons.most_common(1)[0][0] if reasons else None,
        "note": "; ".join(notes),
    }
