"""What several figures share: names of clusters, and marks that do not cover each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, SymmetricalLogLocator
from numpy.typing import NDArray

from cgraph.ranking.subsets import WHOLE
from cgraph.report.style import LINE
from cgraph.report.tables import StudyTables

_LEAST_ERROR = 0.01  # percent
_ACCURACY_TICKS: tuple[float, ...] = (
    *(1, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 88, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99),
    *(99.5, 99.9),
)


def place_names(tables: StudyTables) -> list[str]:
    """Place and size of each cluster, best first, for the labels of an axis."""
    sizes = tables.clusters["n_members"]
    return [f"{i + 1}  (n = {size:,})" for i, size in enumerate(sizes)]


def split_protocol(protocol: str) -> str:
    """Statistic and variant of a protocol, in two lines."""
    name, _, variant = protocol.partition("@")
    return f"{name}\n{variant}" if variant else name


def jitter(n: int) -> NDArray[np.float64]:
    """Fixed vertical offsets that keep equal values apart."""
    return 0.5 * np.remainder(0.618034 * np.arange(n, dtype=np.float64), 1.0) - 0.25


def limit_name(limit: str) -> str:
    """A storage limit as it is shown: "0.5MB@int8" is "≤ 0.5 MB at int8"."""
    if limit == WHOLE:
        return limit
    amount, _, dtype = limit.partition("@")
    number = amount.rstrip("kKMGiB").strip()
    unit = amount.strip().removeprefix(number).strip()
    return f"≤ {number} {unit} at {dtype or 'float32'}"


def set_scale(axes: Axes, values: NDArray[np.float64]) -> None:
    """A logarithmic axis where values span orders of magnitude, whatever their sign."""
    size: NDArray[np.float64] = np.abs(values)
    if not len(values) or size.max() <= 30 * max(np.median(size), 1e-300):
        return
    if values.min() > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=4))
        return
    threshold = float(np.median(size))
    axes.set_xscale("symlog", linthresh=threshold)
    locator = SymmetricalLogLocator(base=10, linthresh=threshold)
    locator.set_params(numticks=4)
    axes.xaxis.set_major_locator(locator)


def set_accuracy_scale(all_axes: Sequence[Axes], least: float, most: float) -> None:
    """Accuracies across by the logarithm of the error: 90 to 95 % is as far as 80 to 90 %.

    Parameters
    ----------
    all_axes : sequence of Axes
        The axes, which share theirs across.
    least, most : float
        The accuracies that are shown, in percent.
    """

    def by_error(accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.log10(np.clip(100 - np.asarray(accuracy), _LEAST_ERROR, None))

    def of_error(place: NDArray[np.float64]) -> NDArray[np.float64]:
        return 100 - 10 ** -np.asarray(place)

    low, high = by_error(np.array([least, most]))
    margin = 0.04 * max(high - low, 0.01)
    ticks: list[float] = []
    for tick in reversed(_ACCURACY_TICKS):
        place = float(by_error(np.array(tick)))
        # From the right, where accuracies lie close together.
        if low <= place <= high and (not ticks or ticks[-1] - place > 0.2 * (high - low)):
            ticks.append(place)
    shown = [float(np.round(of_error(np.array(place)), 6)) for place in ticks]
    for axes in all_axes:
        axes.set_xscale("function", functions=(by_error, of_error))
        axes.set_xlim(*of_error(np.array([low - margin, high + margin])))
        axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
        axes.minorticks_off()


def band_rows(axes: Axes, n_rows: int) -> None:
    """Faint lines between the rows of a categorical axis, so that they are followed across."""
    for i in range(n_rows - 1):
        axes.axhline(i + 0.5, color=LINE, linewidth=0.4, alpha=0.5, zorder=0)
