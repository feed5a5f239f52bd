"""The table of figures: what each is called, what it is drawn from, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from cgraph.registry import Table
from cgraph.report.figures.difference import draw_difference
from cgraph.report.figures.distributions import draw_accuracy, draw_statistics
from cgraph.report.figures.graph import draw_graph
from cgraph.report.figures.map import draw_map
from cgraph.report.figures.memory import draw_memory
from cgraph.report.figures.odds import draw_odds
from cgraph.report.figures.quantiles import draw_quantiles
from cgraph.report.figures.scatter import draw_scatter
from cgraph.report.figures.scores import draw_scores
from cgraph.report.figures.tau import draw_tau
from cgraph.report.figures.usage import draw_operations
from cgraph.report.findings import has_judged, has_odds, judged_rows, odds_of, quantiles_of, tau_of
from cgraph.report.style import PAGE_WIDTH
from cgraph.report.tables import StudyTables

Need = Literal["accuracy", "programs to compare"]
Option = Literal["limits", "device", "dtype", "max_nodes", "inputs", "depth", "part"]

# Whether the tables of a study have what a figure needs.
NEEDS: dict[Need, Callable[[StudyTables], bool]] = {
    "accuracy": has_judged,
    "programs to compare": has_odds,
}


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure that a study, or a program, can be seen by.

    Parameters
    ----------
    name : str
        What it is called, and its files.
    draw : callable
        From what `source` says to a figure; takes `width` in inches, and those of `options` that
        are its arguments.
    source : {"study", "graph", "footprint", "difference"}
        What `draw` takes: `StudyTables`; a graph; a `Footprint`; two kernel graphs and their
        `EditDistance`.
    caption : str
        What it shows and how to read it.
    example : str
        What may follow its name in ``cgraph figure NAME ...``.
    needs : tuple of str, default=()
        What the tables of a study must have for it; names of `NEEDS`.
    options : tuple of str, default=()
        What else can be chosen: arguments of `draw` ("limits", "device", "max_nodes"), and how
        programs are read ("inputs", "depth", "part") and counted ("dtype").
    """

    name: str
    draw: Callable[..., Figure]
    source: Literal["study", "graph", "footprint", "difference"]
    caption: str
    example: str
    needs: tuple[Need, ...] = ()
    options: tuple[Option, ...] = ()

    def can_show(self, tables: StudyTables) -> bool:
        """Whether the tables of a study have all it needs."""
        return self.source == "study" and all(NEEDS[need](tables) for need in self.needs)


def figures_of(tables: StudyTables) -> list[FigureKind]:
    """The figures that can be drawn from the tables of a study, in order."""
    return [kind for kind in FIGURES.values() if kind.can_show(tables)]


def _quantiles(
    tables: StudyTables, *, limits: Sequence[str] | None = None, width: float = PAGE_WIDTH
) -> Figure:
    return draw_quantiles(quantiles_of(tables, limits), width=width)


def _tau(
    tables: StudyTables, *, limits: Sequence[str] | None = None, width: float = PAGE_WIDTH
) -> Figure:
    return draw_tau(tau_of(tables, limits), width=width)


def _odds(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    return draw_odds(odds_of(tables), width=width)


def _scatter(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    return draw_scatter(*judged_rows(tables), width=width)


FIGURES: Table[FigureKind] = Table(
    "figure",
    [
        FigureKind(
            "scores",
            draw_scores,
            "study",
            "Clusters in order of the mean log-rank of their evaluated networks over the "
            "training-free statistics. Bars are 95 % intervals from a bootstrap over networks.",
            "studies/first",
        ),
        FigureKind(
            "map",
            draw_map,
            "study",
            "Every architecture at the first two coordinates of the embedding of its distance; "
            "larger dots are more architectures in one place. Dark is first, light is last.",
            "studies/first",
        ),
        FigureKind(
            "operations",
            draw_operations,
            "study",
            "How many kernels of each type a program of the cluster has, on average; orange is "
            "less and purple more than in the whole space.",
            "studies/first",
        ),
        FigureKind(
            "odds",
            _odds,
            "study",
            "Operations that the clusters tied with the first use more (right) or less (left) than "
            "the rest: log odds ratios of the mean share of a program's kernels, with 95 % "
            "intervals over programs; each program counts once, however many kernels it has. "
            "Filled: significant after the correction of Benjamini and Hochberg.",
            "studies/first",
            needs=("programs to compare",),
        ),
        FigureKind(
            "statistics",
            draw_statistics,
            "study",
            "The statistics of the evaluated networks by cluster; bars are medians.",
            "studies/first",
        ),
        FigureKind(
            "accuracy",
            draw_accuracy,
            "study",
            "Trained accuracy of all architectures by cluster: median and quartiles, whiskers "
            "over 90 % of the networks.",
            "studies/checked",
            needs=("accuracy",),
        ),
        FigureKind(
            "quantiles",
            _quantiles,
            "study",
            "Trained accuracy of the evaluated networks that each statistic puts first, beside "
            "that of all evaluated networks (grey), for the whole space and under limits on the "
            "stored parameters. Boxes are quartiles, whiskers hold 90 % of the networks.",
            "studies/checked --limit 0.25MB@int8 --limit 0.5MB@int8",
            needs=("accuracy",),
            options=("limits",),
        ),
        FigureKind(
            "tau",
            _tau,
            "study",
            "Kendall's tau-b of each statistic with the trained accuracy of the evaluated "
            "networks, for the whole space and under limits on the stored parameters, with 95 % "
            "intervals from a bootstrap over networks.",
            "studies/checked --limit 0.25MB@int8 --limit 0.5MB@int8",
            needs=("accuracy",),
            options=("limits",),
        ),
        FigureKind(
            "scatter",
            _scatter,
            "study",
            "Each statistic of the evaluated networks against their trained accuracy; light is "
            "more parameters.",
            "studies/checked",
            needs=("accuracy",),
        ),
        FigureKind(
            "memory",
            draw_memory,
            "footprint",
            "Memory that a program holds while each kernel runs, in the order it ran (grey) and in "
            "the best order (blue), inputs and outputs included; what is stored is shown apart. "
            "Dashed lines are the limits of a device.",
            "nasbench201:6111 --device stm32f746",
            options=("device", "dtype", "inputs", "depth", "part"),
        ),
        FigureKind(
            "graph",
            draw_graph,
            "graph",
            "The kernels of a program and what they feed, coloured by family; kernels of one "
            "module are one box where there are many, with their number.",
            "nasbench201:6111",
            options=("max_nodes", "inputs", "depth", "part"),
        ),
        FigureKind(
            "difference",
            draw_difference,
            "difference",
            "The cheapest edit that turns one graph into another: kernels that are kept (grey), "
            "replaced (purple, both names), inserted (blue, +) and deleted (red, dashed, −).",
            "nasbench201:6111 nasbench201:1462",
            options=("max_nodes", "inputs", "depth", "part"),
        ),
    ],
)
