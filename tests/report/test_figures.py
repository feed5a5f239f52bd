import numpy as np
import pandas as pd
import pytest

from cgraph.report.figures import FIGURES, StudyTables, figures_of
from cgraph.report.page import render_page, save_figures


def tables(n_clusters=3, *, accuracies=True):
    """Tables of a small study; the last cluster has a network that failed and no interval."""
    rng = np.random.default_rng(0)
    n = 20 * n_clusters
    cluster = np.arange(n) % n_clusters
    architectures = pd.DataFrame(
        {
            "name": [f"a{i}" for i in range(n)],
            "cluster": cluster,
            "is_medoid": np.arange(n) < n_clusters,
            "x": rng.integers(0, 4, n) / 4,
            "y": rng.integers(0, 4, n) / 4,
            "usage:relu": rng.integers(0, 4, n),
            "usage:add": rng.integers(0, 2, n),
        }
    )
    evaluated = architectures.iloc[: 4 * n_clusters]
    statistics = pd.concat(
        [
            evaluated[["name", "cluster"]].assign(
                protocol=protocol,
                direction=direction,
                value=scale * rng.lognormal(sigma=3, size=len(evaluated)),
            )
            for protocol, direction, scale in [
                ("ntk@full", -1, 1.0),
                ("naswot-v1@official", 1, -1.0),
            ]
        ],
        ignore_index=True,
    )
    statistics.loc[n_clusters - 1, "value"] = np.nan
    clusters = pd.DataFrame(
        {
            "rank": pd.array(range(1, n_clusters + 1), dtype="Int64"),
            "cluster": range(n_clusters),
            "n_members": 20,
            "n_evaluated": 4,
            "n_failed": 0,
            "score": -np.arange(1.0, n_clusters + 1),
            "score_low": -np.arange(1.0, n_clusters + 1) - 0.2,
            "score_high": -np.arange(1.0, n_clusters + 1) + 0.2,
            "rank_low": pd.array(range(1, n_clusters + 1), dtype="Int64"),
            "rank_high": pd.array(range(1, n_clusters + 1), dtype="Int64"),
            "p_best": 0.5,
            "tied_with_best": [True] + [False] * (n_clusters - 1),
            "ntk@full": 1.0,
        }
    )
    clusters.loc[n_clusters - 1, ["score_low", "score_high"]] = np.nan
    known = pd.DataFrame({"name": architectures["name"], "accuracy": rng.uniform(50, 90, n)})
    return StudyTables(architectures, statistics, clusters, known if accuracies else None)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts] + [
        t.get_text() for axes in figure.axes for t in axes.get_yticklabels()
    ]


@pytest.mark.parametrize("n_clusters", [1, 3, 20])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_for_any_number_of_clusters(name, n_clusters):
    figure = FIGURES[name].draw(tables(n_clusters))
    figure.canvas.draw()
    shown = texts(figure)
    assert any(str(n_clusters) in text for text in shown), shown


def test_a_failed_network_is_counted_in_its_figure():
    assert "1 failed" in texts(FIGURES["statistics"].draw(tables()))


def test_accuracy_is_drawn_only_where_it_is_known():
    assert [kind.name for kind in figures_of(tables(accuracies=False))] == [
        name for name, kind in FIGURES.items() if not kind.needs_accuracy
    ]


def test_figures_are_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        save_figures(tables(), tmp_path / name)
    first = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    second = {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    assert first == second
    assert set(first) == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}


def test_no_two_labels_of_the_map_cover_each_other():
    figure = FIGURES["map"].draw(tables(8))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    centres = np.array([((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2) for b in boxes])
    distance = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > max(b.height for b in boxes)


def test_the_page_escapes_what_it_shows():
    page = render_page(tables(), title="<script>", facts={"space": "a & b"})
    assert "<script>" not in page
    assert "a &amp; b" in page


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    FIGURES["map"].draw(tables())
    assert dict(mpl.rcParams) == before
