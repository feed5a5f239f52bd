"""`cgraph distances`: the methods there are, and a matrix of distances on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table

from cgraph.commands.console import err, out, progress_of_stages
from cgraph.commands.populations import PART_HELP, SPACE_HELP, read_population
from cgraph.errors import ArgumentError
from cgraph.files.writing import whole_file

NAMES_ENDING = ".names.txt"


def distances(
    space: Annotated[str | None, typer.Argument(help=SPACE_HELP)] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the methods with their properties.")
    ] = False,
    metric: Annotated[str, typer.Option(help="A method of the list.")] = "hellinger",
    path: Annotated[
        Path | None, typer.Option("--out", help="The .npy file; a job that was stopped goes on.")
    ] = None,
    part: Annotated[str | None, typer.Option(help=PART_HELP)] = None,
    sample: Annotated[
        int | None, typer.Option(help="How many architectures, at random; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
    feature: Annotated[
        str, typer.Option(help="What usage counts: kernels, bigrams or neighbourhoods.")
    ] = "kernels",
    weigh_by: Annotated[
        str | None, typer.Option(help="What usage counts by: macs or bytes; 1 by default.")
    ] = None,
    costs: Annotated[
        Literal["heuristic", "uniform"], typer.Option(help="What edits cost.")
    ] = "heuristic",
    single: Annotated[
        bool, typer.Option("--float32", help="Keep distances in four bytes.")
    ] = False,
    condensed: Annotated[
        bool, typer.Option("--condensed", help="Keep each pair once, as SciPy's pdist does.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Threads or processes; -1 for every core.")] = -1,
) -> None:
    """List the methods of distance, or write the distances of a space into a file.

    Beside FILE.npy stands FILE.names.txt, with the architecture of each row.

    Example: cgraph distances nasbench201 --metric edit --float32 --out edit.npy
    """
    if listed:
        _print_methods()
        return
    if space is None or path is None:
        raise ArgumentError(
            "SPACE and --out",
            "be given",
            "one without the other" if space or path else "neither",
            "--list shows the methods",
        )
    from cgraph.distances.disk import save_distances
    from cgraph.distances.edit.costs import EditCosts
    from cgraph.distances.journal import read_certainty
    from cgraph.distances.methods import DISTANCES

    is_graph = DISTANCES[metric].feature == "graph"
    if not is_graph and costs != "heuristic":
        raise ArgumentError("--costs", "go with a metric of graphs", f"--metric {metric}")
    with err.status(f"Building the graphs of {space}"):
        population = read_population(space, metric, part=part, sample=sample, seed=seed)
    try:
        with progress_of_stages() as progress:
            matrix = save_distances(
                path,
                population,
                metric,
                dtype="float32" if single else "float64",
                n_jobs=workers,
                feature=feature,
                weigh_by=weigh_by,
                costs=EditCosts.uniform() if costs == "uniform" else None,
                condensed=condensed,
                tile=max(64, min(4096, len(population) // 16)) if is_graph else 4096,
                progress=lambda done, total: progress("distances", done, total),
            )
    except KeyboardInterrupt:
        err.print(f"Stopped. The same command goes on where {path} is now.", soft_wrap=True)
        raise
    if (certainty := read_certainty(path)) is not None:
        err.print(f"Distances: {certainty}.", highlight=False, soft_wrap=True)
    names = names_beside(path)
    with whole_file(names) as temporary:
        temporary.write_text("".join(f"{name}\n" for name in population.names))
    shape = " x ".join(f"{n:,}" for n in matrix.shape)
    for line in (
        f"{shape} distances by {metric}, {matrix.dtype}, are in {path}.",
        f"The architecture of each row is in {names}.",
    ):
        out.print(line, highlight=False, soft_wrap=True, markup=False)


def names_beside(path: Path) -> Path:
    """The file with the names of the rows of a matrix."""
    return path.with_name(path.name.removesuffix(".npy") + NAMES_ENDING)


def _print_methods() -> None:
    from cgraph.distances.methods import DISTANCES

    table = Table("name", "metric", "symmetric", "exact", "cost of a pair", box=SIMPLE_HEAD)
    for method in DISTANCES.values():
        facts = (method.is_metric, method.is_symmetric, method.is_exact)
        table.add_row(method.name, *("yes" if fact else "no" for fact in facts), method.cost)
    out.print(table)
    for method in DISTANCES.values():
        out.print(f"{method.name}: {method.summary}.", highlight=False, markup=False)
        out.print(Padding(f"{method.source}.", (0, 0, 0, 4)), highlight=False, markup=False)
