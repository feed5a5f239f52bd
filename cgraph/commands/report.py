"""`cgraph report`: a study that has run, read again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cgraph.commands.console import progress_of_stages
from cgraph.commands.result import print_result


def report(
    directory: Annotated[Path, typer.Argument(help="Directory of a study that has run.")],
) -> None:
    """Print the ranked clusters of a study, and draw its figures and page anew.

    Example: cgraph report studies/first
    """
    from cgraph.study.run import write_report
    from cgraph.study.study import load_study

    result = load_study(directory)
    with progress_of_stages() as progress:
        write_report(result, progress=progress)
    print_result(result)
