"""`cgraph nearest`: the relatives of a model in a library of models, or on a map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgraph.commands.console import out
from cgraph.commands.inputs import INPUT_HELP
from cgraph.commands.programs import PROGRAM_HELP, read_program
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

_MOST_DIFFERENCES = 5


def nearest(
    model: Annotated[str, typer.Argument(help=PROGRAM_HELP)],
    where: Annotated[
        str,
        typer.Option("--in", help="A zoo, such as zoo:transformers/*bert*, or a directory of map."),
    ],
    inputs: Annotated[list[str] | None, typer.Option("--input", help=INPUT_HELP)] = None,
    limit: Annotated[int, typer.Option(help="Relatives to print.")] = 10,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
) -> None:
    """Print the nearest relatives of a model, and what they use more or less of.

    Example: cgraph nearest zoo:transformers/roberta --in zoo:transformers/*bert*
    """
    import numpy as np

    from cgraph.distances.matrix import pairwise_distances
    from cgraph.graphs.kernel import project
    from cgraph.graphs.passes import live

    if limit < 1:
        raise ArgumentError("--limit", "be 1 or more", limit)
    own = project(live(read_program(model, inputs or ())))
    table, usage = _read(where, workers)
    words = list(dict.fromkeys([*usage.columns, *own.labels]))
    place = {word: i for i, word in enumerate(words)}
    counts = np.zeros((len(usage) + 1, len(words)))
    counts[:-1, : usage.shape[1]] = usage.to_numpy()
    for label in own.labels:
        counts[-1, place[label]] += 1
    distances = np.asarray(pairwise_distances(counts[-1:], "hellinger", counts[:-1]))[0]
    for i in np.argsort(distances, kind="stable")[:limit]:
        row = table.iloc[i]
        change = counts[i] - counts[-1]
        order = np.argsort(-np.abs(change), kind="stable")[:_MOST_DIFFERENCES]
        words_of = ", ".join(f"{words[k]} {change[k]:+.0f}" for k in order if change[k])
        line = f"{distances[i]:.3f}  {row['name']} ({row['family']}): {words_of or 'the same use'}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _read(where: str, workers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table and usage of the models of a zoo, or of a map."""
    if where.startswith("zoo:"):
        from cgraph.commands.mapping import read_map

        found = read_map([where], [], directory=None, n_jobs=workers)
        return found.table, found.usage
    from cgraph.files.tables import read_parquet
    from cgraph.report.models.writing import TABLE, USAGE

    paths = [Path(where) / name for name in (TABLE, USAGE)]
    if not all(path.is_file() for path in paths):
        raise ArgumentError(
            "--in", "be a zoo, or a directory that cgraph map wrote", repr(where),
            "like zoo:transformers/*bert*",
        )  # fmt: skip
    table, usage = (read_parquet(path) for path in paths)
    return table, usage
