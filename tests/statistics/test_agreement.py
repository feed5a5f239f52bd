"""Agreement between statistics, with and without size."""

import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.statistics.agreement import agreement


def _table(columns, directions=None):
    rows = []
    for name, values in columns.items():
        for i, value in enumerate(values):
            rows.append(
                {
                    "name": f"n{i}", "program": f"p{i}", "statistic": name.partition("@")[0],
                    "protocol": name, "direction": (directions or {}).get(name, 1), "value": value,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _tau_by_pairs(x, y):
    """tau-b by counting pairs."""
    i, j = np.triu_indices(len(x), 1)
    a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
    return (a * b).sum() / np.sqrt((a != 0).sum() * (b != 0).sum())


def test_tau_and_partial_tau():
    rng = np.random.default_rng(0)
    size = rng.integers(0, 9, 40).astype(float)
    a, b = size + rng.normal(size=40), rng.integers(0, 5, 40) + size
    b[3] = np.nan
    table = _table({"a@1": a, "b@1": b, "params@static": size}, {"b@1": -1})
    found = agreement(table).set_index(["a", "b"])
    assert list(found["n_programs"]) == [39, 40, 39]
    has = ~np.isnan(b)
    ab = _tau_by_pairs(a[has], -b[has])
    az, bz = _tau_by_pairs(a[has], size[has]), _tau_by_pairs(-b[has], size[has])
    row = found.loc[("a@1", "b@1")]
    assert row["tau"] == pytest.approx(ab)
    assert row["tau_given_params"] == pytest.approx(
        (ab - az * bz) / np.sqrt((1 - az**2) * (1 - bz**2))
    )
    assert np.isnan(found.loc[("a@1", "params@static"), "tau_given_params"])


def test_equal_programs_count_once_and_constants_have_no_tau():
    table = _table({"a@1": [1.0, 2.0, 3.0], "b@1": [5.0, 5.0, 5.0]})
    twice = pd.concat([table, table.assign(name="again")])
    found = agreement(twice)
    assert found["n_programs"].tolist() == [3]
    assert found["tau"].isna().all()


def test_times_of_a_training_are_told_apart():
    first = _table({"a@1": [1.0, 2.0, 3.0], "params@static": [3.0, 1.0, 2.0]}).assign(t=0)
    last = _table({"a@1": [1.0, 3.0, 2.0], "params@static": [3.0, 1.0, 2.0]}).assign(t=50)
    found = agreement(pd.concat([first, last])).set_index(["a", "b"])
    assert found.loc[("a@1 t=0", "a@1 t=50"), "tau"] == pytest.approx(1 / 3)
    assert set(found.index.get_level_values("b")) == {"params@static", "a@1 t=50"}
    assert len(found) == 3


def test_what_is_given_has_to_be_there():
    with pytest.raises(ArgumentError, match=r"given must be statistics.*has a, got params"):
        agreement(_table({"a@1": [1.0, 2.0]}), ["params"])
