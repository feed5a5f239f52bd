"""What a notebook shows of a graph: the tables of its summary, as HTML."""

from __future__ import annotations

from collections import Counter
from html import escape

import numpy as np

from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.graphs.summary import Section, sections


def computational_graph_html(graph: ComputationalGraph) -> str:
    """HTML of a computational graph: its line, kernels by label, memories.

    Parameters
    ----------
    graph : ComputationalGraph
        What to show.
    """
    found = sections(graph)
    shown, hidden = ("".join(map(_table, part)) for part in (found[:1], found[1:]))
    if hidden:
        shown += f"<details><summary>memories</summary>{hidden}</details>"
    return _framed(repr(graph), shown)


def kernel_graph_html(graph: KernelGraph) -> str:
    """HTML of a kernel graph: its line, and how many kernels have which label.

    Parameters
    ----------
    graph : KernelGraph
        What to show.
    """
    counts = Counter(graph.labels)
    rows = tuple(
        (label, f"{counts[label]:,}")
        for label in sorted(counts, key=lambda label: (-counts[label], label))
    )
    return _framed(repr(graph), _table(Section(("label", "kernels"), rows)) if rows else "")


def population_html(population: Population) -> str:
    """HTML of a population: its line, and how often each label occurs, in how many graphs.

    Parameters
    ----------
    population : Population
        What to show.
    """
    counts = np.bincount(population.label_ids, minlength=len(population.vocabulary))
    used = (population.usage() > 0).sum(axis=0)
    order = sorted(range(len(counts)), key=lambda k: (-counts[k], population.vocabulary[k]))
    rows = tuple((population.vocabulary[k], f"{counts[k]:,}", f"{used[k]:,}") for k in order)
    section = Section(("label", "kernels", "graphs with it"), rows)
    return _framed(repr(population), _table(section) if rows else "")


def table_html(caption: str, section: Section) -> str:
    """HTML of one table under a line.

    Parameters
    ----------
    caption : str
        The line.
    section : Section
        The table.

    Examples
    --------
    >>> table_html("A & B", Section(("label", "n"), (("<x>", "1"),)))[:39]
    '<div class="cgraph"><p><code>A &amp; B<'
    """
    return _framed(caption, _table(section))


def _framed(caption: str, content: str) -> str:
    return f'<div class="cgraph"><p><code>{escape(caption)}</code></p>{content}</div>'


def _table(section: Section) -> str:
    head = "".join(_cell("th", i, name, section) for i, name in enumerate(section.columns))
    rows = "".join(
        "<tr>" + "".join(_cell("td", i, cell, section) for i, cell in enumerate(row)) + "</tr>"
        for row in section.rows
    )
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}"


def _cell(tag: str, column: int, text: str, section: Section) -> str:
    side = "left" if section.is_words(column) else "right"
    return f'<{tag} style="text-align:{side}">{escape(text)}</{tag}>'
