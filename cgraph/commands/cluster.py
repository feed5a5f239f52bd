"""`cgraph cluster`: groups of similar programs, from a search space or a matrix of distances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from cgraph.commands.console import err, out, progress_of_stages
from cgraph.commands.distances import names_beside
from cgraph.commands.populations import PART_HELP, SPACE_HELP, read_population
from cgraph.commands.writing import write_frame
from cgraph.errors import ArgumentError, shown
from cgraph.files.reading import reading

if TYPE_CHECKING:
    from cgraph.clustering.result import Clustering
    from cgraph.graphs.population import Population

ENDINGS = (".parquet", ".csv")


def cluster(
    source: Annotated[
        str, typer.Argument(help=SPACE_HELP + " Or a matrix of distances, FILE.npy.")
    ],
    method: Annotated[
        str | None,
        typer.Option(
            help="kmeans, spectral or kmedoids; by default kmeans where the metric has points, "
            "spectral where the pairs are too many, kmedoids elsewhere."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Distance of architectures; hellinger by default.")
    ] = None,
    clusters: Annotated[int, typer.Option(help="How many clusters.")] = 8,
    path: Annotated[
        Path | None, typer.Option("--out", help="File to write: .parquet or .csv.")
    ] = None,
    part: Annotated[str | None, typer.Option(help=PART_HELP)] = None,
    sample: Annotated[
        int | None, typer.Option(help="How many architectures, at random; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample and of the starts.")] = 0,
    feature: Annotated[
        str, typer.Option(help="What usage counts: kernels, bigrams or neighbourhoods.")
    ] = "kernels",
    costs: Annotated[
        Literal["heuristic", "uniform"], typer.Option(help="What edits cost.")
    ] = "heuristic",
    scale: Annotated[
        float | None, typer.Option(help="Spectral: the distance at which affinity is 1/e.")
    ] = None,
) -> None:
    """Cluster the architectures of a space, or the programs of a matrix of distances.

    The file has a row for each program: its name, its cluster, and whether it is the medoid.

    Example: cgraph cluster nasbench201 --metric edit --method spectral --out clusters.parquet
    """
    if path is not None:
        _check_path(path)
    if source.endswith(".npy"):
        for option, given in (("--metric", metric), ("--part", part), ("--sample", sample)):
            if given is not None:
                raise ArgumentError(option, "be left out for a matrix of distances", given)
        with err.status(f"Clustering {source}"):
            found = _of_matrix(Path(source), method or "kmedoids", clusters, seed, scale)
    else:
        metric = metric or "hellinger"
        with err.status(f"Building the graphs of {source}"):
            population = read_population(source, metric, part=part, sample=sample, seed=seed)
        with progress_of_stages() as progress:
            found = _of_population(
                population, method, metric, clusters, seed, scale, feature, costs,
                lambda done, total: progress("distances", done, total),
            )  # fmt: skip
    _print_clustering(found)
    if path is not None:
        frame = found.to_frame()
        write_frame(frame, path)
        out.print(f"The cluster of each program is in {path}.", highlight=False, soft_wrap=True)


def _check_path(path: Path) -> None:
    if path.suffix not in ENDINGS:
        raise ArgumentError("--out", f"end in {' or '.join(ENDINGS)}", repr(str(path)))
    if not path.parent.is_dir():
        raise ArgumentError("--out", "be in a directory that is there", repr(str(path)))


def _of_population(
    population: Population,
    method: str | None,
    metric: str,
    n_clusters: int,
    seed: int,
    scale: float | None,
    feature: str,
    costs: str,
    progress: Callable[[int, int], None],
) -> Clustering:
    from cgraph.clustering.cluster import cluster as clusters_of
    from cgraph.clustering.work import landmarks_for
    from cgraph.distances.edit.costs import EditCosts
    from cgraph.distances.methods import DISTANCES

    record = DISTANCES[metric]
    if record.feature == "usage" and costs != "heuristic":
        raise ArgumentError("--costs", "go with a metric of graphs", f"--metric {metric}")
    if method is None:
        method = "kmeans" if record.embedding is not None else "kmedoids"
        if landmarks_for(population, metric, n_clusters) is not None:
            method = "spectral"
    return clusters_of(
        population,
        method,
        n_clusters,
        random_state=seed,
        metric=metric,
        scale=scale,
        feature=feature,
        costs=EditCosts.uniform() if costs == "uniform" else None,
        progress=progress,
    )


def _of_matrix(
    path: Path, method: str, n_clusters: int, seed: int, scale: float | None
) -> Clustering:
    """Clusters of a square matrix or a condensed vector; with names where they stand beside."""
    from dataclasses import replace

    from scipy.spatial.distance import squareform

    from cgraph.clustering.cluster import cluster as clusters_of
    from cgraph.files.arrays import load_array

    if not path.is_file():
        raise ArgumentError("MATRIX", "be a file that is there", repr(str(path)))
    with reading(path, "hold one matrix, as numpy.save writes it", argument="MATRIX"):
        matrix = load_array(path)
    if matrix.ndim == 1:
        matrix = squareform(matrix, checks=False)
    found = clusters_of(
        matrix, method, n_clusters, random_state=seed, metric="precomputed", scale=scale
    )
    beside = names_beside(path)
    if not beside.is_file():
        return found
    with reading(beside, "be text, a name on each line"):
        names = beside.read_text(encoding="utf-8").splitlines()
    if len(names) != len(found):
        raise ArgumentError(
            "MATRIX", f"have a row for each of the {len(names)} names in {beside}", len(found)
        )
    return replace(found, names=tuple(names))


def _print_clustering(found: Clustering) -> None:
    table = Table("cluster", "programs", box=SIMPLE_HEAD)
    table.add_column("medoid", overflow="fold")  # cut off it would be no name
    sizes = Counter(found.labels.tolist())
    for label, medoid in enumerate(found.medoids.tolist()):
        table.add_row(str(label), f"{sizes[label]:,}", escape(shown(found.names[medoid])))
    out.print(table)
    quality = ", ".join(f"{name} {value:.4g}" for name, value in found.quality.items())
    out.print(
        f"{len(found):,} programs by {found.method} on {found.metric}: {quality}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    if found.certainty is not None:
        out.print(f"Distances: {found.certainty}.", highlight=False, soft_wrap=True, markup=False)
