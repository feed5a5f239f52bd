"""`cgraph spaces`: the search spaces that cgraph knows."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cgraph.commands.console import out


def spaces() -> None:
    """List the search spaces that cgraph knows."""
    from cgraph.spaces import available, get

    table = Table("space", "architectures", "what it is", "source", box=SIMPLE_HEAD)
    for name in available():
        space = get(name)
        table.add_row(name, f"{len(space):,}", space.summary, space.source)
    out.print(table)
