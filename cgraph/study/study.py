"""A study: one frozen configuration, run in a directory from a space to its ranked clusters."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import file_digest
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.spaces.limits import Limits
from cgraph.spaces.space import MOST_DRAWN, Space

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.study.result import StudyResult

VERSIONS_OF = ("cgraph", "numpy", "scipy", "scikit-learn", "torch", "pandas", "pynauty")

Progress = Callable[[str, int, int], None]
"""Called with the stage, the units of it that are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is studied, and how.

    Parameters
    ----------
    space : Space or str
        The search space, or what `cgraph.spaces.resolve` reads as one, such as its name.
    part : {"cell", "network", "operations", "compact"}, optional
        What the graphs of the architectures are made of, one of the `parts` of the space; by
        default what suits the metric, see `cgraph.spaces.views`.
    method : str, default="kmeans"
        How they are clustered; a name of the table of clusterings.
    metric : str, default="hellinger"
        The distance of spectral clustering; k-means works on the embedding of "hellinger".
    n_clusters : int, default=8
        How many clusters.
    landmarks : int, optional
        For spectral clustering of spaces whose pairs are too many: how many programs the
        distances go to, in place of all.
    limits : Limits, optional
        What networks have to keep: those that do not are not evaluated and do not count. The
        clusters are those of the whole space.
    statistics : sequence of str, or str, default=("ntk", "regions", "naswot-v1", "naswot-v2")
        Names of statistics, or ids of protocols, that order the clusters.
    inputs : {"gaussian", "crops"}, default="gaussian"
        What the networks are fed: noise, or crops of photographs.
    n_sampled : int, default=10
        How many distinct programs of each cluster are evaluated.
    n_draws : int, default=2
        How many initialisations and batches of each.
    seed : int, default=0
        Seed of everything that is drawn.
    options : mapping from str to object, default={}
        What a space that is given by its name is made with, such as ``{"dataset": "pubmed"}``.
    population : int, optional
        How many architectures are drawn from a space that is too large to list, and studied;
        2,000 by default.

    Examples
    --------
    >>> Study("nasbench201", n_clusters=5).n_clusters
    5
    """

    space: Space | str
    part: Literal["cell", "network", "operations", "compact"] | None = None
    method: str = "kmeans"
    metric: str = "hellinger"
    n_clusters: int = 8
    landmarks: int | None = None
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    statistics: tuple[str, ...] = ("ntk", "regions", "naswot-v1", "naswot-v2")
    inputs: str = "gaussian"
    n_sampled: int = 10
    n_draws: int = 2
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    population: int | None = None

    def __post_init__(self) -> None:
        checks.instance("space", self.space, (str, Space), "be a Space or the name of one")
        if self.part is not None:
            checks.text("part", self.part)
        checks.instance("limits", self.limits, Limits, "be Limits")
        checks.choice("inputs", self.inputs, ("gaussian", "crops"))
        checked: dict[str, Any] = {
            "method": checks.text("method", self.method),
            "metric": checks.text("metric", self.metric),
            "statistics": checks.one_or_more("statistics", self.statistics, "statistic"),
            "seed": checks.seed("seed", self.seed),
            "options": checks.mapping("options", self.options, "map names to values"),
        }
        if not all(isinstance(name, str) for name in checked["options"]):
            raise ArgumentError("options", "map names to values", checks.came(self.options))
        for name in ("n_clusters", "n_sampled", "n_draws"):
            checked[name] = checks.whole(name, getattr(self, name), 1, checks.MOST_REPEATS)
        if self.landmarks is not None:
            checked["landmarks"] = checks.whole("landmarks", self.landmarks, 2)
        if self.population is not None:
            checked["population"] = checks.whole("population", self.population, 1, MOST_DRAWN)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def resolved(self) -> Study:
        """The same study with its space looked up, its population drawn and its part decided.

        Raises
        ------
        UnknownNameError
            If there is no space of that name.
        ArgumentError
            If the space has no such part, or takes no such options.
        """
        from cgraph.distances.methods import DISTANCES
        from cgraph.spaces import resolve
        from cgraph.spaces.sampled import populated
        from cgraph.spaces.views import view_for

        space = self.space
        if isinstance(space, str):
            space = resolve(space, **self.options)
        elif self.options and dict(self.options) != dict(space.options):
            raise ArgumentError(
                "options", f"be left out for {space.name!r}, which is made already", self.options
            )
        space, population = populated(space, self.population, self.seed)
        part = view_for(space, DISTANCES[self.metric].feature, self.part).part
        options = dict(space.options)
        return replace(self, space=space, options=options, part=part, population=population)

    def configuration(self) -> dict[str, Any]:
        """What identifies the study, as plain JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["space"] = self.space if isinstance(self.space, str) else self.space.name
        values["options"] = dict(self.options)
        values["statistics"] = list(self.statistics)
        values["limits"] = limits_record(self.limits)
        return values

    def run(
        self,
        directory: str | Path,
        *,
        accuracies: pd.Series | None = None,
        n_jobs: int = 1,
        progress: Progress | None = None,
        skip_failures: bool = False,
    ) -> StudyResult:
        """Run the study, or what is left of it.

        Parameters
        ----------
        directory : path
            Where everything is written: new, empty, or the directory of this very study, which
            is then resumed: no finished evaluation is repeated.
        accuracies : Series of float, optional
            Trained accuracy in percent by name of the architecture, to validate the order
            against. It is looked at after the order is fixed and written.
        n_jobs : int, default=1
            Number of processes for the statistics; -1 uses every core. The tables do not depend
            on it.
        progress : callable, optional
            Called with the stage, units done, and units in all.
        skip_failures : bool, default=False
            Whether architectures of a space of one's own that cannot be built or captured are left
            out; how many stands in `study.json`, and which in `failures.parquet`.

        Returns
        -------
        StudyResult
            The tables, the ranking and the paths.

        Raises
        ------
        StudyError
            If the directory holds another study or other files; nothing is changed then.
        ArgumentError
            If an option does not fit the space.
        CaptureError
            If architectures cannot be captured and are not skipped; the others have been, and are
            kept for the next run in the directory.
        """
        from cgraph.study.run import run_study

        target = checks.path("directory", directory)
        if progress is not None:
            checks.function("progress", progress)
        return run_study(
            self.resolved(),
            target,
            accuracies=_checked_accuracies(accuracies),
            n_jobs=checks.workers("n_jobs", n_jobs),
            progress=progress,
            skip_failures=skip_failures,
        )

    def record(self) -> dict[str, Any]:
        """What is written beside the configuration: versions of what computed the tables."""
        return {
            "versions": {
                "python": platform.python_version(),
                **{package: metadata.version(package) for package in VERSIONS_OF},
            },
            "machine": platform.machine(),
        }


