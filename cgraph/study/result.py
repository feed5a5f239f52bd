"""What a study found: its tables, its ranking, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.clustering.keeping import KeptAssigner
from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError
from cgraph.files.reading import reading
from cgraph.ranking.order import Ranking, rank
from cgraph.ranking.validate import Validation, validate
from cgraph.report.tables import StudyTables
from cgraph.spaces.limits import KEEPS
from cgraph.spaces.living import live_sizes
from cgraph.spaces.space import Space
from cgraph.spaces.studied import studied_space
from cgraph.study import directory as files
from cgraph.study.members import StudyMembers


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """Tables of a study, as they lie in its directory.

    Parameters
    ----------
    directory : Path
        Where the study lies.
    configuration : dict
        What was studied and how.
    architectures : DataFrame
        A row for each architecture: "name", "class" (of identical programs), "cluster",
        "is_medoid", "n_parameters", "macs", "x", "y", a "usage:..." column for each operation, and
        with limits "keeps_limits" and what each network needs.
    statistics : DataFrame
        As `cgraph.evaluate` gives it, with "cluster" and "weight" of each evaluated network.
    ranking : Ranking
        The clusters in order.
    accuracies : DataFrame or None
        Columns "name" and "accuracy", where the order was validated.
    """

    directory: Path
    configuration: dict[str, Any]
    architectures: pd.DataFrame
    statistics: pd.DataFrame
    ranking: Ranking
    accuracies: pd.DataFrame | None = None

    @property
    def page(self) -> Path:
        """The HTML page."""
        return self.directory / files.PAGE

    def clustering(self) -> Clustering:
        """The clusters of the study; what assigns other programs is read when it is asked for."""
        found = clustering_of(self.architectures, self.configuration)
        return replace(found, assigner=kept_assigner(self.directory, found.n_clusters))

    def space(self, given: Space | str | None = None) -> Space:
        """The space that was studied, with the options it was studied with.

        Parameters
        ----------
        given : Space or str, optional
            The space, or what `cgraph.spaces.resolve` reads as one, such as "FILE.py": for a
            space that neither ships nor comes with an installed package.

        Raises
        ------
        ArgumentError
            If it has to be given and is not, or has not the name, the options and the
            architectures of the study.
        """
        return studied_space(self.configuration, self.architectures["name"].tolist(), given)

    def sample(
        self,
        n: int,
        *,
        cluster: int | None = None,
        random_state: int = 0,
        distinct: bool = True,
        space: Space | str | None = None,
    ) -> pd.DataFrame:
        """Networks of the best cluster, with what they cost and how many copies there are.

        Parameters
        ----------
        n, cluster, random_state, distinct
            As for `Ranking.sample`.
        space : Space or str, optional
            The space, where it neither ships nor comes with an installed package.

        Returns
        -------
        DataFrame
            A row for each: "name", "cluster", "n_copies" (members that are the same program,
            itself included); "n_parameters" and "macs" as declared, dead operations included;
            "live_parameters" and "live_macs" of what its output depends on.

        Raises
        ------
        ArgumentError
            As for `Ranking.sample` and `space`.
        """
        table = self.ranking.sample_table(
            n, cluster=cluster, random_state=random_state, distinct=distinct
        )
        declared = self.architectures.set_index("name")[["n_parameters", "macs"]]
        table = table.join(declared, on="name")
        live = live_sizes(self.space(space), table["name"])
        table["live_parameters"], table["live_macs"] = live["n_parameters"], live["macs"]
        return table

    def tables(self) -> StudyTables:
        """What figures are drawn from."""
        return StudyTables(self.architectures, self.statistics, self.ranking.table, self.accuracies)

    def validation(self) -> Validation | None:
        """What the chosen cluster is worth; None where no accuracy was given."""
        if self.accuracies is None:
            return None
        return self.validate_choice(self.ranking.best)

    def validate_choice(self, cluster: int) -> Validation:
        """What any cluster is worth, by the networks that keep the limits and have an accuracy.

        Parameters
        ----------
        cluster : int
            Number of the cluster.

        Raises
        ------
        ArgumentError
            If the study has no accuracies, or none of this cluster.
        """
        if self.accuracies is None:
            raise ArgumentError("accuracies", "be given to the study", "none")
        accuracy = self.accuracies.set_index("name")["accuracy"]
        if KEEPS in self.architectures:
            kept = self.architectures.loc[self.architectures[KEEPS], "name"]
            accuracy = accuracy[accuracy.index.isin(kept)]
        return validate(self.clustering(), cluster, accuracy, missing="allow")

    def eligible(self) -> pd.DataFrame:
        """The rows of `architectures` that keep the limits; all without limits."""
        if KEEPS not in self.architectures:
            return self.architectures
        return self.architectures[self.architectures[KEEPS]]

    def __repr__(self) -> str:
        return (
            f"StudyResult({self.configuration['space']!r} in {str(self.directory)!r}: "
            f"{len(self.architectures):,} architectures, {self.ranking!r})"
        )


def clustering_of(architectures: pd.DataFrame, configuration: dict[str, Any]) -> Clustering:
    """The clustering that the table of architectures holds."""
    medoids = architectures.loc[architectures["is_medoid"], "cluster"]
    return Clustering(
        labels=architectures["cluster"].to_numpy(),
        medoids=medoids.sort_values().index.to_numpy(),
        quality={},
        names=tuple(architectures["name"]),
        method=configuration["method"],
        metric=configuration["metric"],
    )


def kept_assigner(directory: Path, n_clusters: int) -> KeptAssigner | None:
    """What the study in a directory assigns programs by; None where it kept nothing."""
    path = directory / files.ASSIGNER
    return KeptAssigner(path, n_clusters) if path.exists() else None


def source_of(
    directory: Path,
    configuration: dict[str, Any],
    architectures: pd.DataFrame,
    space: Space | None = None,
) -> StudyMembers | None:
    """What draws new members of the clusters of a study; None where its space is listed."""
    assigner = kept_assigner(directory, int(architectures["cluster"].max()) + 1)
    if configuration.get("population") is None or assigner is None:
        return None
    return StudyMembers(configuration, architectures, assigner, directory, space)


def ranking_of(
    architectures: pd.DataFrame,
    statistics: pd.DataFrame,
    configuration: dict[str, Any],
    source: StudyMembers | None = None,
) -> Ranking:
    """The ranking that follows from the tables; what draws new members is only passed on."""
    eligible = architectures[KEEPS].to_numpy(dtype=bool) if KEEPS in architectures else None
    members = architectures if eligible is None else architectures[eligible]
    programs = members.groupby("cluster")["class"].nunique()
    n_clusters = int(architectures["cluster"].max()) + 1
    evaluated = statistics.drop_duplicates("name")
    found = rank(
        clustering_of(architectures, configuration),
        statistics,
        statistics=configuration["statistics"],
        weights=dict(zip(evaluated["name"], evaluated["weight"], strict=True)),
        n_programs=programs.reindex(range(n_clusters), fill_value=0).to_list(),
        eligible=eligible,
        programs=architectures["class"].to_numpy(),
        points=_points(architectures),
        random_state=configuration["seed"],
    )
    return replace(found, source=source)


def _points(architectures: pd.DataFrame) -> NDArray[np.float64] | None:
    """Places of the architectures on the map of the space; None where they are not known."""
    found = architectures.reindex(columns=["x", "y"]).to_numpy(dtype=float)
    return found if np.isfinite(found).all() else None


def read_result(directory: Path) -> StudyResult:
    """The result of the study in a directory; see `cgraph.load_study`."""
    configuration = files.read_configuration(directory)["configuration"]
    for name in ("space", "method", "metric", "statistics", "seed"):
        if name not in configuration:
            path = directory / files.CONFIGURATION
            raise ArgumentError(str(path), f"have the field {name!r}", "none")
    architectures = files.read_table(directory, files.ARCHITECTURES)
    statistics = files.read_table(directory, files.STATISTICS)
    accuracies = files.read_optional_table(directory, files.ACCURACIES)
    with reading(directory, "hold a whole study", argument="the directory"):
        _check_clusters(architectures)
        source = source_of(directory, configuration, architectures)
        ranking = ranking_of(architectures, statistics, configuration, source)
        return StudyResult(directory, configuration, architectures, statistics, ranking, accuracies)


def _check_clusters(architectures: pd.DataFrame) -> None:
    """Raise unless clusters are numbered: each number that is left out takes memory."""
    clusters = architectures["cluster"]
    is_numbered = pd.api.types.is_integer_dtype(clusters) and clusters.between(0, len(clusters) - 1)
    if not np.all(is_numbered):
        raise ArgumentError("cluster", f"be numbers below {len(clusters):,}", "others")
