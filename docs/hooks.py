"""Pages that follow from the code: the reference, the tables of methods, the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from importlib import import_module
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import cgraph
from cgraph.cli import COMMANDS, app

TABLES = {
    "distances": ("cgraph.distances.methods", "DISTANCES"),
    "clusterings": ("cgraph.clustering.methods", "CLUSTERINGS"),
    "statistics": ("cgraph.statistics.methods", "STATISTICS"),
    "devices": ("cgraph.hardware.devices", "DEVICES"),
}
"""Name of a table in a page, as in `{{ distances }}`, and where its records are."""

BRIEF = 24
"""Characters of the cells of a column that stands in a table; a longer one is told below it."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are written here."""
    files.append(File.generated(config, "reference.md", content=reference()))
    files.append(File.generated(config, "commands.md", content=commands()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put tables of records where a page names them."""
    markdown = markdown.replace("{{ gallery }}", gallery())
    return re.sub(r"^\{\{ (\w+) \}\}$", lambda match: table(match.group(1)), markdown, flags=re.M)


def reference() -> str:
    """Every public name, from its docstring, under the part of the package that it is of."""
    homes: dict[str, list[str]] = {}
    for name in cgraph.__all__:
        value = getattr(cgraph, name)
        module = getattr(value, "__module__", None)
        if module is not None:  # a package has a section of its own below
            homes.setdefault(module.split(".")[1], []).append(f"{module}.{name}")
    lines = ["# Reference", "", "Everything here is imported from `cgraph` itself.", ""]
    for part, names in sorted(homes.items()):
        lines += [f"## {part.capitalize()}", ""]
        for name in sorted(names):
            lines += [f"::: {name}", ""]
    lines += ["## Search spaces", "", "::: cgraph.spaces.catalogue.get", ""]
    lines += ["::: cgraph.spaces.space.Space", ""]
    return "\n".join(lines)


def commands() -> str:
    """What `--help` says of every command."""
    import typer
    from typer.testing import CliRunner

    runner = CliRunner()
    env = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    lines = ["# Command line", ""]
    assert isinstance(app, typer.Typer)
    for command in COMMANDS:
        found = runner.invoke(app, [command.__name__, "--help"], env=env)
        assert found.exit_code == 0, found.output
        lines += [f"## cgraph {command.__name__}", "", "```", found.output.strip(), "```", ""]
    return "\n".join(lines)


def gallery() -> str:
    """Every figure: a picture of it, how to read it, and the command that draws it."""
    from cgraph.report.figures.catalogue import FIGURES

    lines = []
    for kind in FIGURES.values():
        needs = f" Needs {' and '.join(kind.needs)}." if kind.needs else ""
        lines += [f"## {kind.name}", "", f"![{kind.caption}](images/gallery/{kind.name}.png)", ""]
        lines += [kind.caption + needs, "", "```"]
        lines += [f"cgraph figure {kind.name} {kind.example}", "```", ""]
    return "\n".join(lines)


def table(name: str) -> str:
    """A table of records in Markdown: brief columns side by side, long ones in a list below."""
    module, attribute = TABLES[name]
    records = dict(getattr(import_module(module), attribute).items())
    first = next(iter(records.values()))
    columns = {
        field.name: [_cell(getattr(record, field.name)) for record in records.values()]
        for field in fields(first)
        if _is_plain(getattr(record, field.name) for record in records.values())
    }
    brief = {name: cells for name, cells in columns.items() if max(map(len, cells)) <= BRIEF}
    head = [column.replace("_", " ") for column in brief]
    lines = [_row(row) for row in [head, ["---"] * len(head), *zip(*brief.values(), strict=True)]]
    lines.append("")
    for i, key in enumerate(records):
        told = [
            f"*{name.replace('_', ' ')}*: {_linked(cells[i])}"
            for name, cells in columns.items()
            if name not in brief and cells[i]
        ]
        if told:
            lines.append(f"- **{key}**<br>{'<br>'.join(told)}")
    return "\n".join(lines)


def _is_plain(values: Iterable[Any]) -> bool:
    """Whether a column can be read: words, numbers, truth values, and lists of words."""
    return all(v is None or isinstance(v, str | int | float | bool | tuple) for v in values)


def _cell(value: Any) -> str:
    words: Callable[[Any], str] = {True: "yes", False: "no", None: "–"}.get  # type: ignore[assignment]
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return words(value)
    if isinstance(value, int | float) and abs(value) >= 1000:
        return f"{value:,.0f}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _linked(text: str) -> str:
    """A text whose addresses are links."""
    return re.sub(r"https://[^\s;,)]+", lambda match: f"<{match.group()}>", text)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
