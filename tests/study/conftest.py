import pytest

from cgraph.report.figures.catalogue import FIGURES


@pytest.fixture(autouse=True)
def few_figures(monkeypatch):
    """Two figures of the many where a test runs a study of its own; they have their own tests."""

    def figures_of(tables):
        return [FIGURES[name] for name in ("scores", "accuracy") if FIGURES[name].can_show(tables)]

    for module in ("cgraph.report.saving", "cgraph.report.page.render"):
        monkeypatch.setattr(f"{module}.figures_of", figures_of)
