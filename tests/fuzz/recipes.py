"""A valid call of every public name: what the tests spoil.

Names are listed from `cgraph.__all__` and from the public methods of what is exported there, so a
new one without a recipe fails a test.
"""

from __future__ import annotations

import functools
import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

import cgraph
from cgraph import spaces
from cgraph.clustering.result import Clustering
from cgraph.graphs.computational import Kernel, Memory

SPACES = tuple(name for name in spaces.available() if name != "nasbench101")  # which takes seconds
DRAWN = (
    "candidate",
    "graph",
    "model",
    "mutate",
    "parse",
    "sample",
    "spelled",
)
METHODS = ("__getitem__",)  # dunder methods that take arguments of the caller's


class Recipe(NamedTuple):
    """A valid call: the function, its arguments, and how much dearer it is than most."""

    function: Callable[..., Any]
    arguments: dict[str, Any]
    times_dearer: int = 1


def listed() -> list[str]:
    """Names of all public functions, constructors and methods that take arguments."""
    found = []
    for name in cgraph.__all__:
        value = getattr(cgraph, name)
        if inspect.ismodule(value):
            inner = {f"{name}.{own}": getattr(value, own) for own in value.__all__}
        else:
            inner = {name: value}
        for path, one in inner.items():
            if inspect.isclass(one):
                found += _of_class(path, one)
            elif inspect.signature(one).parameters:
                found.append(path)
    return found


def _of_class(path: str, kind: type) -> list[str]:
    if issubclass(kind, Exception):
        return []  # raised, not called
    found = []
    if not inspect.isabstract(kind) and inspect.signature(kind).parameters:
        found.append(path)
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        if name.startswith("_") and not (name in METHODS and hasattr(value, "__code__")):
            continue
        if _is_a_space(kind) and kind is not spaces.Space:
            continue  # its methods are those of the interface
        inner = getattr(value, "__func__", value)
        if inspect.isfunction(inner) and set(inspect.signature(inner).parameters) - {"self", "cls"}:
            found.append(f"{path}.{name}")
    return found


def _is_a_space(kind: type) -> bool:
    return issubclass(kind, spaces.Space)


class Towers(spaces.ChoiceSpace):
    """A space of one's own, small enough to do everything with."""

    name, summary, source = "towers", "two layers", "a test"
    input_shapes = {"full": (8,)}  # noqa: RUF012
    choices = (("linear", "relu"), ("linear", "none"))

    def build(self, arch, skeleton):  # noqa: ARG002
        layers = {"linear": nn.Linear(8, 8), "relu": nn.ReLU(), "none": nn.Identity()}
        return nn.Sequential(*[layers[word] for word in arch.split("|")])


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4)).eval()


@functools.cache
def program() -> cgraph.ComputationalGraph:
    return cgraph.trace(model(), torch.zeros(4, 8))


def graphs() -> list[cgraph.KernelGraph]:
    return [
        cgraph.KernelGraph(["relu", "add"], [(0, 1)], macs=[1, 2], bytes=[3, 4]),
        cgraph.KernelGraph(["relu", "conv2d[3x3]", "add"], [(0, 1), (1, 2)], macs=[1, 2, 3],
                           bytes=[3, 4, 5]),
        cgraph.KernelGraph(["add"], [], macs=[0], bytes=[8]),
        cgraph.KernelGraph(["relu", "relu"], [(0, 1)], macs=[1, 1], bytes=[1, 1]),
    ]  # fmt: skip


def population() -> cgraph.Population:
    return cgraph.Population(graphs(), names=["a", "b", "c", "d"])


def costs() -> cgraph.EditCosts:
    return cgraph.EditCosts([[0, 2], [2, 0]], [3, 3], [3, 3], 1.0, ["add", "relu"])


def clustering() -> Clustering:
    return Clustering([0, 0, 1, 1], [0, 2], {"inertia": 1.0}, tuple("abcd"), "kmeans", "hellinger")


def clusters() -> Clustering:
    counts = np.array([[4, 0], [0, 3], [8, 0], [7, 1]])
    return cgraph.cluster(counts, n_clusters=2, n_jobs=1)


