"""Clusters in the plane."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cgraph.report.style import (
    MOST_VECTOR_POINTS,
    PAGE_WIDTH,
    figure_style,
    is_narrow,
    new_figure,
    rank_colours,
)
from cgraph.report.tables import StudyTables


def draw_map(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    """Clusters in the plane: architectures at the first two coordinates of their embedding."""
    with figure_style(width):
        scale = width / PAGE_WIDTH
        figure, (axes,) = new_figure(4.6 * max(scale, 0.6), width=width)
        colours = rank_colours(len(tables.order))
        points = _apart(tables.architectures)
        are_many = len(points) > MOST_VECTOR_POINTS
        # Late places first, so that the best clusters lie on top.
        for place, cluster in reversed(list(enumerate(tables.order))):
            own = points[points["cluster"] == cluster]
            axes.scatter(
                own["x"],
                own["y"],
                s=scale * (5 + 1.6 * np.sqrt(own["size"]) ** 1.3),
                color=colours[place],
                alpha=0.8,
                linewidths=0.3,
                edgecolors="white",
                rasterized=are_many,
            )
        groups = [points[points["cluster"] == cluster] for cluster in tables.order]
        centres = [
            np.average(own[["x", "y"]].to_numpy(), axis=0, weights=own["size"]) for own in groups
        ]
        least = 0.05 if not is_narrow(width) else 0.085
        for place, (x, y) in enumerate(_spread_out(np.array(centres), points, least)):
            axes.annotate(
                str(place + 1),
                (float(x), float(y)),
                ha="center",
                va="center",
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


def _spread_out(
    centres: NDArray[np.float64], points: pd.DataFrame, share: float
) -> NDArray[np.float64]:
    """Places for labels near the centres, pushed apart until none covers another.

    They are to lie `share` of the width of the plane apart.
    """
    places = centres.copy()
    least = share * max(np.ptp(points["x"]), np.ptp(points["y"]), 1e-12)
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
