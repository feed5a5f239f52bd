"""`cgraph spaces`: the search spaces that cgraph knows."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from cgraph.commands.console import out


def spaces() -> None:
    """List the search spaces that cgraph knows: those that ship and those of packages.

    A space of your own goes wherever a name does: cgraph study path/to/file.py, or MODULE:NAME.
    """
    from cgraph.spaces.catalogue import listing
    from cgraph.spaces.space import amount

    table = Table(box=SIMPLE_HEAD)
    table.add_column("space")
    table.add_column("architectures", justify="right")
    table.add_column("what it is, whose, and what brings it")
    for row in listing():
        size = "–" if row.n_architectures is None else amount(row.n_architectures)
        state = row.problem or "; ".join(filter(None, ("ready", row.remark)))
        brings = f"{row.provider}: {state}"
        about = "\n".join(filter(None, (row.summary, row.source, brings)))
        table.add_row(escape(row.name), size, escape(about))
    out.print(table)
