"""Where a hyperparameter searcher starts: architectures of a study as values of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cgraph.errors import ArgumentError
from cgraph.export.json_text import check_version, document, parse
from cgraph.export.studied import Chosen, Progress
from cgraph.files.writing import whole_file
from cgraph.registry import Table
from cgraph.spaces.encodings import Encoding, Value, encoding_of
from cgraph.spaces.living import live_sizes
from cgraph.spaces.space import Space

FORMAT = "cgraph.start-points"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Searcher:
    """A searcher that takes start points.

    Parameters
    ----------
    name : str
        What it is called.
    field : str
        What it calls the points, and so the file does.
    """

    name: str
    field: str


SEARCHERS: Table[Searcher] = Table(
    "searcher", [Searcher("optuna", "enqueue_trial"), Searcher("ray", "points_to_evaluate")]
)


@dataclass(frozen=True, slots=True)
class StartPoints:
    """Architectures to begin a search with.

    Parameters
    ----------
    space : str
        Name of the space.
    choices : mapping of str to tuple
        The values that each parameter may have: what to suggest from.
    points : tuple of dict
        A value for each parameter; one dict for each architecture.
    architectures : tuple of str
        Their strings.
    options : mapping of str to object, default={}
        What the space was made with, such as a data set.
    n_copies : tuple of int, default=()
        How many members of its cluster are the same program as each, itself included.
    sizes : tuple of dict, default=()
        "n_parameters" and "macs" of each as declared, dead operations included; "live_parameters"
        and "live_macs" of what its output depends on.

    Examples
    --------
    With Optuna, where `start` was read by `cgraph.export.read_export`::

        for point in start.points:
            study.enqueue_trial(point)

        def objective(trial):
            for name, options in start.choices.items():
                trial.suggest_categorical(name, options)
            return train(space.model(space.from_parameters(trial.params)))

        study.optimize(objective, n_trials=100)
        best = space.from_parameters(study.best_trial.params)

    With Ray Tune::

        OptunaSearch(space={n: tune.choice(c) for n, c in start.choices.items()},
                     points_to_evaluate=list(start.points), ...)
    """

    space: str
    choices: Mapping[str, tuple[Value, ...]]
    points: tuple[dict[str, Value], ...]
    architectures: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    n_copies: tuple[int, ...] = ()
    sizes: tuple[dict[str, int], ...] = ()

    def architecture(self, values: Mapping[str, Any], space: Space | str | None = None) -> str:
        """String of the architecture that has these values.

        Parameters
        ----------
        values : mapping of str to value
            A value for each parameter; others are passed over.
        space : Space or str, optional
            The space, or what `cgraph.spaces.resolve` reads as one, where it neither ships nor
            comes with an installed package.

        Raises
        ------
        ArgumentError
            If a value is missing or cannot be had.
        ArchitectureError
            If the values are of no architecture: in NAS-Bench-101 not every choice is one. A
            searcher should drop such a trial.
        """
        from cgraph.spaces.studied import named_space

        found = named_space({"space": self.space, "options": self.options}, space)
        return found.from_parameters(values)


def write_start_points(
    name: str, chosen: Chosen, path: Path, progress: Progress | None = None
) -> None:
    """Write architectures as start points of a searcher.

    Parameters
    ----------
    name : {"optuna", "ray"}
        The searcher.
    chosen : Chosen
        The architectures, in the order in which they are to be tried.
    path : Path
        The file.
    progress : callable, optional
        Called when it is done.
    """
    space = chosen.found_space()
    encoding: Encoding = encoding_of(space)
    names = chosen.names
    text = document(
        {
            "format": FORMAT,
            "version": VERSION,
            "space": space.name,
            "options": dict(space.options),
            "choices": {name: list(options) for name, options in encoding.choices.items()},
        },
        {
            SEARCHERS[name].field: map(encoding.encode, names),
            "architectures": names,
            "n_copies": chosen.n_copies.tolist(),
            "sizes": _sizes(chosen, space),
        },
    )
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if progress is not None:
        progress(len(chosen), len(chosen))


def _sizes(chosen: Chosen, space: Space) -> list[dict[str, int]]:
    """Declared sizes of the architectures, and those of what is alive in them."""
    live = live_sizes(space, chosen.names)
    declared = chosen.study.architectures[["n_parameters", "macs"]].iloc[chosen.positions]
    table = declared.assign(live_parameters=live["n_parameters"], live_macs=live["macs"])
    return [{str(k): int(v) for k, v in row.items()} for row in table.to_dict("records")]


def read_start_points(path: Path) -> StartPoints:
    """The start points of a file, for whichever searcher they were written.

    Raises
    ------
    GraphError
        If the file is cut off, or of a newer version.
    ArgumentError
        If it holds something else.
    """
    value = parse(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ArgumentError("path", f"be a file of the format {FORMAT}", repr(str(path)))
    check_version(value, VERSION)
    fields = [searcher.field for searcher in SEARCHERS.values() if searcher.field in value]
    if not fields:
        raise ArgumentError("path", "hold start points", f"{path}, without any")
    return StartPoints(
        value["space"],
        {name: tuple(options) for name, options in value["choices"].items()},
        tuple(value[fields[0]]),
        tuple(value["architectures"]),
        value["options"],
        tuple(value.get("n_copies", ())),
        tuple(value.get("sizes", ())),
    )
