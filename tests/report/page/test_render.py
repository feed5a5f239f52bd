import base64
import dataclasses
import re
import sys

import pytest

from cgraph.report.figures.catalogue import FIGURES
from cgraph.report.page.render import render_page
from tests.report.made_up import study_tables


@pytest.fixture(autouse=True)
def one_figure(monkeypatch):
    """One figure of the many, which have their own tests."""
    shown = [FIGURES["scores"]]
    monkeypatch.setattr("cgraph.report.page.render.figures_of", lambda _: shown)


@pytest.mark.parametrize("package", ["altair", "vl_convert"])
def test_a_page_without_the_extra_says_so_and_holds_the_rest(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    page = render_page(study_tables(), title="words", facts={"space": "words"})
    warning = re.search(r'<p class="warning" id="missing">(.*?)</p>', page).group(1)
    assert "which is not installed" in warning
    assert "pip install &#39;cgraph[report]&#39;" in warning
    assert "cgraph report" in warning
    assert 'id="explorer"' not in page
    assert "<script" not in page
    assert page.count("<img ") == 1


def test_what_is_shown_is_escaped():
    tables = study_tables()
    names = tables.architectures["name"].replace({"a0": "</script><script>alert(1)</script>"})
    architectures = tables.architectures.assign(name=names)
    statistics = tables.statistics.assign(name=tables.statistics["name"].replace({"a0": names[0]}))
    tables = dataclasses.replace(
        tables, architectures=architectures, statistics=statistics, accuracies=None
    )
    page = render_page(tables, title="<script>alert(2)</script>", facts={"space": "a & b"})
    assert "<script>alert" not in page
    assert "a &amp; b" in page
    assert page.count("<script") == page.count("</script>") == 3


def test_the_page_is_the_same_each_time():
    tables = study_tables()
    one, two = (render_page(tables, title="words", facts={}) for _ in range(2))
    assert one == two


def test_a_page_needs_nothing_beside_it():
    page = render_page(study_tables(), title="words", facts={})
    markup = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    sources = re.findall(r'(?:src|srcset|href)="(.{8})', markup)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert len(page) < 10_000_000


def test_facts_are_said_in_words():
    facts = {
        "statistics": ["ntk", "regions"],
        "limits": {"fits": "gap8"},
        "metric": None,
        "few": [],
    }
    page = render_page(study_tables(), title="words", facts=facts)
    said = {"statistics": "ntk, regions", "limits": "fits: gap8", "metric": "none", "few": "none"}
    for name, words in said.items():
        assert f"<dt>{name}</dt><dd>{words}</dd>" in page


def test_figures_that_are_drawn_already_are_taken():
    page = render_page(study_tables(), title="words", facts={}, drawn={"scores": b"<svg/>"})
    assert base64.b64encode(b"<svg/>").decode() in page
