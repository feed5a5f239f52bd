"""A space that is too large to list: architectures are drawn from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces import places
from cgraph.spaces.capture import N_IN_BATCH, Arguments
from cgraph.spaces.places import SEPARATOR, Choices, Places
from cgraph.spaces.space import Architecture, Form, Part, Seed, Space, amount
from cgraph.spaces.traced import TracedSpace

if TYPE_CHECKING:
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.graphs.population import Population
    from cgraph.statistics.candidate import Candidate

DEFAULT_POPULATION = 2_000
"""Architectures that a study draws, where it is not told how many."""

MOST_REPEATS = 10_000
"""Draws in a row that may give what was drawn before."""


class SampledSpace(Space):
    """A space of one's own that is drawn from: say how one architecture is drawn and read.

    A subclass sets `name`, `summary`, `source` and `input_shapes`, and defines `sample_one`,
    `parse` and `build`; where it knows them, `size` and `neighbours`. What lists the space,
    such as `population`, is refused: `draw` gives some architectures as a space of their own,
    which is listed. `SampledChoiceSpace` is one that is all choices at some places.

    Examples
    --------
    >>> from torch import nn
    >>> class Stacks(SampledSpace):
    ...     name, summary, source = "stacks", "layers of any widths, in a row", "an example"
    ...     input_shapes = {"full": (8,)}
    ...     def sample_one(self, rng):
    ...         return "-".join(str(rng.integers(1, 65)) for _ in range(rng.integers(1, 9)))
    ...     def parse(self, text):
    ...         if not all(0 < int(width) <= 64 for width in text.split("-")):
    ...             raise ArchitectureError("arch", "be widths from 1 to 64", text)
    ...         return text
    ...     def build(self, arch, skeleton):
    ...         widths = [8, *map(int, arch.split("-"))]
    ...         return nn.Sequential(*[nn.Linear(a, b) for a, b in zip(widths, widths[1:])])
    >>> Stacks().sample(2)
    ('41-33-18-20-3-5-2', '53-42')
    >>> few = Stacks().draw(100, seed=1)
    >>> few
    DrawnSpace('stacks', 100 architectures)
    >>> len(few.population())
    100
    """

    parts: tuple[Part, ...] = ("network", "cell", "compact")
    cell: str = ""
    is_listed: bool = False
    size: int | None = None
    batch_size: int = N_IN_BATCH
    example: Arguments | None = None
    reader: Callable[[str], ComputationalGraph] | None = None

    @abstractmethod
    def sample_one(self, rng: np.random.Generator) -> str:
        """String of an architecture that is drawn with what `rng` gives, and nothing else."""

    @abstractmethod
    def parse(self, text: str) -> str:
        """String of an architecture as the space writes it: one string for each architecture.

        Raises
        ------
        ArchitectureError
            If the string is not of this space; says where and why.
        """

    @abstractmethod
    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Model of an architecture, with PyTorch's default initialisation.

        Parameters
        ----------
        arch : str
            As `parse` gives it.
        skeleton : str
            A key of `input_shapes`.
        """

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The architectures that differ from one by the least change; where a subclass says so.

        Raises
        ------
        ArgumentError
            If it does not.
        """
        raise ArgumentError(
            "space",
            "have neighbours to be searched from an architecture",
            f"{self.name!r} without ({arch!r:.100})",
            f"define neighbours(arch) in {type(self).__name__}",
        )

    @final
    def draw(self, n: int, seed: Seed = 0) -> DrawnSpace:
        """Architectures drawn from the space, as a space of their own, which is listed.

        Parameters
        ----------
        n : int
            How many different ones, at least 1.
        seed : int or numpy.random.Generator, default=0
            Seed of the draw.

        Raises
        ------
        ArgumentError
            If there are fewer, or the space gives no others.
        """
        if n == 0:
            raise ArgumentError("n", "be 1 or more", n)
        return DrawnSpace(self, self.sample(n, seed))

    @final
    def subset(self, architectures: Iterable[str]) -> DrawnSpace:
        """Architectures by their strings, as a space of their own, which is listed.

        Raises
        ------
        ArchitectureError
            If one of them is not of this space.
        ArgumentError
            If there is none, or one stands twice.
        """
        return DrawnSpace(self, tuple(self.parse(name) for name in architectures))

    @final
    def model(self, arch: Architecture, skeleton: str = "full") -> nn.Module:
        """Model of an architecture, in train mode, as `build` gives it."""
        return self.subset([self.spelled(arch)]).model(0, skeleton)

    @final
    def graph(
        self, arch: Architecture, part: Part = "network", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of an architecture, for a batch of one."""
        return self.subset([self.spelled(arch)]).graph(0, part, form)

    @final
    def candidate(self, arch: Architecture) -> Candidate:
        """What the statistics need of an architecture."""
        return self.subset([self.spelled(arch)]).candidate(0)

    @final
    def architectures(self) -> tuple[str, ...]:
        """Refused: they are too many, or nobody knows which there are.

        Raises
        ------
        ArgumentError
            Says what to do.
        """
        self._refuse()

    @final
    def population(
        self,
        part: Part = "network",  # noqa: ARG002
        form: Form = "live",  # noqa: ARG002
        *,
        boundary: bool = False,  # noqa: ARG002
    ) -> Population:
        """Refused, as `architectures` is."""
        self._refuse()

    @final
    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Refused, as `architectures` is."""
        self._refuse()

    @final
    def programs(self) -> NDArray[np.int64]:
        """Refused, as `architectures` is."""
        self._refuse()

    @final
    def _refuse(self) -> NoReturn:
        raise ArgumentError(
            "space",
            "be one whose architectures can be listed",
            repr(self),
            "draw some as a space of their own: space.draw(20_000)",
        )

    @final
    def _drawn(self, n: int, rng: np.random.Generator) -> tuple[str, ...]:
        found: dict[str, None] = {}
        n_repeats = 0
        while len(found) < n:
            name = self._read(self.sample_one(rng))
            n_repeats = n_repeats + 1 if name in found else 0
            if n_repeats == MOST_REPEATS:
                raise ArgumentError(
                    f"sample_one of {self.name!r}",
                    f"give {n:,} different architectures",
                    f"{len(found):,} and then {MOST_REPEATS:,} repetitions in a row",
                    "ask for fewer",
                )
            found[name] = None
        return tuple(found)

    @final
    def _read(self, text: Any) -> str:
        """What was drawn, as the space writes it."""
        try:
            if isinstance(text, str):
                return self.parse(text)
            problem = "a string names an architecture"
        except ArchitectureError as error:
            problem = str(error)
        raise ArgumentError(
            f"sample_one of {self.name!r}", "give what parse takes", f"{text!r:.200}", problem
        )

    def __len__(self) -> int:
        self._refuse()

    def __bool__(self) -> bool:
        return True


class SampledChoiceSpace(SampledSpace):
    """All choices at some places, drawn uniformly: as `ChoiceSpace`, of any size.

    A subclass sets `name`, `summary`, `source`, `input_shapes` and `choices`, and defines
    `build`. A place is a sequence of options, or a mapping from options to the places that each
    opens, right behind it. The string of an architecture is its options with "|" between. Two are
    neighbours where one choice differs; of options that open places, the next or the last one.

    Examples
    --------
    >>> from torch import nn
    >>> class Deep(SampledChoiceSpace):
    ...     name, summary, source = "deep", "up to 30 layers in a row", "an example"
    ...     input_shapes = {"full": (8,)}
    ...     choices = ({str(n): [("linear", "relu", "none")] * n for n in range(1, 31)},)
    ...     def build(self, arch, skeleton):
    ...         kinds = {"linear": lambda: nn.Linear(8, 8), "relu": nn.ReLU, "none": nn.Identity}
    ...         return nn.Sequential(*[kinds[word]() for word in arch.split("|")[1:]])
    >>> Deep().size
    308836698141972
    >>> Deep().neighbours("1|relu")
    ('2|relu|linear', '2|relu|relu', '2|relu|none', '1|linear', '1|none')
    """

    choices: Choices = ()

    @property
    def size(self) -> int:  # type: ignore[override]  # known here, and not to be set
        """Number of architectures, exactly."""
        return places.count(self._places)

    @final
    def sample_one(self, rng: np.random.Generator) -> str:
        """String of an architecture; each is as likely as any other."""
        return SEPARATOR.join(places.draw(self._places, rng))

    @final
    def parse(self, text: str) -> str:
        """The string itself, where its options are those of the places."""
        checks.text("arch", text, error=ArchitectureError)
        places.check(self._places, text.split(SEPARATOR), self.name)
        return text

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The architectures where one choice differs: by places, then by options."""
        words = self.spelled(arch).split(SEPARATOR)
        return tuple(SEPARATOR.join(near) for near in places.next_to(self._places, words))

    @cached_property
    def _places(self) -> Places:
        if not self.choices:
            raise ArgumentError("choices", "be one sequence of options for each place", "none")
        return places.places_of(self.choices)


