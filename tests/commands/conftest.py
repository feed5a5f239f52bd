import sys

import pytest

from cgraph import cli


@pytest.fixture
def run(monkeypatch, capsys):
    """(exit status, standard output, standard error) of a command line."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cgraph", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, captured.out, captured.err

    return run
