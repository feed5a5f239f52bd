"""The charts of a page, in Vega-Lite through Altair, and the libraries that draw them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cgraph.errors import MissingPackageError
from cgraph.report.style import BLUE, FAINT, INK, LINE, rank_colours

if TYPE_CHECKING:
    from types import ModuleType

    import altair as alt

PURPOSE = "The part of the page that one can choose in"
_WHOLE = "#c9c9c9"


def import_altair() -> ModuleType:
    """Altair, with the package that brings its libraries.

    Raises
    ------
    MissingPackageError
        If one of them is not installed.
    """
    for package, name in (("altair", "altair"), ("vl_convert", "vl-convert-python")):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingPackageError(name, PURPOSE, "report") from error
    import altair

    return altair


@cache
def libraries() -> str:
    """The JavaScript of Vega, Vega-Lite and Vega-Embed, to stand in a script element.

    Raises
    ------
    MissingPackageError
        If Altair or vl-convert is not installed.
    """
    altair = import_altair()
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    # The end of a script inside a text would end the element it stands in.
    return bundle.replace("</script", "<\\/script")


def charts(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Specifications of the charts by the name of the element they stand in.

    Parameters
    ----------
    content : dict
        As `page_content` gives it.

    Returns
    -------
    dict
        "map", "operations", "statistics" and, with accuracies, "accuracy". Their data are called
        "rows" and come from the script of the page.

    Raises
    ------
    MissingPackageError
        If Altair or vl-convert is not installed.
    """
    import_altair()
    specifications: dict[str, alt.Chart | alt.LayerChart] = {
        "map": _map(len(content["clusters"])),
        "operations": _operations(content["operations"]),
        "statistics": _statistics(
            list(dict.fromkeys(row["protocol"] for row in content["statistics"]))
        ),
    }
    if content["bars"] is not None:
        specifications["accuracy"] = _accuracy(content["bars"]["edges"])
    return {name: _finished(chart) for name, chart in specifications.items()}


def _map(n_clusters: int) -> alt.Chart:
    import altair as alt

    colours = [_hex(colour) for colour in rank_colours(n_clusters)]
    brush = alt.selection_interval(name="brush", encodings=["x", "y"])
    is_chosen, is_picked = "datum.chosen", "datum.picked"
    chart: alt.Chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_circle(strokeWidth=2.5)
        .encode(
            x=alt.X(
                "x:Q",
                title="first coordinate",
                scale=alt.Scale(zero=False, nice=True),
                axis=alt.Axis(tickCount=6),
            ),
            y=alt.Y("y:Q", title="second coordinate", scale=alt.Scale(zero=False, nice=True)),
            color=alt.condition(
                is_chosen,
                alt.Color(
                    "place:O",
                    title="cluster, by place",
                    scale=alt.Scale(domain=list(range(1, n_clusters + 1)), range=colours),
                    legend=alt.Legend(orient="top", columns=10, symbolOpacity=1),
                ),
                alt.value("#dddddd"),
            ),
            opacity=alt.condition(is_chosen, alt.value(0.8), alt.value(0.35)),
            size=alt.condition(is_picked, alt.value(220), alt.value(34)),
            stroke=alt.condition(is_picked, alt.value("#d55e00"), alt.value(None)),
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("place:O", title="cluster, by place")],
        )
        .add_params(brush)
        .properties(height=380)
    )
    return chart


def _operations(operations: list[str]) -> alt.LayerChart:
    import altair as alt

    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y("operation:N", sort=operations, title=None, axis=alt.Axis(labelLimit=130)),
        tooltip=["operation:N", alt.Tooltip("chosen:Q", format=".2f"),
                 alt.Tooltip("whole:Q", format=".2f", title="whole space")],
    )  # fmt: skip
    bars = base.mark_bar(color=BLUE, height={"band": 0.55}).encode(
        x=alt.X("chosen:Q", title="kernels in a program, mean", scale=alt.Scale(zero=True))
    )
    whole = base.mark_tick(color=INK, thickness=2, height={"band": 0.95}).encode(x="whole:Q")
    chart: alt.LayerChart = (bars + whole).properties(height=28 * len(operations))
    return chart


def _statistics(protocols: list[str]) -> alt.Chart:
    import altair as alt

    names = {protocol.partition("@")[0] for protocol in protocols}
    # The variant of a protocol is left out where that tells no two apart.
    label = "split(datum.label, '@')[0]" if len(names) == len(protocols) else "datum.label"
    axis = alt.Axis(labelExpr=label, labelLimit=130)
    points = (
        alt.Chart(alt.NamedData("rows"))
        .mark_point(filled=True)
        .encode(
            x=alt.X(
                "share:Q",
                title="rank among evaluated (right is better)",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5),
            ),
            y=alt.Y("protocol:N", sort=protocols, title=None, axis=axis),
            yOffset=alt.YOffset("offset:Q", scale=alt.Scale(domain=[-1, 1])),
            color=alt.condition("datum.chosen", alt.value(BLUE), alt.value(_WHOLE)),
            opacity=alt.condition("datum.chosen", alt.value(0.85), alt.value(0.6)),
            size=alt.condition("datum.chosen", alt.value(45), alt.value(22)),
            order=alt.Order("chosen:Q"),
            tooltip=["name:N", "protocol:N", alt.Tooltip("value:Q", format=".5~g"),
                     alt.Tooltip("error:Q", format=".2~g", title="standard error")],
        )
    )  # fmt: skip
    chart: alt.Chart = points.properties(height=38 * len(protocols))
    return chart


def _accuracy(edges: list[float]) -> alt.LayerChart:
    import altair as alt

    base = alt.Chart(alt.NamedData("rows"))
    title = f"accuracy, percent (first bar: up to {edges[1]:g})"
    x = alt.X("start:Q", bin="binned", title=title, axis=alt.Axis(tickCount=6, grid=False))
    axis = alt.Axis(format="%", tickCount=4)
    whole = base.mark_bar(color=_WHOLE).encode(
        x=x, x2="end:Q", y=alt.Y("whole:Q", title="share of networks", axis=axis)
    )
    chosen = base.mark_bar(color=BLUE, opacity=0.65).encode(
        x=x, x2="end:Q", y=alt.Y("chosen:Q", title="share of networks", axis=axis)
    )
    chart: alt.LayerChart = (whole + chosen).properties(height=190)
    return chart


def _finished(chart: alt.Chart | alt.LayerChart) -> dict[str, Any]:
    specification: dict[str, Any] = (
        chart.properties(width="container", autosize={"type": "fit-x", "contains": "padding"})
        .configure(font="system-ui, sans-serif", background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK, titleColor=INK, titleFontWeight="normal", gridColor="#ececec",
            domainColor=LINE, tickColor=LINE, labelFontSize=12, titleFontSize=12, labelFlush=False,
        )
        .configure_legend(
            labelColor=INK, titleColor=FAINT, titleFontWeight="normal", labelFontSize=12,
            titleFontSize=12,
        )
        .to_dict()
    )  # fmt: skip
    return specification


def _hex(colour: tuple[float, float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour[:3])
