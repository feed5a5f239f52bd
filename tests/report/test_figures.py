import dataclasses

import matplotlib as mpl
import numpy as np
import pytest

from cgraph.distances.edit.exact import edit_distance
from cgraph.errors import UnknownNameError
from cgraph.graphs.kernel import KernelGraph, project
from cgraph.hardware.footprint import footprint
from cgraph.report.figures.catalogue import FIGURES, NEEDS, figures_of
from cgraph.report.saving import figure_bytes, save_figure
from cgraph.report.style import COLUMN_WIDTH, PAGE_WIDTH, new_figure
from tests.report.made_up import better_reordered, chain, study_tables


def sources(kind, n_clusters=3):
    """What the figures of each source are drawn from."""
    if kind.source == "study":
        return (study_tables(n_clusters),)
    if kind.source == "graph":
        return (chain(["conv2d", "relu", "add"]),)
    if kind.source == "footprint":
        return (footprint(better_reordered()),)
    a, b = project(chain(["conv2d", "relu", "add"])), project(chain(["conv2d", "gelu"]))
    return a, b, edit_distance(a, b)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts] + [
        t.get_text() for axes in figure.axes for t in axes.get_yticklabels()
    ]


STUDY = [name for name, kind in FIGURES.items() if kind.source == "study"]
BY_CLUSTER = ["scores", "map", "operations", "statistics", "accuracy"]


@pytest.mark.parametrize("n_clusters", [1, 3, 20])
@pytest.mark.parametrize("name", STUDY)
def test_every_figure_is_drawn_for_any_number_of_clusters(name, n_clusters):
    tables = study_tables(n_clusters)
    if not FIGURES[name].can_show(tables):
        assert (name, n_clusters) == ("odds", 1)  # there is no rest to compare with
        return
    figure = FIGURES[name].draw(tables)
    figure.draw_without_rendering()
    if name in BY_CLUSTER:
        assert any(str(n_clusters) in text for text in texts(figure))