@final
class DrawnSpace(TracedSpace):
    """Architectures of a `SampledSpace`, as a space that is listed; `draw` and `subset` make it.

    Parameters
    ----------
    space : SampledSpace
        What they were drawn from.
    architectures : tuple of str
        Their strings, as that space writes them.
    """

    def __init__(self, space: SampledSpace, architectures: tuple[str, ...]) -> None:
        if not architectures:
            raise ArgumentError("architectures", "be one at least", "none")
        if len(set(architectures)) < len(architectures):
            twice = next(name for name in architectures if architectures.count(name) > 1)
            raise ArgumentError("architectures", "stand once each", f"{twice!r:.200} twice")
        self.space = self._part_of = space
        self.name, self.summary, self.source = space.name, space.summary, space.source
        self.parts, self.cell = space.parts, space.cell
        self.input_shapes: Mapping[str, tuple[int, ...]] = dict(space.input_shapes)
        self.options = dict(space.options)
        self._names = architectures

    def architectures(self) -> tuple[str, ...]:
        """Strings of the architectures, in the order drawn."""
        return self._names

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """Model of an architecture, as the space it was drawn from builds it."""
        return self.space.build(arch, skeleton)

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """Those of the neighbours in the whole space that were drawn."""
        drawn = set(self._names)
        return tuple(n for n in self.space.neighbours(self.spelled(arch)) if n in drawn)


