"""What the figures and the page of a study are made from: its tables, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cgraph.errors import ArgumentError

USAGE_PREFIX = "usage:"


@dataclass(frozen=True, slots=True, eq=False)
class StudyTables:
    """The tables that figures are drawn from.

    Parameters
    ----------
    architectures : DataFrame
        A row for each architecture: "name", "cluster", "is_medoid", "x", "y", "n_parameters" and
        a "usage:..." column for each operation; "class" (of identical programs), "macs" and any
        other column where they are known.
    statistics : DataFrame
        A row for each evaluated network and protocol, with its "cluster".
    clusters : DataFrame
        A row for each cluster, best first, as `cgraph.rank` gives it.
    accuracies : DataFrame, optional
        Columns "name" and "accuracy" (percent).
    """

    architectures: pd.DataFrame
    statistics: pd.DataFrame
    clusters: pd.DataFrame
    accuracies: pd.DataFrame | None = None

    @property
    def order(self) -> list[int]:
        """Numbers of the clusters, best first."""
        return [int(c) for c in self.clusters["cluster"]]

    def accuracy(self, names: Iterable[str] | None = None) -> pd.Series:
        """Accuracy in percent by name, of all architectures or of those that are named.

        Raises
        ------
        ArgumentError
            If no accuracies are known.
        """
        if self.accuracies is None:
            raise ArgumentError(
                "accuracies", "be known for this", None, "run the study with a table of them"
            )
        return _by_name(self.accuracies, "accuracy", names)

    def usage(self) -> pd.DataFrame:
        """How often each architecture uses each operation: a column for each operation."""
        columns = [c for c in self.architectures.columns if c.startswith(USAGE_PREFIX)]
        found = self.architectures[columns]
        return found.rename(columns=lambda column: column.removeprefix(USAGE_PREFIX))

    def n_parameters(self, names: Iterable[str] | None = None) -> pd.Series:
        """Number of parameters by name, of all architectures or of those that are named."""
        return _by_name(self.architectures, "n_parameters", names)


def _by_name(table: pd.DataFrame, column: str, names: Iterable[str] | None) -> pd.Series:
    """A column by name; a few rows are cut out first, as an index of many names takes seconds."""
    rows = table if names is None else table[table["name"].isin(set(names))]
    found: pd.Series = rows.set_index("name")[column]
    return found
