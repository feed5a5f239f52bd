"""What the line needs of a search space, and no more.

A space names its architectures by strings in an official order, builds the model of each, and
gives their graphs. Concrete spaces are final: they fill in the abstract methods below and leave
those with a body as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final, get_args

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces.sources import AccuracySource, RowKey, SourceOptions, Unit

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.graphs.population import Population
    from cgraph.statistics.candidate import Candidate

Part: TypeAlias = Literal["cell", "network", "operations", "compact"]
Form: TypeAlias = Literal["raw", "live"]
Architecture: TypeAlias = "str | int"
Seed: TypeAlias = "int | np.random.Generator"


MOST_DRAWN = 10_000_000
"""Architectures of a sample at most: each is a string in memory."""


class Space(ABC):
    """A search space.

    Attributes
    ----------
    name : str
        What it is called in `cgraph.spaces.available()`.
    summary : str
        What it holds, in a line.
    source : str
        Whose it is.
    parts : tuple of str
        What `population` can show: "network"; "cell" where there are cells; "compact", the cell
        with series of kernels contracted (see `cgraph.compact`), or the network where there are
        none; and "operations", the cell as its authors draw it, where they do. The first is what
        architectures are shown as by default; see `cgraph.spaces.views`. `graph` shows the cell
        and the network.
    input_shapes : mapping from str to tuple of int
        The skeletons of `model`, with the shape of one input without the batch; "full" is the
        network that is trained.
    accuracy_sources : tuple of AccuracySource, default=()
        The benchmark's own files and packages that `accuracies` reads, beside plain tables.
    row_keys : tuple of RowKey, default=()
        How the rows of a table may name architectures, beside their strings and indices.
    options : mapping from str to object, default={}
        What it was made with, where there is a choice, such as a data set: plain JSON values that
        tell it from others of its name.
    is_listed : bool, default=True
        Whether all architectures can be listed. Where not, as in a `SampledSpace`, some are drawn
        and are a space of their own.

    Notes
    -----
    An architecture is named by its string or by its place in the official order.
    """

    name: str
    summary: str
    source: str
    parts: tuple[Part, ...]
    input_shapes: Mapping[str, tuple[int, ...]]
    accuracy_sources: tuple[AccuracySource, ...] = ()
    row_keys: tuple[RowKey, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})
    is_listed: bool = True

    @abstractmethod
    def architectures(self) -> tuple[str, ...]:
        """String of each architecture, each once, in the official order."""

    @abstractmethod
    def parse(self, text: str) -> Architecture:
        """Place of an architecture in the official order, from its string.

        Where the space is not listed, the string as the space itself writes it.

        Raises
        ------
        ArchitectureError
            If the string is not of this space; says where and why.
        """

    @abstractmethod
    def model(self, arch: Architecture, skeleton: str = "full") -> nn.Module:
        """Model of an architecture, in train mode, with PyTorch's default initialisation.

        Parameters
        ----------
        arch : str or int
            The architecture.
        skeleton : str, default="full"
            What it is built into; a key of `input_shapes`.
        """

    @abstractmethod
    def graph(
        self, arch: Architecture, part: Part = "cell", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of an architecture.

        Parameters
        ----------
        arch : str or int
            The architecture.
        part : {"cell", "network"}, default="cell"
            The cell alone, or the network that is trained.
        form : {"raw", "live"}, default="raw"
            Exactly what `cgraph.trace` gives for the model; or what of it is alive: zeros and
            what only feeds them cut away, identities contracted, sums flattened.
        """

    @abstractmethod
    def population(
        self, part: Part = "cell", form: Form = "live", *, boundary: bool = False
    ) -> Population:
        """Kernel graphs of all architectures, packed; names are their strings.

        Parameters
        ----------
        part : {"cell", "network", "operations", "compact"}, default="cell"
            As for `graph`; or the operations of the cell as nodes, each of them one, whatever
            kernels it runs; or the cell with series of kernels as one node.
        form : {"raw", "live"}, default="live"
            As for `graph`.
        boundary : bool, default=False
            Whether inputs and outputs are nodes too, as for `cgraph.project`.
        """

    @abstractmethod
    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Sizes of every trained network as it stands, dead operations included.

        Returns
        -------
        dict of str to ndarray of int64, shape (n_architectures,)
            "n_parameters" and "macs" (multiply-accumulates for one input), in the official order.
        """

    @abstractmethod
    def programs(self) -> NDArray[np.int64]:
        """Which architectures are one program: the index of the one that stands for each.

        Returns
        -------
        ndarray of int64, shape (n_architectures,)
            Equal for two architectures exactly where they are one program; an architecture that
            stands for its program has its own index.
        """

    @abstractmethod
    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The architectures that differ from one by the least change, each once, without itself.

        What a least change is, the space says; in most, `a` is a neighbour of `b` exactly where
        `b` is one of `a`.
        """

    @abstractmethod
    def candidate(self, arch: Architecture) -> Candidate:
        """What the statistics need of an architecture: how to build its program, and its name."""

    @property
    def size(self) -> int | None:
        """Number of architectures, exactly; None where it is not known."""
        return len(self.architectures())

    @final
    def spelled(self, arch: Architecture) -> str:
        """String of an architecture as the space writes it, from its string or its place.

        Raises
        ------
        ArchitectureError
            If there is no such architecture.
        """
        found = self.parse(arch) if isinstance(arch, str) else arch
        return found if isinstance(found, str) else self.architectures()[self.index(found)]

    @final
    def canonical(self, arch: Architecture) -> str:
        """The architecture that stands for all that are the same program as this one."""
        return self.architectures()[int(self.programs()[self.index(arch)])]

    @final
    def candidates(self, architectures: Iterable[Architecture] | None = None) -> list[Candidate]:
        """`candidate` of several architectures, by default of all, in order."""
        if architectures is None:
            return [self.candidate(arch) for arch in self.architectures()]
        chosen = checks.items("architectures", architectures, "be architectures in a sequence")
        return [self.candidate(arch) for arch in chosen]

    @final
    def to_parameters(self, arch: Architecture) -> dict[str, str | int]:
        """An architecture as values of named parameters, as hyperparameter searchers see it.

        Parameters
        ----------
        arch : str or int
            The architecture.

        Returns
        -------
        dict of str to str or int
            A value for each parameter of the space, the same ones for every architecture.

        Raises
        ------
        ArchitectureError
            If there is no such architecture.

        Examples
        --------
        >>> from cgraph.spaces import get
        >>> get("nasbench201").to_parameters(6111)["edge_0_1"]
        'nor_conv_3x3'
        """
        from cgraph.spaces.encodings import encoding_of

        return encoding_of(self).encode(self.spelled(arch))

    @final
    def from_parameters(self, values: Mapping[str, Any]) -> str:
        """String of the architecture that has these values: what `to_parameters` gives, back.

        Parameters
        ----------
        values : mapping of str to value
            A value for each parameter, as `trial.params` of Optuna; others are passed over.

        Returns
        -------
        str

        Raises
        ------
        ArgumentError
            If a value is missing or cannot be had.
        ArchitectureError
            If the values are of no architecture: in NAS-Bench-101 not every choice is one. A
            searcher should drop such a trial.

        Examples
        --------
        >>> from cgraph.spaces import get
        >>> space = get("nasbench201")
        >>> space.from_parameters(space.to_parameters(6111)) == space.architectures()[6111]
        True
        """
        from cgraph.spaces.encodings import checked, encoding_of

        checks.mapping("values", values, "map parameters to values")
        encoding = encoding_of(self)
        return encoding.decode(checked(encoding, values))

    @final
    def mutate(self, arch: Architecture, seed: Seed = 0) -> str:
        """One of the neighbours of an architecture, drawn uniformly.

        Parameters
        ----------
        arch : str or int
            The architecture.
        seed : int or numpy.random.Generator, default=0
            Seed of the draw, or what is drawn from: a search passes its generator on.

        Returns
        -------
        str

        Raises
        ------
        ArchitectureError
            If there is no such architecture, or it has no neighbour.

        Examples
        --------
        >>> from cgraph.spaces import get
        >>> get("nasbench201").mutate("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", seed=1)
        '|none~0|+|none~0|avg_pool_3x3~1|+|none~0|none~1|none~2|'
        """
        rng = checks.generator("seed", seed)
        near = self.neighbours(arch)
        if not near:
            raise ArchitectureError("arch", "have a neighbour", repr(arch))
        return near[int(rng.integers(len(near)))]

    @final
    def sample(self, n: int, seed: Seed = 0) -> tuple[str, ...]:
        """Different architectures, drawn uniformly.

        Parameters
        ----------
        n : int
            How many, 0 <= n <= the size of the space.
        seed : int or numpy.random.Generator, default=0
            Seed of the draw, or what is drawn from.

        Returns
        -------
        tuple of str
            In the order drawn.

        Raises
        ------
        ArgumentError
            If there are fewer.

        Examples
        --------
        >>> from cgraph.spaces import get
        >>> get("nasbench101").sample(1)
        ('maxpool3x3~0|conv3x3~1|conv3x3~2|maxpool3x3~0|maxpool3x3~4|output~1,2,3,5',)
        """
        size = self.size
        hint = "" if size is None else f"{self.name} has {amount(size)} architectures"
        most = MOST_DRAWN if size is None else min(size, MOST_DRAWN)
        n = checks.whole("n", n, 0, most, hint=hint)
        return self._drawn(n, checks.generator("seed", seed))

    def _drawn(self, n: int, rng: np.random.Generator) -> tuple[str, ...]:
        """What `sample` gives, for an `n` that there is."""
        names = self.architectures()
        return tuple(names[i] for i in rng.choice(len(names), size=n, replace=False))

    @final
    def index(self, arch: Architecture) -> int:
        """Place of an architecture in the official order, from its string or that place.

        Raises
        ------
        ArchitectureError
            If there is no such architecture.
        """
        if isinstance(arch, str):
            arch = self.parse(arch)
        if isinstance(arch, bool) or not isinstance(arch, int | np.integer):
            raise ArchitectureError("arch", "be a string or an index", checks.came(arch))
        if not 0 <= arch < len(self):
            must = f"be an index, 0 <= arch < {len(self)}"
            raise ArchitectureError("arch", must, checks.came(arch))
        return int(arch)

    @final
    def accuracies(
        self,
        source: str | Path | object | None = None,
        column: str | None = None,
        *,
        architectures: Iterable[Architecture] | None = None,
        unit: Unit | None = None,
        missing: Literal["error", "allow"] = "error",
        epochs: int | None = None,
        seed: int | None = None,
        allow_pickle: bool = False,
    ) -> pd.Series[float]:
        """Trained accuracies from a benchmark's own files, or from a table of one's own.

        Parameters
        ----------
        source : path, str or object, optional
            One of `accuracy_sources`, by default the one that comes with the space, where there
            is such a one; or a Parquet, CSV or JSON file with one row for each
            architecture, which is named by its string (column "arch", "architecture", "arch_str"
            or "name"), by its official "index", or by one of `row_keys`. Where several of these
            are there, they must agree.
        column : str, optional
            The column of accuracies; may be left out where there is a single one of numbers.
        architectures : iterable of str or int, optional
            Those whose accuracy is asked for; all of them by default. Other rows are ignored.
        unit : {"percent", "fraction"}, optional
            What the column of a table holds; percent by default. A benchmark's own files say it.
        missing : {"error", "allow"}, default="error"
            What to do about architectures that are asked for and have no accuracy: refuse, or
            leave them out, so that a sample of the space can be used.
        epochs : int, optional
            For a benchmark's own files: how long trainings were; its longest ones by default.
        seed : int, optional
            For files that tell trainings apart: the one with this seed, not the mean of all.
        allow_pickle : bool, default=False
            For files that hold more than plain data: whether they may run code when they are
            read. Only for files that you trust.

        Returns
        -------
        Series of float64
            In percent, indexed by architecture: in the official order, or in that of
            `architectures`. Its ``attrs["join"]`` says how many architectures were matched, how
            many are missing, how many rows were ignored, and what the source is.

        Raises
        ------
        ArgumentError
            If the source cannot be read as what it says, an architecture that is asked for has no
            accuracy, a row has an architecture that is not of the space, one stands twice, keys
            disagree, or a value is out of range or looks like a fraction.
        UnknownNameError
            If there is no such column; lists the near names.
        """
        from cgraph.spaces.accuracies import join_accuracies

        return join_accuracies(
            self,
            source,
            column,
            architectures=architectures,
            unit=unit,
            missing=missing,
            options=SourceOptions(epochs, seed, allow_pickle),
        )

    def __len__(self) -> int:
        return len(self.architectures())

    def __repr__(self) -> str:
        size = "architectures" if self.size is None else f"{amount(self.size)} architectures"
        how = "" if self.is_listed else ", to be drawn"
        return f"{type(self).__name__}({self.name!r}, {size}{how})"


def amount(size: int) -> str:
    """A number of architectures, to be read: three digits of it where it has more than nine.

    Examples
    --------
    >>> amount(15_625), amount(10**18)
    ('15,625', '1.00e+18')
    """
    return f"{size:,}" if size < 10**9 else f"{size:.2e}"


def check_view(space: Space, part: str, form: str, boundary: bool = False) -> None:
    """Raise where a space has no such part, or there is no such form.

    Raises
    ------
    UnknownNameError
        Names what there is.
    """
    checks.choice("part", part, space.parts)
    checks.choice("form", form, get_args(Form))
    checks.truth("boundary", boundary)


def check_graph_view(space: Space, part: str, form: str) -> None:
    """As `check_view`, for a computational graph, whose nodes are kernels.

    Raises
    ------
    UnknownNameError
        Names what there is.
    """
    shown = [name for name in space.parts if name in ("cell", "network")]
    checks.choice("part", part, shown)
    check_view(space, part, form)


def check_operations(form: str) -> None:
    """Raise where the operations of a cell are asked for in another form than the live one.

    Raises
    ------
    ArgumentError
        If `form` is not "live".
    """
    if form != "live":
        raise ArgumentError("form", "be 'live' for the part 'operations'", repr(form))
