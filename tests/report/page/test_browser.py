"""The page in a browser: what it looks like is for eyes, what it does is for tests."""

import shutil
from itertools import pairwise

import numpy as np
import pytest

from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.report.figures.catalogue import FIGURES
from cgraph.report.page.drawings import graphs_table
from cgraph.report.page.render import render_page
from tests.report.made_up import study_tables

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    with playwright.sync_playwright() as started:
        try:
            launched = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium to show the page in: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    tables = study_tables()
    # One figure of the many, which have their own tests.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cgraph.report.page.render.figures_of", lambda _: [FIGURES["scores"]])
        page = made_up_page(tables)
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def made_up_page(tables):
    tables.architectures["keeps_limits"] = np.arange(60) % 4 < 3
    # Clusters in corners of the map, so that an area can be marked.
    corner = tables.architectures["cluster"].map({0: (0, 0), 1: (1, 0), 2: (1, 1)})
    for axis, name in enumerate("xy"):
        tables.architectures[name] = [place[axis] for place in corner]
    graphs = [
        KernelGraph(["relu", "conv2d[3x3]", "add"], [(0, 1), (1, 2), (0, 2)]) for _ in range(59)
    ]
    population = Population([*graphs, KernelGraph(["relu"] * 130, [])])
    programs = tables.architectures["class"].to_numpy()
    return render_page(
        tables,
        title="made up: ranked clusters",
        facts={"space": "made up"},
        validation=[{"choice": "by all", "accuracy": 70.0, "regret": 0.0, "lift": 1.0}],
        graphs=graphs_table(population, programs, range(60)),
    )


@pytest.fixture(params=WIDTHS)
def page(request, browser, page_file):
    """The page, offline; afterwards it has asked for nothing and said nothing."""
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    shown = context.new_page()
    said, asked = [], []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda sent: asked.append(sent.url))
    shown.goto(page_file.as_uri())
    shown.wait_for_selector("html[data-ready=yes]", state="attached")
    yield shown
    assert said == []
    outside = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert outside == [page_file.as_uri()]
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def places(page):
    return {row.split("\t")[1] for row in page.locator("#list tbody tr").all_inner_texts()}


def chosen(page):
    return page.inner_text("#chosen")


def drag(page, start, end):
    """Drag over the map, in shares of its width and height."""
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map canvas").bounding_box()
    (x0, y0), (x1, y1) = (
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()
    page.wait_for_timeout(200)


def test_charts_are_there_and_everything_within_the_limits_is_chosen(page):
    assert chosen(page) == "Chosen: “keeps limits”, 45 architectures."
    for name in ("operations", "statistics", "accuracy"):
        assert page.locator(f"#{name} svg").bounding_box()["width"] > 250
    assert page.locator("#map canvas").bounding_box()["width"] > 250
    page.get_by_label("only: keeps limits").uncheck()
    assert chosen(page) == "Everything is chosen: 60 architectures."


def test_a_cluster_is_chosen_and_everything_follows(page):
    page.get_by_label("only: keeps limits").uncheck()
    numbers = page.inner_text("#numbers tbody")
    page.get_by_label("Choose cluster 2").click()
    assert chosen(page) == "Chosen: cluster 2, 20 architectures."
    assert places(page) == {"2"}
    assert page.inner_text("#numbers tbody") != numbers
    assert "4 of 12 evaluated networks" in page.inner_text("#evaluated")
    assert "2, of which it is the medoid" in page.inner_text("#detail")
    assert page.locator("#clusters tr[aria-selected=true]").get_attribute("data-place") == "2"
    assert page.get_by_label("Choose cluster 2").get_attribute("aria-pressed") == "true"
    page.get_by_label("Choose cluster 2").click()
    assert chosen(page) == "Everything is chosen: 60 architectures."


def test_an_area_is_marked_and_everything_follows(page):
    page.get_by_label("only: keeps limits").uncheck()
    drag(page, (0.6, 0.5), (0.985, 0.91))  # the lower right corner: cluster 2
    assert chosen(page) == "Chosen: the marked area, 20 architectures."
    assert places(page) == {"2"}
    page.get_by_label("Choose cluster 1").click()
    assert chosen(page) == "Chosen: cluster 1, the marked area, 0 architectures."
    assert "None is listed" in page.inner_text("#more")
    page.get_by_role("button", name="Show everything").click()
    assert chosen(page) == "Everything is chosen: 60 architectures."
    assert page.get_by_role("button", name="Show everything").is_disabled()


def test_an_architecture_is_chosen_in_the_list_by_its_name(page):
    page.get_by_label("Names that hold").fill("A25")
    assert page.locator("#list tbody tr").count() == 1
    page.get_by_role("button", name="a25").click()
    detail = page.locator("#detail")
    assert detail.locator("code").inner_text() == "a25"
    assert "It was not evaluated." in detail.inner_text()
    picture = detail.get_by_role("img")
    assert picture.get_attribute("aria-label").endswith("relu, conv2d[3x3], add")
    assert picture.locator("rect").count() == 3
    assert page.evaluate("document.activeElement.id") == "h-details"
    page.get_by_label("only: keeps limits").uncheck()
    page.get_by_label("Names that hold").fill("a59")
    page.get_by_role("button", name="a59").click()
    assert "Its program is not drawn here" in detail.inner_text()


def test_a_failed_statistic_says_why(page):
    page.get_by_label("Choose cluster 3").click()
    assert "none: the kernel is singular" in page.inner_text("#detail")


def test_a_point_of_the_map_is_chosen(page):
    page.get_by_label("only: keeps limits").uncheck()
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map canvas").bounding_box()
    # Cluster 3 lies in the upper right corner.
    for x in np.linspace(0.9, 0.93, 7):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + 0.18 * box["height"])
        page.wait_for_timeout(50)
        if "cluster, by place\n3" in page.inner_text("#detail"):
            return
    pytest.fail("no click on the map chose an architecture of cluster 3")


def test_the_keyboard_reaches_what_the_mouse_does(page):
    page.keyboard.press("Tab")
    reached = []
    for _ in range(16):
        reached.append(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.id"
                " || document.activeElement.textContent"
            )
        )
        if reached[-1] == "Choose cluster 3":
            page.keyboard.press("Enter")
            assert "cluster 3" in chosen(page)
        page.keyboard.press("Tab")
    assert {"Choose cluster 1", "Choose cluster 3", "reset", "find"} <= set(reached)


def test_the_structure_reads_without_eyes(page):
    found = page.evaluate(
        """() => ({
          headings: [...document.querySelectorAll("h1, h2, h3")].map((h) => Number(h.tagName[1])),
          nameless: [...document.images].filter((i) => !i.alt).length,
          unlabelled: [...document.querySelectorAll("input")].filter((i) => !i.labels[0]).length,
          loose: [...document.querySelectorAll("th")].filter((t) => !t.scope).length,
          lang: document.documentElement.lang,
        })"""
    )
    headings = found.pop("headings")
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    assert found == {"nameless": 0, "unlabelled": 0, "loose": 0, "lang": "en"}
