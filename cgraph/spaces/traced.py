"""A space given by its models alone: everything else is read off their traces."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError, ArgumentError, UnknownNameError
from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.graphs.population import Population
from cgraph.spaces.places import SEPARATOR
from cgraph.spaces.space import Architecture, Form, Part, Space, check_view

if TYPE_CHECKING:
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.statistics.candidate import Candidate


class TracedSpace(Space):
    """A space of one's own: say what the architectures are called, and build the model of each.

    A subclass sets `name`, `summary`, `source` and `input_shapes`, and defines `architectures`
    and `build`. To be evaluated by several processes it has to be picklable. Each architecture
    is traced when it is asked for, so the first of `population`, `sizes` and `programs` takes a
    trace of every model. Where the strings read ``option|option|...``, the options at each place
    can be given as `choices`, and `neighbours` follow; `ChoiceSpace` makes the strings as well.

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

    parts: tuple[Part, ...] = ("network",)
    choices: tuple[tuple[str, ...], ...] = ()

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
        if text not in names:
            near = UnknownNameError("arch", text, names).near
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ArchitectureError("arch", f"be one of {self.name}", repr(text), hint)
        return names.index(text)

    @final
    def model(self, arch: Architecture, skeleton: str = "full") -> nn.Module:
        """Model of an architecture, in train mode, as `build` gives it."""
        if skeleton not in self.input_shapes:
            raise UnknownNameError("skeleton", skeleton, self.input_shapes)
        return self.build(self.architectures()[self.index(arch)], skeleton).train()

    @final
    def graph(
        self, arch: Architecture, part: Part = "network", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of an architecture, for a batch of one."""
        check_view(self, part, form)
        graph = self._trace(self.architectures()[self.index(arch)])
        return live(graph) if form == "live" else graph

    @final
    def population(
        self, part: Part = "network", form: Form = "live", *, boundary: bool = False
    ) -> Population:
        """Kernel graphs of all architectures, packed; names are their strings."""
        names = self.architectures()
        graphs = [project(self.graph(name, part, form), boundary=boundary) for name in names]
        return Population(graphs, names)

    @final
    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Parameters and MACs of every network."""
        facts = [self._facts(name) for name in self.architectures()]
        return {
            "n_parameters": np.array([fact.n_parameters for fact in facts], dtype=np.int64),
            "macs": np.array([fact.macs for fact in facts], dtype=np.int64),
        }

    @final
    def programs(self) -> NDArray[np.int64]:
        """Index of the first architecture with the same trace as each, shape (n,)."""
        found: dict[str, int] = {}
        digests = [self._facts(name).program for name in self.architectures()]
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
            program=self._facts(name).program,
            build=partial(self.model, name),
            input_shapes=self.input_shapes,
        )

    @final
    def _trace(self, name: str) -> ComputationalGraph:
        import torch

        from cgraph.tracing.record import trace

        # What the initialisation draws must not change what the caller draws next.
        with torch.random.fork_rng(devices=[]):
            model = self.model(name)
        graph = trace(model, torch.empty(1, *self.input_shapes["full"]))
        kept = self.__dict__.setdefault("_facts_by_name", {})
        kept[name] = _Facts(_digest(graph), graph.n_parameters, graph.macs)
        return graph

    @final
    def _facts(self, name: str) -> _Facts:
        """What is kept of a trace, so that each architecture is traced once for all of it."""
        kept: dict[str, _Facts] = self.__dict__.setdefault("_facts_by_name", {})
        if name not in kept:
            self._trace(name)
        return kept[name]

    def __getstate__(self) -> dict[str, Any]:
        # Workers are sent what makes the space, not what was read off it.
        return {key: value for key, value in vars(self).items() if key != "_facts_by_name"}


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the line asks of an architecture again and again."""

    program: str
    n_parameters: int
    macs: int


def _digest(graph: ComputationalGraph) -> str:
    """Name of a program with all its sizes; kernels and memories in the order of the trace."""
    relations = (graph.reads.tolist(), graph.writes.tolist(), graph.outputs)
    kernels = [(k.operation, sorted(k.attributes.items())) for k in graph.kernels]
    memories = [(m.kind, m.shape, m.dtype, m.base, m.alias) for m in graph.memories]
    text = repr((kernels, memories, relations))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
