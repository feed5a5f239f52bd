"""Memory that a program holds while it runs, kernel by kernel."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgraph.hardware.devices import Device
from cgraph.hardware.footprint import Footprint
from cgraph.hardware.schedule import Schedule
from cgraph.report.style import (
    BLUE,
    INK,
    LINE,
    PAGE_WIDTH,
    VERMILION,
    figure_style,
    is_narrow,
    new_figure,
)

_FAR = 5  # a limit that is so many times what is needed is told, not drawn
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def draw_memory(
    needs: Footprint, *, device: Device | None = None, width: float = PAGE_WIDTH
) -> Figure:
    """Memory over time in the order that a program ran in and in the best one; parameters apart.

    Parameters
    ----------
    needs : Footprint
        As `cgraph.footprint` gives it, at the dtype of interest. Inputs and outputs count.
    device : Device, optional
        Its RAM and flash are shown as lines, or told in words where they are far away. One
        without flash holds what is stored in RAM: the line is at what that leaves.
    width : float, default=7.0
        Width in inches.

    Returns
    -------
    Figure
        Above, bytes held while each kernel runs; below, bytes stored.
    """
    best = needs.best.schedule
    peak = max(needs.traced.peak_bytes, best.peak_bytes)
    unit, unit_name = _unit(peak)
    with figure_style(width):
        narrow = is_narrow(width)
        figure, (axes, below) = new_figure(
            3.0 if narrow else 3.4, n_rows=2, width=width, heights=(4.5, 1)
        )
        _draw_profile(axes, needs.traced, unit, colour=LINE, fill=True, label="as it ran")
        is_same = np.array_equal(best.order, needs.traced.order)
        exact = "best order" if needs.best.exact else "best order found"
        if not is_same:
            _draw_profile(axes, best, unit, colour=BLUE, fill=False, label=exact)
        lines = [f"peak {_amount(needs.traced.peak_bytes)} as it ran"]
        lines.append(_best_line(needs, is_same=is_same))
        top = 1.14 * peak
        if device is not None:
            ram, words = _room(needs, device)
            if ram > _FAR * peak:
                lines.append(f"{words}: {_amount(ram)}")
            else:
                _limit_line(axes, ram / unit, words)
                top = max(top, 1.14 * ram)
        axes.set_title(("\n" if narrow else "; ").join(lines), fontsize="medium")
        axes.set_xlabel("kernels, in the order they run")
        axes.set_ylabel(f"memory held, {unit_name}")
        axes.set_xlim(0, max(1, len(best.order)))
        axes.set_ylim(0, max(top, 1) / unit)
        if not is_same:
            axes.legend(loc="upper right", ncols=2)
        _draw_stored(below, needs, device)
        return figure


def _draw_profile(
    axes: Axes, schedule: Schedule, unit: float, *, colour: str, fill: bool, label: str
) -> None:
    steps = np.arange(len(schedule.order) + 1)
    axes.stairs(
        schedule.during_bytes / unit, steps, fill=fill, color=colour, alpha=0.55 if fill else 1.0,
        linewidth=1.4, label=label, baseline=0 if fill else None,
    )  # fmt: skip


def _best_line(needs: Footprint, *, is_same: bool) -> str:
    if is_same and needs.best.exact:
        return "no order needs less"
    found = f"{_amount(needs.best.upper_bytes)} in the best order"
    if needs.best.exact:
        return found
    return f"{found} that was found, at least {_amount(needs.best.lower_bytes)} in any"


def _room(needs: Footprint, device: Device) -> tuple[int, str]:
    """Bytes of a device that are there for what is held, and what they are called."""
    if device.flash_bytes is not None:
        return device.ram_bytes, f"RAM of {device.name}"
    return max(
        0, device.ram_bytes - needs.stored_bytes
    ), f"RAM of {device.name} less what is stored"


def _limit_line(axes: Axes, value: float, words: str) -> None:
    axes.axhline(value, color=VERMILION, linestyle="--", linewidth=1.2)
    axes.annotate(
        words, (0, value), xytext=(3, 2), textcoords="offset points", color=VERMILION,
        fontsize="small", va="bottom",
    )  # fmt: skip


def _draw_stored(axes: Axes, needs: Footprint, device: Device | None) -> None:
    """A bar of what is stored beside the activations."""
    parts = {
        "parameters": (needs.parameter_bytes, "#b8d8ec"),
        "buffers": (needs.buffer_bytes, "#e4e4e4"),
        "constants": (needs.constant_bytes, "#f8f3b0"),
    }
    flash = device.flash_bytes if device is not None else None
    is_far = flash is not None and flash > _FAR * max(1, needs.stored_bytes)
    unit, unit_name = _unit(max(needs.stored_bytes, 0 if is_far else flash or 0))
    start = 0.0
    for size, fill in parts.values():
        axes.barh(0, size / unit, left=start, color=fill, edgecolor=INK, linewidth=0.5)
        start += size / unit
    words = ", ".join(f"{name} {_amount(size)}" for name, (size, _) in parts.items() if size)
    if flash is not None and device is not None and is_far:
        words = f"{words or 'nothing'}; flash of {device.name}: {_amount(flash)}"
    axes.set_title(f"stored: {words or 'nothing'}", fontsize="medium")
    if flash is not None and device is not None and not is_far:
        axes.axvline(flash / unit, color=VERMILION, linestyle="--", linewidth=1.2)
        axes.text(
            flash / unit, 0, f"flash of {device.name} ", color=VERMILION, fontsize="small",
            ha="right", va="center",
        )  # fmt: skip
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, max(start, (0 if is_far else flash or 0) / unit, 1e-9) * 1.02)
    axes.set_xlabel(unit_name)


def _unit(size: float) -> tuple[float, str]:
    return next(((unit, name) for unit, name in _UNITS if size >= unit), (1.0, "bytes"))


def _amount(size: float) -> str:
    unit, name = _unit(size)
    return f"{size / unit:,.3g} {name}" if unit > 1 else f"{size:,.0f} bytes"
