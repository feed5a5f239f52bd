"""What every command shares: the two consoles and the bars of progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# A name like nets.py:a:b is no picture.
out = Console(emoji=False)
err = Console(stderr=True, emoji=False)

StageProgress = Callable[[str, int, int], None]


@contextmanager
def progress_of_stages() -> Iterator[StageProgress]:
    """Bars on standard error, one for each stage as it is reached.

    Yields
    ------
    callable
        Takes the name of a stage, how much of it is done, and how much there is.
    """
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield progress
