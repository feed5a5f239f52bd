"""The figures of a study: each a function from its tables to a matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cgraph.registry import Table
from cgraph.report.style import (
    BALANCE_COLOURS,
    FAINT,
    INK,
    figure_style,
    new_figure,
    rank_colours,
)

USAGE_PREFIX = "usage:"


@dataclass(frozen=True, slots=True, eq=False)
class StudyTables:
    """The tables that figures are drawn from.

    Parameters
    ----------
    architectures : DataFrame
        A row for each architecture: "name", "cluster", "x", "y" and a "usage:..." column for each
        operation.
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


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure that a study can be seen by.

    Parameters
    ----------
    name : str
        Name of its files.
    draw : callable
        From `StudyTables` to a figure.
    caption : str
        What it shows and how to read it.
    needs_accuracy : bool, default=False
        Whether it is drawn only where accuracies are known.
    """

    name: str
    draw: Callable[[StudyTables], Figure]
    caption: str
    needs_accuracy: bool = False


def draw_map(tables: StudyTables) -> Figure:
    """Clusters in the plane: architectures at the first two coordinates of their embedding."""
    with figure_style():
        figure, (axes,) = new_figure(4.6)
        colours = rank_colours(len(tables.order))
        points = _apart(tables.architectures)
        # Late places first, so that the best clusters lie on top.
        for place, cluster in reversed(list(enumerate(tables.order))):
            own = points[points["cluster"] == cluster]
            axes.scatter(
                own["x"],
                own["y"],
                s=5 + 1.6 * np.sqrt(own["size"]) ** 1.3,
                color=colours[place],
                alpha=0.8,
                linewidths=0.3,
                edgecolors="white",
            )
        groups = [points[points["cluster"] == cluster] for cluster in tables.order]
        centres = [
            np.average(own[["x", "y"]].to_numpy(), axis=0, weights=own["size"]) for own in groups
        ]
        for place, (x, y) in enumerate(_spread_out(np.array(centres), points)):
            axes.annotate(
                str(place + 1),
                (float(x), float(y)),
                ha="center",
                va="center",
                fontsize=9,
                fontweight="bold",
                bbox={
                    "boxstyle": "circle,pad=0.25",
                    "fc": "white",
                    "ec": colours[place],
                    "lw": 1.6,
                    "alpha": 0.92,
                },
            )
        axes.set_title("Clusters in the plane, numbered by place")
        axes.set_xlabel("first coordinate of the embedding")
        axes.set_ylabel("second coordinate")
        axes.set_aspect("equal", adjustable="datalim")
        return figure


def draw_operations(tables: StudyTables) -> Figure:
    """Operations used by each cluster: mean counts, coloured by their excess over the space."""
    usage = tables.architectures.filter(like=USAGE_PREFIX)
    names = [column.removeprefix(USAGE_PREFIX) for column in usage.columns]
    means = usage.groupby(tables.architectures["cluster"]).mean().loc[tables.order]
    whole = usage.mean()
    excess = (means - whole).to_numpy()
    limit = max(float(np.abs(excess).max()), 1e-9)
    with figure_style():
        figure, (axes,) = new_figure(0.9 + 0.3 * (len(means) + 1))
        image = axes.imshow(
            np.vstack([excess, np.zeros(len(names))]),
            cmap=BALANCE_COLOURS,
            norm=TwoSlopeNorm(0, -limit, limit),
            aspect="auto",
        )
        shown = np.vstack([means.to_numpy(), whole.to_numpy()])
        for (i, j), value in np.ndenumerate(shown):
            strong = i < len(means) and abs(excess[i, j]) > 0.65 * limit
            axes.text(
                j, i, f"{value:.2g}", ha="center", va="center", color="white" if strong else INK
            )
        axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
        axes.set_yticks(range(len(shown)), [*_places(tables), "whole space"])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.axhline(len(means) - 0.5, color="white", linewidth=3)
        axes.set_title("Kernels of each type in a program, mean by cluster")
        bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.03)
        bar.set_label("excess over the whole space")
        bar.outline.set_visible(False)
        return figure


def draw_statistics(tables: StudyTables) -> Figure:
    """Distribution of each statistic by cluster: every evaluated network is a point."""
    protocols = list(dict.fromkeys(tables.statistics["protocol"]))
    with figure_style():
        height = 1.2 + 0.3 * len(tables.order)
        figure, all_axes = new_figure(height, len(protocols), share_y=True)
        for axes, protocol in zip(all_axes, protocols, strict=True):
            _draw_statistic(axes, tables, protocol)
        all_axes[0].set_yticks(range(len(tables.order)), _places(tables))
        all_axes[0].set_ylim(len(tables.order) - 0.5, -0.7)
        return figure


def draw_scores(tables: StudyTables) -> Figure:
    """Score of each cluster with its interval, and which are tied with the first."""
    clusters = tables.clusters
    with figure_style():
        figure, (axes,) = new_figure(0.9 + 0.27 * len(clusters))
        columns = (clusters[name].to_numpy() for name in ("score", "score_low", "score_high"))
        for i, (score, low, high) in enumerate(zip(*columns, strict=True)):
            colour = INK if clusters["tied_with_best"].iloc[i] else FAINT
            if not np.isnan(low):
                axes.plot([low, high], [i, i], color=colour, linewidth=2)
            if np.isnan(score):
                axes.text(0, i, "not evaluated", transform=axes.get_yaxis_transform())
            else:
                axes.plot(score, i, "o", color=colour, markersize=6)
        axes.set_yticks(range(len(clusters)), _places(tables))
        axes.set_ylim(len(clusters) - 0.5, -0.5)
        axes.set_xlabel("mean log-rank over the statistics, with 95 % interval (right is better)")
        axes.set_title("Order of the clusters; dark ones are tied with the first")
        return figure


def draw_accuracy(tables: StudyTables) -> Figure:
    """Trained accuracy by cluster: median, quartiles, and the range of 90 % of the networks."""
    assert tables.accuracies is not None
    accuracy = tables.architectures[["name", "cluster"]].merge(tables.accuracies, on="name")
    groups = [accuracy.loc[accuracy["cluster"] == c, "accuracy"] for c in tables.order]
    with figure_style():
        figure, (axes,) = new_figure(0.9 + 0.3 * len(groups))
        boxes = axes.boxplot(
            groups,
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            showmeans=True,
            positions=range(len(groups)),
            widths=0.6,
            patch_artist=True,
            medianprops={"color": INK},
            meanprops={
                "marker": "D",
                "markerfacecolor": "white",
                "markeredgecolor": INK,
                "markersize": 4,
            },
        )
        for box, colour in zip(boxes["boxes"], rank_colours(len(groups)), strict=True):
            box.set_facecolor((*colour[:3], 0.55))
        mean = float(accuracy["accuracy"].mean())
        axes.axvline(mean, color=FAINT, linewidth=1, linestyle="--", zorder=0)
        axes.text(
            mean, -0.75, "mean of the space ", ha="right", va="center", color=FAINT, fontsize=8
        )
        axes.set_yticks(range(len(groups)), _places(tables))
        axes.set_ylim(len(groups) - 0.4, -1.0)
        axes.set_xlabel("accuracy after training, percent (diamond: mean)")
        axes.set_title("Accuracy by cluster; the order was fixed before it was read")
        return figure


FIGURES: Table[FigureKind] = Table(
    "figure",
    [
        FigureKind(
            "scores",
            draw_scores,
            "Clusters in order of the mean log-rank of their evaluated networks over the "
            "training-free statistics. Bars are 95 % intervals from a bootstrap over networks.",
        ),
        FigureKind(
            "map",
            draw_map,
            "Every architecture at the first two coordinates of the embedding of its distance; "
            "larger dots are more architectures in one place. Dark is first, light is last.",
        ),
        FigureKind(
            "operations",
            draw_operations,
            "How many kernels of each type a program of the cluster has, on average; orange is "
            "less and purple more than in the whole space.",
        ),
        FigureKind(
            "statistics",
            draw_statistics,
            "The statistics of the evaluated networks by cluster; bars are medians.",
        ),
        FigureKind(
            "accuracy",
            draw_accuracy,
            "Trained accuracy of all architectures by cluster: median and quartiles, whiskers "
            "over 90 % of the networks.",
            needs_accuracy=True,
        ),
    ],
)


def _places(tables: StudyTables) -> list[str]:
    sizes = tables.clusters["n_members"]
    return [f"{i + 1}  (n = {size:,})" for i, size in enumerate(sizes)]


def _draw_statistic(axes: Axes, tables: StudyTables, protocol: str) -> None:
    rows = tables.statistics[tables.statistics["protocol"] == protocol]
    colours = rank_colours(len(tables.order))
    _set_scale(axes, rows["value"].dropna().to_numpy())
    for place, cluster in enumerate(tables.order):
        values = rows.loc[rows["cluster"] == cluster, "value"]
        found = values.dropna().to_numpy()
        axes.scatter(
            found, place + _jitter(len(found)), s=12, color=colours[place], alpha=0.8, linewidths=0
        )
        if len(found):
            middle = float(np.median(found))
            axes.plot([middle, middle], [place - 0.33, place + 0.33], color=INK, linewidth=1.5)
        n_failed = len(values) - len(found)
        if n_failed:
            axes.text(
                1, place, f"{n_failed} failed", fontsize=7, ha="right", va="center",
                transform=axes.get_yaxis_transform(), color=FAINT,
            )  # fmt: skip
    better = "higher" if len(rows) and rows["direction"].iloc[0] > 0 else "lower"
    name, _, variant = protocol.partition("@")
    axes.set_title(f"{name}\n{variant}\n{better} is better", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)


def _set_scale(axes: Axes, values: NDArray[np.float64]) -> None:
    """A logarithmic axis where values span orders of magnitude, whatever their sign."""
    size: NDArray[np.float64] = np.abs(values)
    if not len(values) or size.max() <= 30 * max(np.median(size), 1e-300):
        return
    if values.min() > 0:
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=float(np.median(size)))


def _apart(architectures: pd.DataFrame) -> pd.DataFrame:
    """Places in the plane with their "cluster" and "size", none hidden behind another cluster.

    The plane shows two coordinates of several, so different programs may meet in it: where
    clusters meet in one place they are set around it.
    """
    points = architectures.groupby(["x", "y", "cluster"], as_index=False).size()
    place = points.groupby(["x", "y"])["cluster"]
    number, n_here = place.cumcount(), place.transform("size")
    radius = 0.008 * max(np.ptp(points["x"]), np.ptp(points["y"]), 1e-12)
    angle = 2 * np.pi * number / n_here
    shift = np.where(n_here > 1, radius, 0.0)
    points["x"] += shift * np.cos(angle)
    points["y"] += shift * np.sin(angle)
    return points


def _spread_out(centres: NDArray[np.float64], points: pd.DataFrame) -> NDArray[np.float64]:
    """Places for labels near the centres, pushed apart until none covers another."""
    places = centres.copy()
    least = 0.05 * max(np.ptp(points["x"]), np.ptp(points["y"]), 1e-12)
    for _ in range(100):
        apart = places[:, None] - places[None]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        np.fill_diagonal(distance, np.inf)
        if distance.min() >= least:
            break
        # Labels in one place part along their numbers.
        direction = np.where(
            distance[..., None] > 1e-9 * least,
            apart / distance[..., None].clip(1e-300),
            np.sign(np.subtract.outer(range(len(places)), range(len(places))))[..., None],
        )
        push = np.clip(least - distance, 0, None)[..., None] * direction
        places += 0.5 * push.sum(axis=1)
    return places


def _jitter(n: int) -> NDArray[np.float64]:
    """Fixed vertical offsets that keep equal values apart."""
    return 0.5 * np.remainder(0.618034 * np.arange(n, dtype=np.float64), 1.0) - 0.25


def figures_of(tables: StudyTables) -> Sequence[FigureKind]:
    """The figures that can be drawn from the tables, in order."""
    return [
        kind
        for kind in FIGURES.values()
        if tables.accuracies is not None or not kind.needs_accuracy
    ]
