"""How far statistics agree, with and without what they owe to size.

Kendall's tau-b between every two protocols of a table, and the same given the rank of a size: most
statistics grow with the network, and two that do agree for that reason alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from cgraph.errors import ArgumentError

SIZES = ("params", "macs", "layers")  # the same at every time of a training
TIME = "t"


def agreement(table: pd.DataFrame, given: Sequence[str] | None = None) -> pd.DataFrame:
    """Kendall's tau-b between the protocols of a table, turned so that higher is better.

    Parameters
    ----------
    table : DataFrame
        As `evaluate` gives it; what was evaluated at several times of a training counts as several
        protocols, called "naswot-v2@zen-nas t=50".
    given : sequence of str, optional
        Statistics whose effect is taken out, one at a time; by default those of params, macs and
        layers that the table has.

    Returns
    -------
    DataFrame
        A row for every two protocols: `a`, `b`, `n_programs` (distinct programs that have both
        values: the set that tau is over), `tau`, and `tau_given_<statistic>` for each of `given`.
        NaN where a tau is not defined: fewer than two programs, or one value for all.

    Raises
    ------
    ArgumentError
        If the table lacks a statistic of `given`.

    Notes
    -----
    tau_ab.z = (tau_ab - tau_az tau_bz) / sqrt((1 - tau_az^2) (1 - tau_bz^2)), after Kendall (1942,
    "Partial rank correlation", Biometrika 32). Equal programs count once.

    Examples
    --------
    >>> table = pd.DataFrame({"program": list("xyzxyz"), "statistic": ["s"] * 3 + ["t"] * 3,
    ...     "protocol": ["s@1"] * 3 + ["t@1"] * 3, "direction": [1] * 3 + [-1] * 3,
    ...     "value": [1.0, 2.0, 3.0, 9.0, 8.0, 7.0]})
    >>> agreement(table)["tau"].tolist()
    [1.0]
    """
    if TIME in table.columns:
        times = (" t=" + table[TIME].astype(str)).where(~table["statistic"].isin(SIZES), "")
        table = table.assign(protocol=table["protocol"] + times)
    once = table.drop_duplicates(["program", "protocol"])
    values = once.assign(value=once["value"] * once["direction"]).pivot(
        index="program", columns="protocol", values="value"
    )
    protocol_of = dict(zip(once["statistic"], once["protocol"], strict=True))
    if given is None:
        given = [name for name in SIZES if name in protocol_of]
    lacking = [name for name in given if name not in protocol_of]
    if lacking:
        raise ArgumentError(
            "given",
            f"be statistics of the table, which has {', '.join(protocol_of)}",
            ", ".join(lacking),
            "evaluate() them first",
        )
    rows = []
    for a, b in combinations(dict.fromkeys(once["protocol"]), 2):
        both = values[[a, b]].dropna()
        row: dict[str, object] = {"a": a, "b": b, "n_programs": len(both)}
        row["tau"] = tau_b(both[a], both[b])
        for name in given:
            z = protocol_of[name]
            row[f"tau_given_{name}"] = float("nan") if z in (a, b) else _given(values, a, b, z)
        rows.append(row)
    names = ["a", "b", "n_programs", "tau", *(f"tau_given_{name}" for name in given)]
    return pd.DataFrame(rows, columns=names)


def tau_b(x: pd.Series[float], y: pd.Series[float]) -> float:
    """Kendall's tau-b; NaN where it is not defined.

    Examples
    --------
    >>> tau_b(pd.Series([1.0, 2.0, 3.0]), pd.Series([1.0, 3.0, 2.0])).__round__(3)
    0.333
    """
    from scipy.stats import kendalltau

    if len(x) < 2 or x.nunique() == 1 or y.nunique() == 1:
        return float("nan")
    return float(kendalltau(x, y, variant="b").statistic)


def _given(values: pd.DataFrame, a: str, b: str, z: str) -> float:
    """Tau of a and b given z, over the programs that have all three."""
    rows = values[[a, b, z]].dropna()
    ab, az, bz = (tau_b(rows[x], rows[y]) for x, y in ((a, b), (a, z), (b, z)))
    rest = (1 - az**2) * (1 - bz**2)
    # Nothing is left of a statistic that has the order of z.
    return float((ab - az * bz) / np.sqrt(rest)) if rest > 0 else float("nan")
