"""Attacks by texts of a study: a page shows them and obeys none, whatever column they stand in."""

import dataclasses
import re

import pytest

from cgraph.report.figures.catalogue import FIGURES
from cgraph.report.page.render import render_page
from tests.report.made_up import study_tables

TEXTS = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "&lt;img src=x onerror=alert(1)&gt;",
    "{{ 7 * 7 }}{% raw %}",
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_figure(monkeypatch):
    monkeypatch.setattr("cgraph.report.page.render.figures_of", lambda _: [FIGURES["scores"]])


def spoiled(table, text):
    """A table with a text in the place of every text, and in names of columns of operations."""
    for column in table.select_dtypes(include=["object", "string"]).columns:
        table[column] = [None if value is None else f"{text}{value}" for value in table[column]]
    return table.rename(columns={c: f"{c}{text}" for c in table if c.startswith("usage:")})


def test_every_text_is_shown_and_none_obeyed():
    text, tables = " ".join(TEXTS), study_tables()
    changed = spoiled(tables.architectures.copy(), text)
    names = dict(zip(tables.architectures["name"], changed["name"], strict=True))
    statistics = tables.statistics.assign(name=tables.statistics["name"].map(names))
    tables = dataclasses.replace(
        tables, architectures=changed, statistics=statistics, accuracies=None
    )
    page = render_page(tables, title=text, facts={"space": text, text: "b"})
    assert page.count("<script") == page.count("</script>") == 3
    markup = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    assert "<img src=x" not in markup
    for tag in re.findall(r"<[a-zA-Z][^>]*>", markup):
        assert "onmouseover" not in re.sub(r"\"[^\"]*\"|'[^']*'", "", tag)
        assert "onerror" not in re.sub(r"\"[^\"]*\"|'[^']*'", "", tag)
    assert not re.search(r"(?:href|src)=[\"']?javascript:", markup)
    assert "49" not in re.findall(r"<title>(.*?)</title>", page)[0]