def _checked_accuracies(accuracies: pd.Series | None) -> pd.Series | None:
    if accuracies is None:
        return None
    import pandas as pd

    checks.instance("accuracies", accuracies, pd.Series, "be a Series, by name of architecture")
    values = checks.numbers("accuracies", accuracies, (len(accuracies),))
    names = checks.texts("the index of accuracies", list(accuracies.index), different=True)
    found = pd.Series(values, index=list(names), name=accuracies.name)
    found.attrs = dict(accuracies.attrs)
    return found


def limits_record(limits: Limits) -> dict[str, str]:
    """Limits as plain values; a table of measurements by its name and what is in it."""
    given = {field.name: getattr(limits, field.name) for field in fields(limits)}
    found = {name: str(value) for name, value in given.items() if value is not None}
    if limits.measured is not None:
        path = Path(limits.measured)
        if not path.is_file():
            raise ArgumentError("measured", "be an existing file", repr(str(path)))
        with path.open("rb") as file:
            found["measured"] = f"{path.name} {file_digest(file, 'sha256').hexdigest()}"
    return found


def load_study(directory: str | Path) -> StudyResult:
    """The result of a study that ran in a directory.

    Parameters
    ----------
    directory : path
        Where `Study.run` wrote.

    Returns
    -------
    StudyResult
        As `Study.run` returned it.

    Raises
    ------
    StudyError
        If there is no study, or it has not run to its end.
    """
    from cgraph.study.result import read_result

    return read_result(checks.path("directory", directory))
