from functools import partial

import pytest

from tests import test_cli


@pytest.fixture
def run(monkeypatch, capsys):
    """(exit status, standard output, standard error) of a command line."""
    return partial(test_cli.run, monkeypatch, capsys)
