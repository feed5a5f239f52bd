"""Options of the commands that compute in parallel: which engine runs the workers, and where."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Backend = Annotated[
    Literal["loky", "multiprocessing", "threading", "dask", "ray"],
    typer.Option(help="What runs the workers: processes of this machine, or a cluster."),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="Scheduler of a cluster that runs, such as tcp://10.0.0.1:8786; by default one is "
        "started on this machine."
    ),
]