def table() -> pd.DataFrame:
    rows = [
        (name, name, "regions", "regions@full", 1, float(i), 0.5, 2, 0, None, "")
        for i, name in enumerate("abcd")
    ]
    rows += [
        (name, name, "ntk", "ntk@full", -1, float(i % 2), 0.5, 2, 0, None, "")
        for i, name in enumerate("abcd")
    ]
    columns = ("name", "program", "statistic", "protocol", "direction", "value", "standard_error",
               "n_draws", "n_failures", "reason", "note")  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def ranking() -> cgraph.Ranking:
    return cgraph.rank(clustering(), table(), n_bootstrap=20)


@functools.cache
def accuracy_file() -> Path:
    path = Path(tempfile.mkdtemp()) / "accuracies.csv"
    path.write_text("index,accuracy\n0,60.5\n1,70.5\n")
    return path


def small_study() -> cgraph.Study:
    return cgraph.Study(Towers(), n_clusters=2, n_sampled=2, n_draws=1, statistics=("regions",))


@functools.cache
def studied() -> Any:
    """A study that has run, once for all."""
    directory = Path(tempfile.mkdtemp()) / "study"
    return small_study().run(directory)


@functools.cache
def graph_file() -> Path:
    return cgraph.write_graph(graphs()[0], Path(tempfile.mkdtemp()) / "graph.json")


def _trace(model: Any, input: Any, depth: Any = "operator", fake: Any = True) -> Any:  # noqa: A002
    return cgraph.trace(model, input, depth=depth, fake=fake)


def _own(value: Any) -> dict[str, Any]:
    """The fields of a frozen value, as arguments of its constructor."""
    return {name: getattr(value, name) for name in inspect.signature(type(value)).parameters}


def _distances(**others: Any) -> dict[str, Any]:
    return {"population": [[4, 0], [2, 2], [0, 1]], "metric": "hellinger", "n_jobs": 1, **others}


def _of_space(name: str) -> dict[str, Callable[[], Recipe]]:
    @functools.cache
    def space() -> spaces.Space:
        return Towers() if name == "towers" else spaces.get(name)

    @functools.cache
    def text() -> str:
        return space().sample(1)[0]

    rows: dict[str, Callable[[], Recipe]] = {
        "accuracies": lambda: Recipe(
            space().accuracies,
            {"source": accuracy_file(), "column": "accuracy", "architectures": [0, 1],
             "unit": "percent", "missing": "allow"},
            4,
        ),
        "candidate": lambda: Recipe(space().candidate, {"arch": text()}, 4),
        "candidates": lambda: Recipe(space().candidates, {"architectures": [text(), 0]}, 4),
        "canonical": lambda: Recipe(space().canonical, {"arch": text()}, 4),
        "graph": lambda: Recipe(
            space().graph, {"arch": text(), "part": "network", "form": "live"}, 10
        ),
        "index": lambda: Recipe(space().index, {"arch": text()}),
        "model": lambda: Recipe(space().model, {"arch": text(), "skeleton": "full"}, 4),
        "mutate": lambda: Recipe(space().mutate, {"arch": text(), "seed": 1}, 4),
        "neighbours": lambda: Recipe(space().neighbours, {"arch": text()}, 2),
        "parse": lambda: Recipe(space().parse, {"text": text()}),
        "population": lambda: Recipe(
            space().population, {"part": "network", "form": "live", "boundary": False},
            10 if name == "towers" else 100,
        ),
        "spelled": lambda: Recipe(space().spelled, {"arch": text()}),
        "to_parameters": lambda: Recipe(space().to_parameters, {"arch": text()}),
        "from_parameters": lambda: Recipe(
            space().from_parameters, {"values": space().to_parameters(text())}
        ),
        "sample": lambda: Recipe(space().sample, {"n": 2, "seed": 0}),
    }  # fmt: skip
    return {
        f"spaces.Space.{method} of {name}": row
        for method, row in rows.items()
        if space().is_listed or method in DRAWN
    }


