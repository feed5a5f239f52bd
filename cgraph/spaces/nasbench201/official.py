"""Results of the trainings of NAS-Bench-201 and NATS-Bench, as a table.

Each cell was trained on CIFAR-10 (on half of its training images, and on all), CIFAR-100 and
ImageNet16-120, for 12 and for 200 epochs, with one to three seeds. What an archive holds of a
cell is read by `nas_201_api`, the benchmark's own package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cgraph.errors import ArgumentError, UnknownNameError, of_file
from cgraph.spaces.nasbench201 import notation
from cgraph.spaces.nasbench201.archives import Record, is_archive, read_records
from cgraph.spaces.sources import AccuracySource, Found, SourceOptions

if TYPE_CHECKING:
    import pandas as pd

EPOCHS = (12, 200)

# What a data set calls the images that it is validated and tested on.
_EVALUATIONS = {
    "cifar10-valid": {"valid": "x-valid", "test": "ori-test"},
    "cifar10": {"test": "ori-test"},
    "cifar100": {"valid": "x-valid", "test": "x-test"},
    "ImageNet16-120": {"valid": "x-valid", "test": "x-test"},
}

COLUMNS = {
    "cifar10_valid": ("cifar10-valid", "valid"),
    "cifar10_valid_split_test": ("cifar10-valid", "test"),
    "cifar10_test": ("cifar10", "test"),
    "cifar100_valid": ("cifar100", "valid"),
    "cifar100_test": ("cifar100", "test"),
    "imagenet16_valid": ("ImageNet16-120", "valid"),
    "imagenet16_test": ("ImageNet16-120", "test"),
}
"""Accuracies by name: the data set of the benchmark, and the images."""

# What an entry of an archive that is not what it should be makes `nas_201_api` raise.
_MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError)


def official_runs(
    source: object, epochs: int | None = 200, *, allow_pickle: bool = False
) -> pd.DataFrame:
    """Accuracies at the end of every training in an archive.

    Parameters
    ----------
    source : path or object
        As for `archives.read_records`; it need not hold every architecture.
    epochs : {12, 200}, optional
        Trainings of this length only; all of them where it is None.
    allow_pickle : bool, default=False
        Whether a file may run code when it is read.

    Returns
    -------
    DataFrame
        One row for each training: "index" (of the cell), "epochs", "dataset" as the benchmark
        calls it, "seed", and "train", "valid" and "test", in percent; NaN for images that the
        data set has not. Sorted by index, epochs, data set and seed. To keep it, write it to
        Parquet.

    Raises
    ------
    ArgumentError
        If the archive cannot be read, has no training of this length, or an entry is not what
        the benchmark writes; says which.
    """
    import pandas as pd

    if epochs is not None and epochs not in EPOCHS:
        raise ArgumentError("epochs", f"be one of {', '.join(map(str, EPOCHS))}", epochs)
    rows = [
        row
        for record in read_records(source, allow_pickle=allow_pickle)
        for length, results in record.results.items()
        if epochs in (None, length)
        for row in _runs(record, length, results)
    ]
    if not rows:
        wanted = "trainings" if epochs is None else f"trainings of {epochs} epochs"
        raise ArgumentError("source", f"hold {wanted}", f"{_name(source)} without any")
    frame = pd.DataFrame(
        rows, columns=["index", "epochs", "dataset", "seed", "train", "valid", "test"]
    )
    keys = ["index", "epochs", "dataset", "seed"]
    return frame.sort_values(keys, kind="stable", ignore_index=True)


def _runs(record: Record, epochs: int, results: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of one architecture and length of training."""
    from nas_201_api import ArchResults

    where = f"{record.where} after {epochs} epochs"
    try:
        if hasattr(results, "all_results"):
            known = results
        elif isinstance(results, dict):  # of a text the package would load the file
            known = ArchResults.create_from_state_dict(results)
        else:
            raise TypeError(f"a {type(results).__name__}")
        if known.arch_str != notation.architectures()[record.index]:
            raise ValueError(f"architecture {known.arch_str!r}")
        for dataset in known.get_dataset_names():
            for seed, run in known.query(dataset).items():
                if run.get_total_epoch() != epochs:
                    raise ValueError(f"a training of {run.get_total_epoch()} epochs")
                yield (record.index, epochs, dataset, int(seed), *_accuracies(run, dataset))
    except _MALFORMED as error:
        raise ArgumentError(
            "source",
            "hold what NAS-Bench-201 writes of a training",
            of_file(where, f"with another: {type(error).__name__}: {error}"),
        ) from error


def _accuracies(run: Any, dataset: str) -> list[float]:
    """Accuracy on images for training, validation and test after the last epoch, or NaN."""
    last = run.get_total_epoch() - 1
    there, named = run.get_eval_set(), _EVALUATIONS[dataset]
    # `run.get_eval` would add up the times of all epochs as well, ten times the work.
    found = [run.train_acc1es[last]]
    for images in ("valid", "test"):
        name = named.get(images)
        found.append(run.eval_acc1es[f"{name}@{last}"] if name in there else np.nan)
    for value in found:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise TypeError(f"an accuracy that is a {type(value).__name__}")
    return [float(value) for value in found]


def _read(source: Any, column: str | None, options: SourceOptions) -> Found:
    if column not in COLUMNS:
        raise UnknownNameError(f"column of {_name(source)}", column, COLUMNS)
    epochs = 200 if options.epochs is None else options.epochs
    runs = official_runs(source, epochs, allow_pickle=options.allow_pickle)
    dataset, images = COLUMNS[column]
    chosen = runs[(runs["dataset"] == dataset) & runs[images].notna()]
    note = f"{_name(source)}:{column} after {epochs} epochs"
    if chosen.empty:
        known = [
            name
            for name, (other, split) in COLUMNS.items()
            if runs.loc[runs["dataset"] == other, split].notna().any()
        ]
        raise UnknownNameError(f"column of {_name(source)} at {epochs} epochs", column, known)
    if options.seed is not None:
        seeds = sorted(chosen["seed"].unique().tolist())
        chosen = chosen[chosen["seed"] == options.seed]
        note += f", seed {options.seed}"
        if chosen.empty:
            raise ArgumentError("seed", f"be one of {', '.join(map(str, seeds))}", options.seed)
    means = chosen.groupby("index")[images].mean()
    return Found(means.index.to_numpy(), means.to_numpy(), column, note, "percent")


def _name(source: object) -> str:
    return str(source) if not isinstance(source, dict) else "a dictionary"


OFFICIAL = AccuracySource(
    "NAS-Bench-201 .pth or NATS-Bench .pickle.pbz2",
    "the benchmark's own trainings, means over the seeds",
    is_archive,
    _read,
    ("epochs", "seed", "allow_pickle"),
)
