"""A space given by its models alone: everything else is read off their traces."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArchitectureError, ArgumentError, CaptureError, UnknownNameError
from cgraph.graphs.cells import part_of
from cgraph.graphs.passes import live
from cgraph.graphs.population import Population
from cgraph.graphs.series import compact
from cgraph.spaces.capture import (
    N_IN_BATCH,
    Arguments,
    Batch,
    Buildable,
    batches_of,
    built,
    captured,
    graph_of,
    n_workers,
    population_of,
    regrouped,
)
from cgraph.spaces.cells import Cell, cell_population, choose_cell
from cgraph.spaces.places import SEPARATOR
from cgraph.spaces.space import (
    Architecture,
    Form,
    Part,
    Space,
    check_graph_view,
    check_view,
)

if TYPE_CHECKING:
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.statistics.candidate import Candidate


class TracedSpace(Space):
    """A space of one's own: say what the architectures are called, and build the model of each.

    A subclass sets `name`, `summary`, `source` and `input_shapes`, and defines `architectures`
    and `build`. To be evaluated by several processes it has to be picklable. The first of
    `population`, `sizes` and `programs` builds and captures every model (see `capture`): modules
    that are alike are traced once, and the graphs put together from them. Where the strings read
    ``option|option|...``, the options at each place can be given as `choices`, and `neighbours`
    follow; `ChoiceSpace` makes the strings as well.

    The cell of its networks is the module that `cell` names, such as ``cell = "cells.0"``, or else
    the one that is repeated; `chosen_cell` says which was taken.

    Attributes
    ----------
    choices : tuple of tuple of str, default=()
        The options at each place.
    failures : tuple of (str, str)
        Of a space that `capture` made: architectures that were left out, and what went wrong.
    batch_size : int, default=64
        Architectures that are captured and kept together.
    example : tuple of (tuple, dict), optional
        Positional and keyword arguments of the models, a batch of any dtype each; by default one
        batch of floating-point numbers of `input_shapes`.
    reader : callable, optional
        From an architecture to its graph, where the space has its own way to capture a model.

    Examples
    --------
    >>> from torch import nn
    >>> class Towers(TracedSpace):
    ...     name, summary, source = "towers", "linear layers in a row", "an example"
    ...     input_shapes = {"full": (8,)}
    ...     def architectures(self):
    ...         return ("1 layer", "2 layers", "3 layers")
    ...     def build(self, arch, skeleton):
    ...         layers = [nn.Linear(8, 8) for _ in range(int(arch[0]))]
    ...         return nn.Sequential(*layers)
    >>> Towers().population().usage().tolist()
    [[1], [2], [3]]
    >>> Towers().sizes()["n_parameters"].tolist()
    [72, 144, 216]
    """

    parts: tuple[Part, ...] = ("network", "cell", "compact")
    cell: str = ""
    choices: tuple[tuple[str, ...], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    batch_size: int = N_IN_BATCH
    example: Arguments | None = None
    reader: Callable[[str], ComputationalGraph] | None = None
    _part_of: Buildable | None = None

    @abstractmethod
    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Model of an architecture, with PyTorch's default initialisation.

        Parameters
        ----------
        arch : str
            One of `architectures()`.
        skeleton : str
            A key of `input_shapes`.
        """

    @final
    def parse(self, text: str) -> int:
        """Place of an architecture in the official order, from its string."""
        names = self.architectures()
        checks.text("arch", text, error=ArchitectureError)
        place = self._places(names).get(text)
        if place is None:
            near = UnknownNameError("arch", text, names).near
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ArchitectureError("arch", f"be one of {self.name}", repr(text), hint)
        return place

    @final
    def model(self, arch: Architecture, skeleton: str = "full") -> nn.Module:
        """Model of an architecture, in train mode, as `build` gives it."""
        checks.choice("skeleton", skeleton, self.input_shapes)
        return built(self, self.architectures()[self.index(arch)], skeleton)

    @final
    def graph(
        self, arch: Architecture, part: Part = "network", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of an architecture, for a batch of one."""
        check_graph_view(self, part, form)
        graph = graph_of(self, self.architectures()[self.index(arch)])
        if part == "cell":
            graph = part_of(graph, self.chosen_cell().scope)
        return live(graph) if form == "live" else graph

    @final
    def chosen_cell(self) -> Cell:
        """The module that is taken as the cell, and why.

        Raises
        ------
        ArgumentError
            If `cell` names no module of the networks.
        """
        known: Cell | None = self.__dict__.get("_cell")
        if known is None:
            names = self.architectures()
            near = self.neighbours(names[0]) if self.choices else ()
            known = choose_cell(names, near, partial(graph_of, self), self.cell)
            self.__dict__["_cell"] = known
        return known

    @final
    def capture(
        self,
        *,
        n_jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        skip_failures: bool = False,
        store: Store | None = None,
    ) -> TracedSpace:
        """Read the programs of all architectures off their models, once for all that is asked.

        `population`, `sizes` and `programs` do it where it has not been done.

        Parameters
        ----------
        n_jobs : int, optional
            Number of processes; by default as many as the work is worth, 8 at most. What is
            captured does not depend on it.
        progress : callable, optional
            Called with the architectures that are done, and how many there are.
        skip_failures : bool, default=False
            Whether those whose model cannot be built or captured are left out.
        store : mapping of tuple of str to Batch, optional
            Where captured batches are looked up and put, by their names, as they come.

        Returns
        -------
        TracedSpace
            This space; or, where some have failed, the space of the others, whose `failures` says
            what went wrong with each.

        Raises
        ------
        CaptureError
            If one fails and failures are not skipped; names it. The others have been captured.
        ArgumentError
            If there is no architecture, or one stands twice.
        """
        names = self.architectures()
        self._places(names)
        groups = batches_of(names, self.batch_size)
        known: dict[tuple[str, ...], Batch] = self.__dict__.setdefault("_batches", {})
        if store is not None:
            for group in groups:
                if group not in known and (batch := store.get(group)) is not None:
                    known[group] = batch
        report = progress or (lambda *_: None)
        missing = [group for group in groups if group not in known]
        done = len(names) - sum(map(len, missing))
        report(done, len(names))
        for group, batch in zip(missing, captured(self._maker(), missing, n_jobs), strict=True):
            known[group] = batch
            if store is not None:
                store[group] = batch
            done += len(group)
            report(done, len(names))
        failures = tuple(failure for group in groups for failure in known[group].failures)
        if not failures:
            return self
        if not skip_failures or len(failures) == len(names):
            raise CaptureError(self.name, failures, len(names))
        return _survivors(self, failures)

    @final
    def population(
        self, part: Part = "network", form: Form = "live", *, boundary: bool = False
    ) -> Population:
        """Kernel graphs of all architectures, packed; names are their strings."""
        check_view(self, part, form, boundary)
        if part == "compact":
            shown: Part = "cell" if self.chosen_cell().tells_apart else "network"
            return compact(self.population(shown, form, boundary=boundary))
        if part == "cell" and self.chosen_cell().scope:
            names = self.architectures()
            return cell_population(
                names, partial(graph_of, self), self.chosen_cell().scope,
                is_live=form == "live", boundary=boundary,
                n_jobs=n_workers(self, batches_of(names), None),
            )  # fmt: skip
        batches = self._captured()
        jobs = n_workers(self, [batch.names for batch in batches], None)
        return population_of(batches, is_live=form == "live", boundary=boundary, n_jobs=jobs)

    @final
    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Parameters and MACs of every network."""
        batches = self._captured()
        return {
            "n_parameters": np.array([n for b in batches for n in b.n_parameters], dtype=np.int64),
            "macs": np.array([n for b in batches for n in b.macs], dtype=np.int64),
        }

    @final
    def programs(self) -> NDArray[np.int64]:
        """Index of the first architecture with the same trace as each, shape (n,)."""
        found: dict[str, int] = {}
        digests = [program for batch in self._captured() for program in batch.programs]
        return np.array([found.setdefault(d, i) for i, d in enumerate(digests)], dtype=np.int64)

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The architectures that differ in one of the `choices`: by places, then by options.

        A space without `choices`, or whose least changes are others, defines this method itself.

        Raises
        ------
        ArchitectureError
            If there is no such architecture.
        ArgumentError
            If the space has no `choices`.
        """
        if not self.choices:
            raise ArgumentError(
                "space",
                "have choices to have neighbours",
                f"{self.name!r} without",
                f"set choices in {type(self).__name__}, or define its neighbours(arch)",
            )
        names = self.architectures()
        words = names[self.index(arch)].split(SEPARATOR)
        known = set(names)
        changed = (
            SEPARATOR.join([*words[:place], option, *words[place + 1 :]])
            for place, options in enumerate(self.choices)
            for option in options
            if option != words[place]
        )
        return tuple(name for name in changed if name in known)

    @final
    def candidate(self, arch: Architecture) -> Candidate:
        """What the statistics need of an architecture."""
        from cgraph.statistics.candidate import Candidate

        name = self.architectures()[self.index(arch)]
        return Candidate(
            name=name,
            program=self._program(name),
            build=partial(built, self._maker(), name),
            input_shapes=self.input_shapes,
        )

    @final
    def _maker(self) -> Buildable:
        """What builds the models, which is what workers are sent: the space, or a larger one."""
        return self if self._part_of is None else self._part_of

    @final
    def _captured(self) -> list[Batch]:
        """All batches, each captured at most once."""
        self.capture()
        known: dict[tuple[str, ...], Batch] = self.__dict__["_batches"]
        return [known[group] for group in batches_of(self.architectures(), self.batch_size)]

    @final
    def _program(self, name: str) -> str:
        """Digest of the program of an architecture: that of its batch, or captured alone."""
        place = self.parse(name)
        names = self.architectures()
        begin = place - place % self.batch_size
        known: dict[tuple[str, ...], Batch] = self.__dict__.get("_batches", {})
        batch = known.get(names[begin : begin + self.batch_size])
        if batch is None:
            alone: dict[str, Batch] = self.__dict__.setdefault("_alone", {})
            if name not in alone:
                alone[name] = next(captured(self._maker(), [(name,)], 1))
            batch = alone[name]
        for other, program in zip(batch.names, batch.programs, strict=True):
            if other == name:
                return program
        raise CaptureError(self.name, [f for f in batch.failures if f[0] == name], 1)

    @final
    def _places(self, names: tuple[str, ...]) -> dict[str, int]:
        """Place of each architecture."""
        known: tuple[tuple[str, ...], dict[str, int]] | None = self.__dict__.get("_known_places")
        if known is None or (known[0] is not names and known[0] != names):
            known = self.__dict__["_known_places"] = (names, _places_of(self, names))
        return known[1]

    def __getstate__(self) -> dict[str, Any]:
        # Workers are sent what makes the space, not what was read off it.
        return {key: value for key, value in vars(self).items() if key not in _READ_OFF}


# What a space keeps of its models.
_READ_OFF = frozenset(("_batches", "_alone", "_known_places", "_cell"))


class Store(Protocol):
    """Where captured batches are kept."""

    def get(self, names: tuple[str, ...], /) -> Batch | None:
        """The batch of these architectures; None where there is none."""
        ...

    def __setitem__(self, names: tuple[str, ...], batch: Batch, /) -> None: ...


@final
class Survivors(TracedSpace):
    """The architectures of a space that could be captured; made by `TracedSpace.capture`."""

    def __init__(self, space: TracedSpace, names: tuple[str, ...]) -> None:
        self.name, self.summary, self.source = space.name, space.summary, space.source
        self.input_shapes, self.choices = space.input_shapes, space.choices
        self.options, self.parts, self.row_keys = space.options, space.parts, space.row_keys
        self.cell = space.cell
        self.accuracy_sources = space.accuracy_sources
        self.batch_size, self.example, self.reader = space.batch_size, space.example, space.reader
        self._space = space
        self._names = names

    def architectures(self) -> tuple[str, ...]:
        """Those that could be captured, in the order of the space."""
        return self._names

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """As the space builds it."""
        return self._space.build(arch, skeleton)


def _survivors(space: TracedSpace, failures: tuple[tuple[str, str], ...]) -> TracedSpace:
    """The space of the architectures that have not failed, with what was captured of them."""
    from cgraph.spaces.sampled import DrawnSpace

    failed = {name for name, _ in failures}
    names = tuple(name for name in space.architectures() if name not in failed)
    rest = (
        DrawnSpace(space.space, names) if isinstance(space, DrawnSpace) else Survivors(space, names)
    )
    rest.failures = failures
    rest.__dict__["_batches"] = regrouped(
        list(space.__dict__["_batches"].values()), names, rest.batch_size
    )
    return rest


def _places_of(space: TracedSpace, names: tuple[str, ...]) -> dict[str, int]:
    if not isinstance(names, tuple) or not names:
        raise ArgumentError(
            "architectures()", "give a tuple of strings, one at least",
            "an empty one" if isinstance(names, tuple) else f"a {type(names).__name__}",
            f"see {type(space).__name__}.architectures",
        )  # fmt: skip
    places: dict[str, int] = {}
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise ArgumentError("architectures()", "give strings", f"{name!r} at place {i}")
        first = places.setdefault(name, i)
        if first != i:
            raise ArgumentError(
                "architectures()", "name each architecture once",
                f"{name!r} at places {first} and {i}", "give two architectures two names",
            )  # fmt: skip
    return places
