import dataclasses
import json

import numpy as np
import pytest

from cgraph.report.page.content import page_content
from tests.report.made_up import study_tables


@pytest.fixture
def tables():
    return study_tables()


def test_the_content_is_plain_json(tables):
    content = page_content(tables, None)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_places_are_those_of_the_ranking(tables):
    clusters = tables.clusters.iloc[::-1].reset_index(drop=True)
    content = page_content(dataclasses.replace(tables, clusters=clusters), None)
    assert content["points"]["place"][:3] == [3, 2, 1]


def test_different_programs_come_in_turn_with_their_copies(tables):
    architectures = tables.architectures.assign(**{"class": np.arange(60) // 6})
    points = page_content(dataclasses.replace(tables, architectures=architectures), None)["points"]
    alike = architectures.groupby(["cluster", "class"])["name"].transform("size")
    assert points["n_copies"] == alike.tolist()
    for cluster, own in architectures.groupby("cluster"):
        turns = [points["turn"][i] for i in own.index]
        listed = own[np.array(turns) < 60]
        assert listed["class"].is_unique, cluster
        assert set(listed["class"]) == set(own["class"])
        first = own.index[int(np.argmin(turns))]
        assert not own["is_medoid"].any() or own["is_medoid"][first]


def test_further_columns_are_shown_whatever_they_are(tables):
    architectures = tables.architectures.assign(
        keeps_limits=np.arange(60) % 2 == 0,
        ram_bytes=np.arange(60),
        latency_raspi4_ms=np.where(np.arange(60) == 1, np.nan, 0.123456789),
        remark="words",
    )
    numbers = page_content(dataclasses.replace(tables, architectures=architectures), None)[
        "numbers"
    ]
    assert [(column["words"], column["is_claim"]) for column in numbers] == [
        ("parameters", False),
        ("MACs", False),
        ("keeps limits", True),
        ("RAM (bytes)", False),
        ("latency raspi4 (ms)", False),
    ]
    assert numbers[2]["values"][:2] == [1, 0]
    assert numbers[4]["values"][:2] == [0.123457, None]


def test_a_failed_statistic_is_a_reason_and_no_number(tables):
    rows = page_content(tables, None)["statistics"]
    failed = [row for row in rows if row["value"] is None]
    assert [(row["share"], row["reason"]) for row in failed] == [(None, "the kernel is singular")]
    known = [row for row in rows if row["protocol"] == "ntk@full" and row["value"] is not None]
    best = min(known, key=lambda row: row["value"])  # lower is better
    assert best["share"] == 1
    assert not best["higher_is_better"]


def test_bars_hold_every_accuracy_and_the_worst_are_in_the_first(tables):
    accuracies = tables.accuracies.copy()
    accuracies.loc[0, "accuracy"] = 1.0
    accuracies.loc[1, "accuracy"] = np.nan
    content = page_content(dataclasses.replace(tables, accuracies=accuracies), None)
    edges, of = content["bars"]["edges"], content["bars"]["of"]
    assert of[0] == 0
    assert of[1] is None
    for accuracy, bar in zip(content["points"]["accuracy"][2:], of[2:], strict=True):
        assert accuracy <= edges[bar + 1] + 1e-9
        assert bar == 0 or accuracy >= edges[bar] - 1e-9
    assert page_content(study_tables(accuracies=False), None)["bars"] is None
