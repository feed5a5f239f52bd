"""The estimator: mean and standard error of statistics over initialisations and batches.

Every program is drawn once, however many candidates share it. Draws are independent pieces of
work with seeds of their own, so nothing depends on the order, the number of workers, or on whether
a value was read from a store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cgraph.errors import ArgumentError
from cgraph.parallel import parallel_map
from cgraph.statistics.candidate import Candidate, candidates_of
from cgraph.statistics.drawing import Draw, draw_statistics
from cgraph.statistics.inputs import input_source
from cgraph.statistics.methods import Protocol, resolve
from cgraph.statistics.store import DrawStore
from cgraph.statistics.values import Statistic

Key = tuple[str, str, int]  # program, protocol, draw

COLUMNS = (
    "name", "program", "statistic", "protocol", "direction", "value", "standard_error",
    "n_draws", "n_failures", "reason", "note",
)  # fmt: skip


def evaluate(
    models: Any,
    statistics: Sequence[str] | str = ("ntk", "regions", "naswot-v1", "naswot-v2"),
    *,
    inputs: Any = "gaussian",
    input_shape: tuple[int, ...] | None = None,
    n_draws: int = 3,
    seed: int = 0,
    n_jobs: int = 1,
    store: str | Path | DrawStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Training-free statistics of models at random initialisations and random batches.

    Parameters
    ----------
    models : space, or (sequence or mapping of) nn.Module, factory, or Candidate
        What to evaluate: an object with `candidates()`; modules, which are copied and drawn again
        by their `reset_parameters`; or callables without arguments that make a model.
    statistics : sequence of str, default=("ntk", "regions", "naswot-v1", "naswot-v2")
        Names of statistics, or ids of protocols such as "ntk@full". A plain name means the first
        recommended protocol whose skeleton every model comes in.
    inputs : {"gaussian", "crops"}, nest of Tensor, or callable, default="gaussian"
        Where batches come from: standard normal values, random crops of photographs, the head of
        a batch of one's own (a tensor; a tuple for several arguments, a dict for keywords), or a
        function of a numpy generator, a batch size and the shape of one input.
    input_shape : tuple of int, optional
        Shape of one input without the batch, for models that do not bring it.
    n_draws : int, default=3
        Number of draws, n_draws >= 1. A draw is an initialisation and a batch; its seeds come
        from `seed`, the program and the number of the draw.
    seed : int, default=0
        Seed of everything that is drawn.
    n_jobs : int, default=1
        Number of processes, each on one thread; -1 uses every core.
    store : path or DrawStore, optional
        Where finished draws are kept and looked up.
    progress : callable, optional
        Called with the number of draws done and of all, the draws of a store included.

    Returns
    -------
    DataFrame
        A row for each model, statistic and protocol: name, program, statistic, protocol,
        direction (1: higher is better, -1: lower), value (mean over the draws that have one; NaN
        where none has), standard_error (NaN below two values), n_draws, n_failures, reason (the
        most frequent one, where a draw failed; else None), note.

    Raises
    ------
    ArgumentError
        If an argument is out of range, two models share a name, or `store` is something else.
    UnknownNameError
        If there is no such statistic.

    Notes
    -----
    Equal programs get equal values: they are drawn once, as the first of them by name. Labels,
    where a statistic is of a loss, are drawn at random from the classes of the output.

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
    if n_draws < 1:
        raise ArgumentError("n_draws", "be at least 1", n_draws)
    source = input_source(inputs)
    batch = None if isinstance(inputs, str) or callable(inputs) else inputs
    candidates = candidates_of(models, input_shape=input_shape, inputs=batch)
    protocols = protocols_for(candidates, statistics)
    representatives = _representatives(candidates)
    with _opened(store) as opened:
        known = {} if opened is None else opened.read(source.id, seed)
        found: dict[Key, Statistic] = {}
        draws = []
        for candidate in representatives:
            for index in range(n_draws):
                keys = [(candidate.program, p.name, index) for p in protocols]
                found |= {key: known[key] for key in keys if key in known}
                missing = tuple(key[1] for key in keys if key not in known)
                if missing:
                    draws.append(Draw(candidate, index, missing, seed, source))
        n_all = len(representatives) * n_draws
        n_done = n_all - len(draws)
        if progress is not None:
            progress(n_done, n_all)
        for drawn in parallel_map(draw_statistics, draws, n_jobs=n_jobs):
            if opened is not None:
                pairs = zip(drawn.values, drawn.seconds, strict=True)
                opened.write(drawn.program, source.id, seed, drawn.index, pairs)
            found |= {(drawn.program, v.protocol, drawn.index): v for v in drawn.values}
            n_done += 1
            if progress is not None:
                progress(n_done, n_all)
    return _table(candidates, protocols, found, n_draws)


def protocols_for(
    candidates: Sequence[Candidate], statistics: Sequence[str] | str
) -> list[Protocol]:
    """The protocols that names mean for candidates: one for all of them, each once.

    Raises
    ------
    ArgumentError
        If `statistics` is empty.
    """
    names = [statistics] if isinstance(statistics, str) else list(statistics)
    if not names:
        raise ArgumentError("statistics", "name at least one statistic", "none")
    skeletons = set.intersection(*(set(c.input_shapes) for c in candidates)) if candidates else ()
    protocols = [resolve(name, skeletons or ("full",)) for name in names]
    return list({protocol.name: protocol for protocol in protocols}.values())


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
    with DrawStore(store) as opened:
        yield opened


def _table(
    candidates: Sequence[Candidate],
    protocols: Sequence[Protocol],
    found: Mapping[Key, Statistic],
    n_draws: int,
) -> pd.DataFrame:
    cells: dict[tuple[str, str], dict[str, object]] = {}
    rows = []
    for candidate in candidates:
        for protocol in protocols:
            cell = (candidate.program, protocol.name)
            if cell not in cells:
                cells[cell] = _summary([found[(*cell, i)] for i in range(n_draws)])
            rows.append(
                {
                    "name": candidate.name,
                    "program": candidate.program,
                    "statistic": protocol.statistic,
                    "protocol": protocol.name,
                    "direction": int(protocol.direction),
                    **cells[cell],
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


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
