"""Networks as a training loop of one's own has left them, at one time or at several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.files.reading import reading
from cgraph.statistics.candidate import FULL, Candidate
from cgraph.statistics.course import Course, Moment, Start
from cgraph.statistics.datasets import LabelledData, check_data, digest_of, labelled_data
from cgraph.statistics.seeds import seed_of
from cgraph.statistics.values import Reason, missing

_STATES = "be state_dicts, or files that hold one"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoints:
    """States of networks that were trained elsewhere, by time.

    Parameters
    ----------
    states : mapping
        From times to states of the one model, or from names of models to such mappings. A time is
        a whole number of steps or epochs, 0 or above; a state is what `state_dict()` gave, or the
        path of a file that `torch.save` wrote it to.
    test : tuple of (inputs, labels), or Dataset, optional
        Samples that the training has not seen, for `accuracy`.

    Raises
    ------
    ArgumentError
        If there is no state, or a time is no whole number.

    Examples
    --------
    >>> from cgraph.statistics.evaluate import evaluate
    >>> model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    >>> before = {name: value.clone() for name, value in model.state_dict().items()}
    >>> _ = nn.init.normal_(model[0].weight)  # stands for a training
    >>> table = evaluate(model, ["grad-norm"], input_shape=(8,), n_draws=1,
    ...     training=Checkpoints({0: before, 10: model.state_dict()}))
    >>> table["t"].tolist(), table["value"].nunique()
    ([0, 10], 2)
    """

    states: Mapping[Any, Any]
    test: Any = None

    def __post_init__(self) -> None:
        if self.test is not None:
            check_data("test", self.test)
        must = "map times to states, or names to such mappings"
        if not checks.mapping("states", self.states, must):
            raise ArgumentError("states", must, "none")
        for states in self.by_name().values():
            if not states:
                raise ArgumentError("states", must, "a model without states")
            for t, state in states.items():
                checks.whole("a time of states", t, 0)
                if not isinstance(state, str | Path | Mapping):
                    raise ArgumentError("states", _STATES, f"{checks.came(state)} at {t}")

    def by_name(self) -> dict[str | None, Mapping[int, Any]]:
        """States by the name of their model; None for the one that has no name."""
        if all(isinstance(key, str) for key in self.states):
            must = "map times to states"
            return {
                key: checks.mapping(f"states[{key!r}]", states, must)
                for key, states in self.states.items()
            }
        return {None: self.states}

    def courses(
        self, candidates: Sequence[Candidate]
    ) -> tuple[list[Candidate], dict[str, CheckpointCourse]]:
        """The candidates as programs with their states, and the course of each program.

        Raises
        ------
        ArgumentError
            If states are without a model, or a model is without states.
        """
        found = self.by_name()
        candidates = checks.instances("candidates", candidates, Candidate, "be candidates")
        if None in found:
            if len(candidates) != 1:
                raise ArgumentError(
                    "states",
                    "be by the names of the models, where there are several",
                    f"one set of times for {len(candidates)} models",
                )
            found = {candidates[0].name: found[None]}
        names = [candidate.name for candidate in candidates]
        if sorted(found, key=str) != sorted(names):
            odd = sorted(set(names).symmetric_difference(map(str, found)))
            raise ArgumentError("states", f"be of the models {', '.join(names)}", ", ".join(odd))
        held_out = None if self.test is None else labelled_data(self.test, "test")
        programs, courses = [], {}
        for candidate in candidates:
            states = {t: found[candidate.name][t] for t in sorted(found[candidate.name])}
            digests = {t: _digest_of_state(state) for t, state in states.items()}
            program = f"{seed_of(candidate.program, sorted(digests.items())):032x}"
            programs.append(replace(candidate, program=program))
            courses[program] = CheckpointCourse(candidate.name, states, digests, held_out)
        return programs, courses


@dataclass(frozen=True, slots=True, eq=False)
class CheckpointCourse(Course):
    """The states of one model.

    Parameters
    ----------
    name : str
        What the model is called.
    states : mapping of int to state
        By time, rising.
    digests : mapping of int to str
        What identifies each state.
    held_out : LabelledData or None
        What accuracy is measured on.
    """

    name: str
    states: Mapping[int, Any]
    digests: Mapping[int, str]
    held_out: LabelledData | None

    @property
    def times(self) -> tuple[int, ...]:  # type: ignore[override]
        """The times that there are states of."""
        return tuple(self.states)

    def conditions(self, source: str, t: int) -> str:
        """Source, time, and what the state holds."""
        tested = "" if self.held_out is None else f", tested on {self.held_out.id}"
        return f"{source}; checkpoint {t}, {self.digests[t]}{tested}"

    def moments(self, start: Start, times: Sequence[int]) -> Iterator[Moment]:
        """The network with the state of each time."""
        for t in times:
            if start.skeleton != FULL:
                yield Moment(t, start.fresh, missing(Reason.NO_SKELETON))
            else:
                yield Moment(t, self._network(start, t))

    def _network(self, start: Start, t: int) -> Callable[[], nn.Module]:
        def make() -> nn.Module:
            network = start.fresh()
            try:
                network.load_state_dict(_loaded(self.states[t]))
            except RuntimeError as error:
                raise ArgumentError(
                    "states",
                    f"fit the model {self.name!r}",
                    f"at {t} one that does not: {' '.join(str(error).split())}",
                ) from error
            torch.manual_seed(start.seed)
            return network

        return make


def _loaded(state: Any) -> Mapping[str, Any]:
    if isinstance(state, str | Path):
        with reading(state, "be a file of tensors, as torch.save writes it", argument="states"):
            state = torch.load(state, map_location="cpu", weights_only=True)
    if not isinstance(state, Mapping):
        raise ArgumentError("states", _STATES, type(state).__name__)
    return state


def _digest_of_state(state: Any) -> str:
    loaded = _loaded(state)
    tensors = {name: value for name, value in loaded.items() if isinstance(value, Tensor)}
    names = sorted(tensors)
    return f"{seed_of(*names, digest_of([tensors[name] for name in names])):016x}"
