"""Tables behind the figures that hold a study's statistics against accuracy and operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cgraph.hardware.limits import parse_parameter_limit
from cgraph.ranking.odds import operation_odds
from cgraph.ranking.quantiles import best_quantiles
from cgraph.ranking.tau import accuracy_tau
from cgraph.report.tables import StudyTables

STORAGE_LIMITS = ("1MB@int8", "0.5MB@int8", "0.25MB@int8")
_LEAST_SHARE = 0.005


def storage_limits(n_parameters: pd.Series) -> list[str]:
    """Limits on the stored parameters that tell the networks of a space apart.

    Parameters
    ----------
    n_parameters : Series of int
        Number of parameters of each network.

    Returns
    -------
    list of str
        1, 0.5 and 0.25 MB at int8, without those that all but 0.5 % of the networks keep, or miss;
        where that leaves none, the quartiles in two digits. Widest first.

    Examples
    --------
    >>> storage_limits(pd.Series([100_000, 400_000, 700_000]))
    ['0.5MB@int8', '0.25MB@int8']
    >>> storage_limits(pd.Series([2_000_000, 4_120_000, 6_000_000, 8_000_000]))
    ['6.5MB@int8', '5.1MB@int8', '3.6MB@int8']
    """
    sizes = n_parameters.to_numpy()

    def share(text: str) -> float:
        return float(parse_parameter_limit(text).allows(sizes).mean())

    found = [text for text in STORAGE_LIMITS if _LEAST_SHARE <= share(text) <= 1 - _LEAST_SHARE]
    if found:
        return found
    quartiles = [f"{float(f'{q:.2g}') / 1e6:.10f}" for q in np.quantile(sizes, [0.75, 0.5, 0.25])]
    texts = [f"{amount.rstrip('0').rstrip('.')}MB@int8" for amount in dict.fromkeys(quartiles)]
    return [text for text in texts if 0 < share(text) < 1]


def quantiles_of(tables: StudyTables, limits: Sequence[str] | None = None) -> pd.DataFrame:
    """Accuracy of the best evaluated networks by each statistic; see `best_quantiles`.

    Parameters
    ----------
    tables : StudyTables
        With accuracies.
    limits : sequence of str, optional
        Limits on the stored parameters; by default those of `storage_limits` for the evaluated
        networks.
    """
    rows, accuracies, sizes = judged_rows(tables)
    chosen = storage_limits(sizes) if limits is None else limits
    return best_quantiles(rows, accuracies, n_parameters=sizes, limits=chosen)


def tau_of(tables: StudyTables, limits: Sequence[str] | None = None) -> pd.DataFrame:
    """Tau-b of each statistic with the accuracy of the evaluated networks; see `accuracy_tau`.

    Parameters
    ----------
    tables, limits
        As for `quantiles_of`.
    """
    rows, accuracies, sizes = judged_rows(tables)
    chosen = storage_limits(sizes) if limits is None else limits
    return accuracy_tau(rows, accuracies, n_parameters=sizes, limits=chosen)


def judged_rows(tables: StudyTables) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Rows of the statistics whose network has an accuracy; accuracies and sizes by name."""
    accuracies = tables.accuracy(tables.statistics["name"]).dropna()
    rows = tables.statistics[tables.statistics["name"].isin(accuracies.index)]
    return rows, accuracies, tables.n_parameters(accuracies.index)


def has_judged(tables: StudyTables) -> bool:
    """Whether the accuracy of two evaluated networks is known, or more."""
    return tables.accuracies is not None and len(judged_rows(tables)[1]) > 1


def odds_of(tables: StudyTables) -> pd.DataFrame:
    """Log odds of each operation between the best clusters and the rest; see `operation_odds`.

    The best clusters are those that are tied with the first, or the first alone where all are.
    Identical programs count as one, with the weight of their number.

    Raises
    ------
    ArgumentError
        If no program of the one or the other has kernels: `has_odds` tells.
    """
    architectures = tables.architectures
    program = architectures.get("class", pd.Series(architectures.index, architectures.index))
    first = ~program.duplicated()
    weights = program[first].map(program.value_counts())
    return operation_odds(tables.usage()[first], _is_best(tables)[first], weights=weights)


def has_odds(tables: StudyTables) -> bool:
    """Whether there are programs with kernels both in the best clusters and in the rest."""
    has_kernels = tables.usage().sum(axis=1) > 0
    return _is_best(tables)[has_kernels].nunique() == 2


def _is_best(tables: StudyTables) -> pd.Series:
    """Whether each architecture is of the best clusters."""
    tied = tables.clusters["tied_with_best"].to_numpy(dtype=bool)
    best = tables.clusters["cluster"].to_numpy()[[0] if tied.all() else tied]
    return tables.architectures["cluster"].isin(best)
