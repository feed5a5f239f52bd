"""`cgraph study`: a search space in, its ranked clusters out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgraph.commands.console import err, progress_of_stages
from cgraph.commands.engines import Address, Backend
from cgraph.commands.limits import Fits, MaxEnergy, MaxLatency, MaxParameters, Measured
from cgraph.commands.populations import PART_HELP
from cgraph.commands.result import print_result
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.spaces.space import Space

QUICK = {"n_clusters": 5, "n_sampled": 3, "n_draws": 1}


def study(
    space: Annotated[
        str,
        typer.Argument(
            help="The search space: a name (see `cgraph spaces`), MODULE:NAME, FILE.py."
        ),
    ],
    directory: Annotated[
        Path, typer.Option("--out", help="Directory of the study: new, empty, or this study's.")
    ],
    dataset: Annotated[
        str | None, typer.Option(help="Data set, for a space that has several.")
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help=PART_HELP),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="How the graphs are clustered: kmeans (default), spectral (default with "
            "--landmarks), ..."
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Distance: hellinger (default), edit (default with --landmarks), "
            "jensen-shannon, ..."
        ),
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(help="How many clusters; 8 by default, 5 with --quick.")
    ] = None,
    population: Annotated[
        int | None,
        typer.Option(
            help="For a space that is too large to list: how many architectures are drawn from "
            "it and studied; 2000 by default."
        ),
    ] = None,
    landmarks: Annotated[
        int | None,
        typer.Option(
            help="For spaces whose pairs are too many: programs that distances go to, for "
            "example 256."
        ),
    ] = None,
    statistics: Annotated[
        str, typer.Option(help="Statistics that order the clusters, separated by commas.")
    ] = "ntk,regions,naswot-v1,naswot-v2",
    inputs: Annotated[
        str, typer.Option(help="What networks are fed: gaussian noise, or crops of photographs.")
    ] = "gaussian",
    sample: Annotated[
        int | None,
        typer.Option(help="Programs of each cluster to evaluate; 10 by default, 3 with --quick."),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(help="Initialisations and batches of each; 2 by default, 1 with --quick."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    accuracy: Annotated[
        str | None,
        typer.Option(
            metavar="FILE:COLUMN",
            help="Trained accuracy, to validate the order after it is fixed: a table, or the "
            "benchmark's own files; 'published' where it comes with the space.",
        ),
    ] = None,
    accuracy_unit: Annotated[
        str | None,
        typer.Option(help="What the column of a table holds: percent (the default) or fraction."),
    ] = None,
    accuracy_gaps: Annotated[
        bool,
        typer.Option("--accuracy-gaps", help="Take a table that lacks some architectures."),
    ] = False,
    fits: Fits = None,
    max_parameters: MaxParameters = None,
    max_latency: MaxLatency = None,
    max_energy: MaxEnergy = None,
    measured: Measured = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
    skip_failures: Annotated[
        bool,
        typer.Option(
            "--skip-failures",
            help="Leave out architectures whose model cannot be built or captured.",
        ),
    ] = False,
    backend: Backend = "loky",
    address: Address = None,
    quick: Annotated[bool, typer.Option("--quick", help="A first look in under a minute.")] = False,
) -> None:
    """Cluster a search space and rank its clusters without training.

    Example: cgraph study nasbench201 --out studies/first --quick
    """
    from cgraph.parallel import engine
    from cgraph.spaces import Space, resolve
    from cgraph.spaces.limits import Limits
    from cgraph.study.study import Study

    defaults = QUICK if quick else {}
    given = {"n_clusters": clusters, "n_sampled": sample, "n_draws": draws}
    chosen: dict[str, Any] = {
        **defaults,
        **{name: value for name, value in given.items() if value is not None},
    }
    found = resolve(space, **({} if dataset is None else {"dataset": dataset}))
    configured = Study(
        found,
        part=part,  # type: ignore[arg-type]  # checked there
        method=method or ("kmeans" if landmarks is None else "spectral"),
        metric=metric or ("hellinger" if landmarks is None else "edit"),
        landmarks=landmarks,
        limits=Limits(fits, max_parameters, max_latency, max_energy, measured),
        statistics=tuple(name.strip() for name in statistics.split(",") if name.strip()),
        inputs=inputs,
        seed=seed,
        population=population,
        **chosen,
    ).resolved()
    assert isinstance(configured.space, Space)
    if configured.population is not None and population is None:
        drawn = f"{configured.population:,} architectures are drawn from {found!r}"
        err.print(f"{drawn}; --population says how many.", highlight=False, soft_wrap=True)
    accuracies = _read_accuracies(
        configured.space, accuracy, accuracy_unit, allow_gaps=accuracy_gaps
    )
    try:
        with engine(backend, address, n_jobs=workers), progress_of_stages() as progress:
            result = configured.run(
                directory,
                accuracies=accuracies,
                n_jobs=workers,
                progress=progress,
                skip_failures=skip_failures,
            )
    except KeyboardInterrupt:
        err.print(f"Stopped. The same command goes on where {directory} is now.", soft_wrap=True)
        raise
    print_result(result)


def _read_accuracies(
    space: Space, spec: str | None, unit: str | None, *, allow_gaps: bool
) -> pd.Series | None:
    if spec is None:
        return None
    source, colon, column = spec.rpartition(":")
    if any(kind.accepts(spec) for kind in space.accuracy_sources):
        source, column = spec, ""  # of a source that knows what its accuracies are called
    elif not colon or not source or not column:
        raise ArgumentError(
            "--accuracy", "be FILE:COLUMN", repr(spec), "for example results.parquet:cifar10_test"
        )
    found = space.accuracies(
        source,
        column or None,
        unit=unit,  # type: ignore[arg-type]  # checked there
        missing="allow" if allow_gaps else "error",
    )
    err.print(str(found.attrs["join"]), highlight=False, soft_wrap=True, markup=False)
    return found