@pytest.mark.parametrize("width", [COLUMN_WIDTH, PAGE_WIDTH], ids=["column", "page"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_fits_and_reads_at_the_width_that_is_asked_for(name, width):
    kind = FIGURES[name]
    figure = kind.draw(*sources(kind), width=width)
    assert figure.get_figwidth() == width
    assert figure.get_figheight() < 11
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 >= -0.02
    assert box.x1 <= width + 0.02
    assert box.y0 >= -0.02
    assert box.y1 <= figure.get_figheight() + 0.02
    sizes = [text.get_fontsize() for text in figure.findobj(mpl.text.Text) if text.get_text()]
    assert min(sizes) >= 5


@pytest.mark.parametrize(("form", "name"), [("pdf", "difference"), ("svg", "odds"), ("png", "map")])
def test_a_figure_is_the_same_bytes_each_time(form, name, tmp_path):
    kind = FIGURES[name]
    path = save_figure(kind.draw(*sources(kind)), tmp_path / "new" / f"{name}.{form}")
    assert path.read_bytes() == figure_bytes(kind.draw(*sources(kind)), form)


def test_a_format_that_is_not_known_lists_those_that_are(tmp_path):
    with pytest.raises(UnknownNameError, match="pdf, svg, png, got 'pgn'; did you mean 'png'"):
        save_figure(FIGURES["map"].draw(study_tables()), tmp_path / "map.pgn")
    assert not list(tmp_path.iterdir())


def test_a_failed_network_is_counted_in_its_figure():
    assert "1 failed" in texts(FIGURES["statistics"].draw(study_tables()))


def test_figures_are_drawn_only_where_their_needs_are_met():
    tables = study_tables(accuracies=False)
    shown = [kind.name for kind in figures_of(tables)]
    assert shown == [name for name in STUDY if "accuracy" not in FIGURES[name].needs]
    assert all(need in NEEDS for kind in FIGURES.values() for need in kind.needs)


def test_limits_are_panels_and_bars():
    tables = study_tables()
    quantiles = FIGURES["quantiles"].draw(tables, limits=["0.6MB@int8"])
    assert [axes.get_title("left") for axes in quantiles.axes] == [
        "whole space\n12 networks",
        f"≤ 0.6 MB at int8\n{(tables.n_parameters()[:12] <= 600_000).sum()} networks",
    ]
    tau = FIGURES["tau"].draw(tables, limits=["0.6MB@int8"])
    legend = [text.get_text() for text in tau.legends[0].get_texts()]
    assert legend[0] == "whole space (n = 12)"
    assert legend[1].startswith("≤ 0.6 MB at int8")


def test_no_two_labels_of_the_map_cover_each_other():
    for width in (COLUMN_WIDTH, PAGE_WIDTH):
        figure = FIGURES["map"].draw(study_tables(8), width=width)
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        centres = np.array([((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2) for b in boxes])
        distance = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
        np.fill_diagonal(distance, np.inf)
        assert distance.min() > max(b.height for b in boxes)


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    FIGURES["map"].draw(study_tables())
    assert dict(mpl.rcParams) == before


def test_memory_shows_both_orders_what_is_stored_and_the_device():
    from cgraph.hardware.devices import Device

    needs = footprint(better_reordered())
    assert needs.best.upper_bytes < needs.traced.peak_bytes
    device = Device("tiny", ram_bytes=20_000, flash_bytes=9_000)
    figure = FIGURES["memory"].draw(needs, device=device)
    held, stored = figure.axes
    assert held.get_title("left") == "peak 24 kB as it ran; 17 kB in the best order"
    assert [text.get_text() for text in held.get_legend().get_texts()] == [
        "as it ran",
        "best order",
    ]
    assert [text.get_text() for text in held.texts] == ["RAM of tiny"]
    assert stored.get_title("left") == "stored: parameters 3 kB"
    assert stored.texts[0].get_text().strip() == "flash of tiny"
    far = Device("large", ram_bytes=2_000_000, flash_bytes=4_000_000)
    held, stored = FIGURES["memory"].draw(needs, device=far).axes
    assert held.get_title("left").endswith("RAM of large: 2 MB")
    assert stored.get_title("left") == "stored: parameters 3 kB; flash of large: 4 MB"
    assert not held.texts
    assert not stored.texts
    one_memory = Device("one memory", ram_bytes=23_000)
    held, _ = FIGURES["memory"].draw(needs, device=one_memory).axes
    assert held.texts[0].get_text() == "RAM of one memory less what is stored"
    assert held.texts[0].xy[1] == 20
    alone = FIGURES["memory"].draw(footprint(chain(["relu"])))
    assert alone.axes[0].get_title("left") == "peak 64 bytes as it ran; no order needs less"
    assert alone.axes[0].get_legend() is None


def test_a_difference_names_every_change():
    a = KernelGraph(["conv2d[3x3]", "relu", "add"], [(0, 1), (1, 2)])
    b = KernelGraph(["conv2d[1x1]", "add", "linear"], [(0, 1), (1, 2)])
    distance = dataclasses.replace(edit_distance(a, b), mapping=(0, None, 1))
    shown = texts(FIGURES["difference"].draw(a, b, distance))
    assert {"conv2d[3x3]\n→ conv2d[1x1]", "− relu", "add", "+ linear"} <= set(shown)
    assert {"kept: 1 kernel", "replaced: 1 kernel", "inserted: 2 edges"} <= set(shown)


def test_a_difference_of_large_graphs_shows_what_is_near_a_change():
    operations = ["conv2d", "batch_norm", "relu"] * 30
    changed = operations.copy()
    changed[45] = "linear"
    a, b = project(chain(operations)), project(chain(changed))
    shown = texts(FIGURES["difference"].draw(a, b, edit_distance(a, b), max_nodes=20))
    assert "conv2d\n→ linear" in shown
    assert [text for text in shown if text.endswith(" kept")] == ["44 kept", "43 kept"]


def test_a_difference_whose_edges_would_close_a_cycle_is_drawn():
    a = KernelGraph(["relu", "add"], [(0, 1)])
    b = KernelGraph(["add", "relu"], [(0, 1)])
    figure = FIGURES["difference"].draw(a, b, edit_distance(a, b))
    figure.draw_without_rendering()
    assert {"deleted: 1 edge", "inserted: 1 edge"} & set(texts(figure))


def test_a_difference_of_other_graphs_is_refused():
    from cgraph.errors import ArgumentError

    a = KernelGraph(["relu", "add"], [(0, 1)])
    distance = edit_distance(a, a)
    with pytest.raises(ArgumentError, match="be of graphs of 1 and 2 kernels, got one of 2"):
        FIGURES["difference"].draw(KernelGraph(["relu"], []), a, distance)


def test_a_notebook_shows_a_figure_without_pyplot():
    graph = KernelGraph(["relu", "add"], [(0, 1)])
    for figure in (FIGURES["graph"].draw(graph), new_figure(1)[0]):
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_map_of_many_points_is_a_small_file():
    tables = study_tables()
    rng = np.random.default_rng(0)
    many = tables.architectures.sample(6000, replace=True, random_state=0, ignore_index=True)
    many[["x", "y"]] = rng.normal(size=(6000, 2))
    figure = FIGURES["map"].draw(dataclasses.replace(tables, architectures=many))
    content = figure_bytes(figure, "svg", dots=100)
    assert b"<image" in content
    assert len(content) < 500_000
