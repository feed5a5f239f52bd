"""`cgraph evaluate`: statistics of a search space, or of models of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgraph.commands.console import err, out, progress_of_stages
from cgraph.commands.engines import Address, Backend
from cgraph.commands.limits import Fits, MaxEnergy, MaxLatency, MaxParameters, Measured
from cgraph.commands.targets import TARGET_HELP, read_target
from cgraph.commands.values import print_agreement, print_list, print_values
from cgraph.commands.writing import write_frame
from cgraph.errors import ArgumentError, of_file
from cgraph.files.reading import reading

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.statistics.training import Training

TABLE, DRAWS, AGREEMENT = "statistics", "draws.sqlite", "agreement"
ENDINGS = (".parquet", ".csv")


def evaluate(
    target: Annotated[str | None, typer.Argument(help=TARGET_HELP)] = None,
    statistics: Annotated[
        str, typer.Option(help="Names or ids, separated by commas; see --list.")
    ] = "ntk,regions,naswot-v1,naswot-v2",
    sample: Annotated[
        int | None,
        typer.Option(help="How many distinct programs of a space, at random; all by default."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Initialisations and batches of each network.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="gaussian|crops|FILE.npy",
            help="What networks are fed: noise (the default), crops of photographs, or samples.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Classes of the samples.")
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(help="Shape of one input of a model of one's own, like 3,32,32."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Train every network for so many steps, and look on the way.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="The same in passes over the data.")] = None,
    at: Annotated[str, typer.Option(help="When, in parts of the training.")] = "0,0.5,1",
    data: Annotated[
        str,
        typer.Option(
            metavar="digits|FILE.npz",
            help="What is trained on: the digits of scikit-learn, or arrays inputs and labels.",
        ),
    ] = "digits",
    fits: Fits = None,
    max_parameters: MaxParameters = None,
    max_latency: MaxLatency = None,
    max_energy: MaxEnergy = None,
    measured: Measured = None,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Print how far the statistics agree.")
    ] = False,
    path: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Directory of the table, or its file: .parquet, .csv. It is resumed."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where networks are run: cpu, cuda, ...")] = "cpu",
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
    backend: Backend = "loky",
    address: Address = None,
    is_list: Annotated[
        bool, typer.Option("--list", help="List the statistics and their protocols.")
    ] = False,
) -> None:
    """Evaluate statistics, with standard errors, and reasons where there is no value.

    Example: cgraph evaluate nasbench201 --sample 1000 --workers 2 --out evaluated
    """
    if is_list:
        print_list()
        return
    if target is None:
        raise ArgumentError("TARGET", "be given", "none", "or --list for the statistics")
    from cgraph.spaces.limits import Limits

    with _named_as_options():
        limits = Limits(fits, max_parameters, max_latency, max_energy, measured)
    places = _places(path)
    if workers == 0:
        raise ArgumentError("--workers", "be a number of processes, or -1 for every core", 0)
    with err.status(f"Reading {target}"):
        models = read_target(target, sample=sample, seed=seed, limits=limits, n_jobs=workers)
    with _named_as_options():
        course = _training(steps, epochs, at, data)
    options: dict[str, Any] = {
        "statistics": [name.strip() for name in statistics.split(",") if name.strip()],
        "inputs": _inputs(inputs),
        "labels": None if labels is None else _array(labels, "--labels"),
        "input_shape": None if input_shape is None else _shape(input_shape),
        "n_draws": draws,
        "seed": seed,
        "training": course,
        "device": device,
        "n_jobs": workers,
    }
    from cgraph.parallel import engine

    with _named_as_options(), engine(backend, address, n_jobs=workers):
        table = _evaluate(models, options, places)
    print_values(table, target)
    found = None
    if agreement:
        from cgraph.statistics.agreement import agreement as agreement_of

        found = agreement_of(table)
        print_agreement(found)
    if places is not None:
        write_frame(table, places.table)
        if found is not None:
            write_frame(found, places.agreement)
        out.print(f"Written: {places.table}", highlight=False, soft_wrap=True, markup=False)


@dataclass(frozen=True, slots=True)
class Places:
    """Where an evaluation is written.

    Parameters
    ----------
    table, agreement : Path
        Files of the tables.
    draws : Path
        The store of finished draws.
    """

    table: Path
    agreement: Path
    draws: Path


_OPTIONS = {"n_draws": "--draws", "n_jobs": "--workers"} | {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "statistics", "inputs", "labels", "input_shape", "steps", "epochs", "at", "data", "device",
        "seed", "address", "fits", "max_parameters", "max_latency", "max_energy", "measured",
    )
}  # fmt: skip


@contextmanager
def _named_as_options() -> Iterator[None]:
    """An error of an argument names the option that it came from."""
    try:
        yield
    except ArgumentError as error:
        if error.argument == "training":
            must = f"come with --steps or --epochs, which {error.must}"
            raise ArgumentError("--statistics", must, error.got) from error
        if error.argument not in _OPTIONS:
            raise
        option = _OPTIONS[error.argument]
        raise ArgumentError(option, error.must, error.got, error.hint) from error


def _places(path: Path | None) -> Places | None:
    """Files of a directory, or beside a file; the directory is made."""
    if path is None:
        return None
    if path.suffix in ENDINGS:
        if not path.parent.is_dir():
            raise ArgumentError("--out", "be in a directory that is there", repr(str(path)))
        stem = path.with_suffix("")
        return Places(
            path,
            path.with_name(f"{stem.name}.{AGREEMENT}{path.suffix}"),
            path.with_name(f"{stem.name}.{DRAWS}"),
        )
    if path.suffix or path.is_file():
        raise ArgumentError("--out", f"be a directory, or end in {', '.join(ENDINGS)}", str(path))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        must = "be a directory that can be made"
        raise ArgumentError("--out", must, f"{str(path)!r} ({error.strerror})") from error
    ending = ENDINGS[0]
    return Places(path / f"{TABLE}{ending}", path / f"{AGREEMENT}{ending}", path / DRAWS)


def _evaluate(models: Any, options: dict[str, Any], places: Places | None) -> pd.DataFrame:
    from cgraph.statistics.evaluate import evaluate as table_of

    try:
        with progress_of_stages() as progress:
            return table_of(
                models,
                **options,
                store=None if places is None else places.draws,
                progress=lambda done, total: progress("draws", done, total),
            )
    except KeyboardInterrupt:
        if places is not None:
            err.print("Stopped. The same command goes on where it is now.", soft_wrap=True)
        raise


def _training(steps: int | None, epochs: float | None, at: str, data: str) -> Training | None:
    from cgraph.files.arrays import load_arrays
    from cgraph.statistics.training import Training

    if steps is None and epochs is None:
        if data != "digits":
            raise ArgumentError("--data", "come with --steps or --epochs", data)
        return None
    given: Any = data
    if data.endswith(".npz"):
        with reading(data, "hold arrays, as numpy.savez writes them", argument="--data"):
            arrays = load_arrays(_there(Path(data), "--data"))
        if not {"inputs", "labels"} <= set(arrays):
            raise ArgumentError("--data", "hold arrays inputs and labels", ", ".join(arrays))
        given = (arrays["inputs"], arrays["labels"])
    try:
        parts = tuple(float(part) for part in at.split(","))
    except ValueError as error:
        raise ArgumentError("--at", "be parts like 0,0.5,1", repr(at)) from error
    return Training(steps=steps, epochs=epochs, data=given, at=parts)


def _inputs(text: str | None) -> Any:
    return _array(Path(text), "--inputs") if text is not None and text.endswith(".npy") else text


def _array(path: Path, option: str) -> Any:
    from cgraph.files.arrays import load_array

    must = "hold one array of numbers, as numpy.save writes it"
    with reading(path, must, argument=option):
        array = load_array(_there(path, option))
    if array.dtype.kind not in "biuf":
        raise ArgumentError(option, must, of_file(path, f"of {array.dtype}"))
    return array


def _there(path: Path, option: str) -> Path:
    if not path.is_file():
        raise ArgumentError(option, "be a file that is there", repr(str(path)))
    return path


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ArgumentError("--input-shape", "be the shape of one input, like 3,32,32", repr(text))
    return tuple(int(part) for part in parts)