def populated(space: Space, population: int | None, seed: int) -> tuple[Space, int | None]:
    """The space that a study is of, and how many architectures it drew.

    Parameters
    ----------
    space : Space
        What is studied.
    population : int or None
        How many architectures to draw; None for `DEFAULT_POPULATION`, where the space is drawn
        from.
    seed : int
        Seed of the draw.

    Returns
    -------
    (Space, int or None)
        A space that is listed; None where it was from the start.

    Raises
    ------
    ArgumentError
        If there are not so many, or the space is listed and a number is given.
    """
    if isinstance(space, SampledSpace):
        wanted = DEFAULT_POPULATION if population is None else population
        if population is None and space.size is not None:
            wanted = min(wanted, space.size)
        most = f"be from 1 to {amount(space.size)}" if space.size else "be 1 or more"
        if wanted < 1 or (space.size is not None and wanted > space.size):
            raise ArgumentError("population", f"{most}, the size of {space.name!r}", wanted)
        return space.draw(wanted, seed), wanted
    n_drawn = len(space) if isinstance(space, DrawnSpace) else None
    if population not in (None, n_drawn):
        raise ArgumentError(
            "population",
            f"be left out for {space.name!r}, of which all {len(space):,} are studied",
            population,
        )
    return space, n_drawn