RECIPES: dict[str, Callable[[], Recipe]] = {
    "Checkpoints": lambda: Recipe(
        cgraph.Checkpoints, {"states": {0: model().state_dict()}, "test": None}
    ),
    "Checkpoints.courses": lambda: Recipe(
        cgraph.Checkpoints({0: model().state_dict()}).courses,
        {"candidates": Towers().candidates()[:1]},
        4,
    ),
    "Clustering": lambda: Recipe(Clustering, _own(clustering())),
    "Clustering.members": lambda: Recipe(clustering().members, {"cluster": 1}),
    "Clustering.assign": lambda: Recipe(clusters().assign, {"population": [[1, 2], [3, 0]]}),
    "ComputationalGraph": lambda: Recipe(
        cgraph.ComputationalGraph,
        {
            "memories": [
                Memory("x", "input", (1, 8), "float32", 32),
                Memory("y", "output", (1, 8), "float32", 32),
            ],
            "kernels": [Kernel("relu", "relu")],
            "reads": [(0, 0)],
            "writes": [(0, 1)],
            "outputs": [1],
            "name": "small",
        },
    ),
    "ComputationalGraph.audit": lambda: Recipe(program().audit, {"least_share": 0.1}, 4),
    "ComputationalGraph.from_networkx": lambda: Recipe(
        cgraph.ComputationalGraph.from_networkx, {"graph": program().to_networkx()}
    ),
    "Device": lambda: Recipe(
        cgraph.Device,
        {"name": "board", "ram_bytes": 1024, "flash_bytes": 2048, "macs_per_second": 1e6,
         "bytes_per_second": 1e6, "dtype": "int8", "source": "", "rates": ""},
    ),
    "EditCosts": lambda: Recipe(
        cgraph.EditCosts,
        {"substitute": [[0, 2], [2, 0]], "insert": [3, 3], "delete": 3, "edge": (1.0, 1.0),
         "vocabulary": ["relu", "add"], "symmetrise": True, "rule": None},
    ),
    "EditCosts.hardware": lambda: Recipe(
        cgraph.EditCosts.hardware,
        {"graphs": [program()], "label": "operation", "edge": 0.1, "floor": 0.05},
    ),
    "EditCosts.heuristic": lambda: Recipe(
        cgraph.EditCosts.heuristic, {"vocabulary": ["relu", "add"], "edge": 1.0}
    ),
    "EditCosts.over": lambda: Recipe(costs().over, {"vocabulary": ["relu"]}),
    "EditCosts.sized": lambda: Recipe(
        cgraph.EditCosts.sized,
        {"base": cgraph.EditCosts.uniform(), "parameters": 1.0, "activations": 1.0, "macs": 0.5},
    ),
    "EditCosts.table": lambda: Recipe(costs().table, {"vocabulary": ["relu"]}),
    "EditCosts.uniform": lambda: Recipe(
        cgraph.EditCosts.uniform, {"node": 1.0, "edge": 1.0, "vocabulary": ["relu", "add"]}
    ),
    "EditDistance": lambda: Recipe(
        cgraph.EditDistance, _own(cgraph.edit_distance(*graphs()[:2], costs=None))
    ),
    "Footprint": lambda: Recipe(cgraph.Footprint, _own(cgraph.footprint(program()))),
    "Footprint.fits": lambda: Recipe(
        cgraph.footprint(program()).fits,
        {"device": cgraph.Device("board", 1024, 2048), "count_io": True},
    ),
    "Footprint.parameter_bytes_at": lambda: Recipe(
        cgraph.footprint(program()).parameter_bytes_at, {"dtype": "int8"}
    ),
    "KernelGraph": lambda: Recipe(
        cgraph.KernelGraph,
        {"labels": ["relu", "add"], "edges": [(0, 1)], "names": ["a", "b"], "macs": [1, 2],
         "bytes": np.array([3, 4])},
    ),
    "KernelGraph.from_networkx": lambda: Recipe(
        cgraph.KernelGraph.from_networkx, {"graph": graphs()[0].to_networkx(), "label": "label"}
    ),
    "Limits": lambda: Recipe(
        cgraph.Limits,
        {"fits": "gap8", "max_parameters": "0.5MB@int8", "max_latency": "gap8=20ms",
         "max_energy": None, "measured": None},
    ),
    "Population": lambda: Recipe(
        cgraph.Population,
        {"graphs": graphs(), "names": list("abcd"), "vocabulary": ["add", "conv2d[3x3]", "relu"]},
    ),
    "Population.__getitem__": lambda: Recipe(population().__getitem__, {"index": [0, 1]}),
    "Population.classes": lambda: Recipe(population().classes, {"sized": True}),
    "Population.from_arrays": lambda: Recipe(
        cgraph.Population.from_arrays,
        {"vocabulary": ["add", "relu"], "node_offsets": [0, 2, 3], "label_ids": [0, 1, 1],
         "edge_offsets": [0, 1, 1], "edges": [(0, 1)], "names": ["a", "b"], "macs": [1, 2, 3],
         "bytes": [1, 2, 3]},
    ),
    "Ranking": lambda: Recipe(cgraph.Ranking, _own(ranking())),
    "Ranking.layout_of": lambda: Recipe(ranking().layout_of, {"cluster": 1}),
    "Ranking.sample_table": lambda: Recipe(
        ranking().sample_table, {"n": 2, "cluster": 1, "random_state": 0, "distinct": True}
    ),
    "Ranking.sample": lambda: Recipe(ranking().sample, {"n": 2, "cluster": 1, "random_state": 0}),
    "Study": lambda: Recipe(
        cgraph.Study,
        {"space": "nasbench201", "part": "cell", "method": "kmeans", "metric": "hellinger",
         "n_clusters": 8, "landmarks": None, "limits": cgraph.Limits(), "statistics": ("ntk",),
         "inputs": "gaussian", "n_sampled": 10, "n_draws": 2, "seed": 0, "options": {}},
    ),
    "Study.run": lambda: Recipe(
        small_study().run,
        {"directory": studied().directory, "accuracies": None, "n_jobs": 1, "progress": None},
        20,
    ),
    "Training": lambda: Recipe(
        cgraph.Training,
        {"steps": 2, "epochs": None, "data": "digits", "test": 0.2, "at": (0.0, 1.0),
         "batch_size": 64, "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
    ),
    "adjacency_tensor": lambda: Recipe(
        cgraph.adjacency_tensor, {"x": graphs()[1], "vocabulary": ["add", "conv2d[3x3]", "relu"]}
    ),
    "cluster": lambda: Recipe(
        cgraph.cluster,
        {"x": np.array([[4, 0], [0, 3], [8, 0], [7, 1]]), "method": "kmeans", "n_clusters": 2,
         "random_state": 0, "metric": "hellinger", "weights": [1.0, 1.0, 1.0, 2.0], "n_jobs": 1},
        4,
    ),
    "cluster of a matrix": lambda: Recipe(
        cgraph.cluster,
        {"x": cgraph.pairwise_distances(population(), n_jobs=1), "method": "spectral",
         "n_clusters": 2, "metric": "precomputed", "scale": 1.0, "n_jobs": 1},
        4,
    ),
    "compact": lambda: Recipe(cgraph.compact, {"graphs": population()}),
    "edit_distance of programs": lambda: Recipe(
        cgraph.edit_distance, {"a": program(), "b": program(), "costs": cgraph.EditCosts.sized()}, 4
    ),
    "edit_distance": lambda: Recipe(
        cgraph.edit_distance,
        {"a": graphs()[0], "b": graphs()[1], "costs": cgraph.EditCosts.uniform(), "budget": 100,
         "exact": False},
    ),
    "embed": lambda: Recipe(
        cgraph.embed,
        {"x": [[1, 0], [1, 0], [0, 1]], "metric": "hellinger", "n_components": 1,
         "weights": [1.0, 1.0, 2.0], "n_jobs": 1},
    ),
    "embed of programs": lambda: Recipe(
        cgraph.embed, {"x": population(), "metric": "edit", "feature": "kernels", "n_jobs": 1}, 4
    ),
    "evaluate": lambda: Recipe(
        cgraph.evaluate,
        {"models": {"a": model()}, "statistics": ["regions", "grad-norm"],
         "inputs": torch.randn(64, 8), "labels": np.zeros(64, dtype=int), "input_shape": (8,),
         "n_draws": 1, "seed": 0, "training": None, "device": "cpu", "n_jobs": 1, "store": None,
         "progress": None},
        8,
    ),
    "export_study": lambda: Recipe(
        cgraph.export_study,
        {"result": studied(), "path": Path("out.csv"), "to": "csv", "only": "all", "limit": 3,
         "graphs": "kernel", "space": Towers()},
        4,
    ),
    "fold_batch_norm": lambda: Recipe(cgraph.fold_batch_norm, {"graph": program()}),
    "footprint": lambda: Recipe(
        cgraph.footprint, {"graph": program(), "dtype": "int8", "budget": 100}
    ),
    "fuse_activations": lambda: Recipe(cgraph.fuse_activations, {"graph": program()}),
    "fused": lambda: Recipe(cgraph.fused, {"graph": program()}),
    "landmark_table": lambda: Recipe(
        cgraph.landmark_table,
        {"x": [[4, 0], [0, 1], [2, 0], [1, 1]], "n_landmarks": 2, "metric": "hellinger",
         "random_state": 0, "n_jobs": 1},
    ),
    "landmarks": lambda: Recipe(
        cgraph.landmarks, _distances(n_landmarks=2, random_state=0)
    ),
    "live": lambda: Recipe(cgraph.live, {"graph": program()}),
    "load_study": lambda: Recipe(cgraph.load_study, {"directory": studied().directory}, 4),
    "measure": lambda: Recipe(
        cgraph.measure,
        {"model": model(), "statistic": "grad-norm", "inputs": torch.randn(4, 8),
         "labels": np.zeros(4, dtype=int), "mode": "eval", "device": "cpu"},
        8,
    ),
    "nearest": lambda: Recipe(cgraph.nearest, _distances(k=1, other=[[1, 1], [2, 3]])),
    "nearest of programs": lambda: Recipe(
        cgraph.nearest,
        {"population": population(), "k": 1, "metric": "edit", "costs": cgraph.EditCosts.uniform(),
         "n_jobs": 1},
    ),
    "pairwise_distances": lambda: Recipe(
        cgraph.pairwise_distances, _distances(dtype="float32", out=np.zeros((3, 3), np.float32))
    ),
    "pairwise_distances of programs": lambda: Recipe(
        cgraph.pairwise_distances,
        {"population": population(), "metric": "hellinger", "other": population(), "n_jobs": 1,
         "feature": "bigrams", "weigh_by": "macs", "condensed": False},
    ),
    "pairwise_distances by edits": lambda: Recipe(
        cgraph.pairwise_distances,
        {"population": population(), "metric": "edit", "costs": costs().uniform(), "n_jobs": 1,
         "condensed": True},
    ),
    "project": lambda: Recipe(
        cgraph.project, {"graph": program(), "label": "operation", "boundary": True}
    ),
    "rank": lambda: Recipe(
        cgraph.rank,
        {"clustering": clustering(), "table": table(), "statistics": ["regions"],
         "weights": dict.fromkeys("abcd", 1.0), "n_programs": [2, 2],
         "eligible": np.ones(4, dtype=bool), "n_bootstrap": 20, "random_state": 0},
        8,
    ),
    "rank_again": lambda: Recipe(
        cgraph.rank_again,
        {"result": studied(), "statistics": ["regions"],
         "limits": cgraph.Limits(max_parameters="1MB"), "space": Towers(), "n_jobs": 1},
        10,
    ),
    "read_graph": lambda: Recipe(cgraph.read_graph, {"path": graph_file(), "format": "json"}),
    "remove_dead": lambda: Recipe(cgraph.remove_dead, {"graph": program()}),
    "remove_identities": lambda: Recipe(
        cgraph.remove_identities, {"graph": program(), "views": True}
    ),
    "save_distances": lambda: Recipe(
        cgraph.save_distances,
        {"path": Path(tempfile.mkdtemp()) / "d.npy",
         **_distances(dtype="float32", condensed=True, tile=2)},
        4,
    ),
    "spaces.from_models": lambda: Recipe(
        spaces.from_models,
        {"models": {"a": model, "b": nn.ReLU}, "inputs": (8,), "name": "mine", "summary": "two"},
    ),
    "spaces.get": lambda: Recipe(spaces.get, {"name": "nasbench201"}),
    "spaces.resolve": lambda: Recipe(spaces.resolve, {"text": "nasbench201"}),
    "trace": lambda: Recipe(
        _trace,
        {"model": model(), "input": torch.zeros(4, 8), "depth": "operator", "fake": True},
        8,
    ),
    "write_graph": lambda: Recipe(
        cgraph.write_graph,
        {"graph": graphs()[0], "path": Path("graph.graphml"), "format": "graphml",
         "facts": {"cluster": 3, "score": 0.5}},
    ),
    **_of_space("towers"),
    **{key: row for name in SPACES for key, row in _of_space(name).items()},
}  # fmt: skip
