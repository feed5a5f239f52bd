"""One table of everything that reads bytes from files: a whole file, made small, and its reader.

A reader that is added here is fuzzed without a new test.
"""

import json
import pickle
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch

from cgraph.clustering.cluster import cluster
from cgraph.clustering.keeping import read_assigner, write_assigner
from cgraph.commands.cluster import _of_matrix
from cgraph.commands.rank import _read as read_rank_table
from cgraph.distances.disk import save_distances
from cgraph.export import data_sets, read_export, read_graph, to_data, write_graph
from cgraph.export.geometric import geometric
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.hardware.measured import read_measured
from cgraph.spaces.nasbench101 import official
from cgraph.spaces.nasbench101.space import NASBench101
from cgraph.spaces.nasbench201 import notation
from cgraph.spaces.nasbench201.space import NASBench201
from cgraph.spaces.nasbenchgraph import published, table
from cgraph.statistics.checkpoints import _loaded
from cgraph.statistics.store import DrawStore
from cgraph.statistics.values import Statistic
from cgraph.study.result import read_result
from cgraph.tracing.record import trace
from tests.spaces import nasbench201_files
from tests.spaces.nasbench101.test_official import row_of
from tests.spaces.nasbench101.test_official import write as write_runs

NB201, NB101 = NASBench201(), NASBench101()
ARCHITECTURES = list(notation.architectures()[:3])
KERNELS = KernelGraph(["relu", "conv2d", "add"], [(0, 1), (0, 2), (1, 2)], macs=[0, 9, 1])
COUNTS = np.array([[4, 0], [2, 2], [0, 1]])


@dataclass(frozen=True)
class Reader:
    """A reader of files.

    Parameters
    ----------
    name : str
        Which file, of what.
    file : str
        What the file is called that is broken, in a folder of its own.
    write : callable
        Writes a whole file, and what belongs beside it, given its path.
    read : callable
        Reads it again.
    share : float
        Part of the cases it is tried in: less than one for a reader that takes long.
    """

    name: str
    file: str
    write: Callable[[Path], object]
    read: Callable[[Path], Any]
    share: float = 1.0


def model():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())


def program():
    return trace(model().eval(), torch.empty(1, 1, 4, 4))


def write_program(path):
    torch.export.save(torch.export.export(model().eval(), (torch.ones(1, 1, 4, 4),)), path)


def write_onnx(path):
    import onnx
    from onnx import TensorProto, helper

    weight = onnx.numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    size = onnx.numpy_helper.from_array(np.array([0, -1]), "s")
    function = helper.make_function(
        "mine", "Twice", ["a"], ["b"],
        [helper.make_node("Relu", ["a"], ["m"]), helper.make_node("Relu", ["m"], ["b"])],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
         helper.make_node("Twice", ["c"], ["r"], domain="mine"),
         helper.make_node("Reshape", ["r", "s"], ["y"])],
        "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], initializer=[weight, size],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    path.write_bytes(
        helper.make_model(graph, functions=[function], opset_imports=opsets).SerializeToString()
    )


def write_data_set(path):
    items = []
    for k in range(3):
        data = to_data(KERNELS, ["add", "conv2d", "relu"])
        data.cluster, data.architecture = torch.tensor([k]), f"a{k}"
        items.append(data)
    geometric().InMemoryDataset.save(items, str(path))


def write_tensors(path):
    arrays = {"version": np.int64(1), "names": np.array(["a", "b"]), "vocabulary": np.array(["r"])}
    arrays |= {"indices": np.zeros((4, 2), np.uint8), "shape": np.array([2, 3, 3, 1])}
    np.savez_compressed(path, clusters=np.array([0, 1]), **arrays)


def architectures():
    return pd.DataFrame(
        {"name": [f"a{k}" for k in range(6)], "class": range(6), "cluster": [0, 0, 0, 1, 1, 1],
         "is_medoid": [True, False, False, True, False, False], "n_parameters": 9, "macs": 9,
         "x": 0.5, "y": 1.5, "usage:relu": 2}
    )  # fmt: skip


def statistics():
    rows = architectures()[["name", "cluster"]].copy()
    rows["statistic"], rows["protocol"], rows["value"] = "ntk", "ntk@full", [3.0, 4, 5, 6, 7, 8]
    rows["standard_error"], rows["n_draws"], rows["n_failures"] = 0.1, 3, 0
    rows["reason"], rows["note"], rows["weight"], rows["direction"] = None, "", 1, -1
    return rows


def write_study(path):
    configuration = {"space": "nasbench201", "method": "kmeans", "metric": "hellinger"}
    configuration |= {"seed": 0, "statistics": ["ntk"], "part": "cell"}
    record = {"configuration": configuration, "version": "0"}
    (path.parent / "study.json").write_text(json.dumps(record, indent=1))
    architectures().to_parquet(path.parent / "architectures.parquet", index=False)
    statistics().to_parquet(path.parent / "statistics.parquet", index=False)


def read_study(path):
    return repr(read_result(path.parent))


def write_table_json(path):
    record = {"name": "a", "class": 0, "usage": {"relu": 1}, "statistics": {"ntk@full": {
        "value": 1.0, "standard_error": None}}}  # fmt: skip
    columns = {"name": "text", "class": "whole", "usage:relu": "whole", "ntk@full": "number"}
    columns["ntk@full:standard_error"] = "number"
    head = {"format": "cgraph.study", "version": 1, "columns": columns, "clusters": []}
    path.write_text(json.dumps(head | {"architectures": [record, record]}))


def write_start_points(path):
    start = {"format": "cgraph.start-points", "version": 1, "space": "nasbench201", "options": {}}
    start |= {"choices": {"a": [1, 2]}, "enqueue_trial": [{"a": 1}], "architectures": ["x"]}
    path.write_text(json.dumps(start))


def write_graphs(path):
    write_graph(KERNELS, path.parent / "0.json")
    path.write_text("file,architecture\n0.json,a\n")


def write_joint(path):
    from cgraph.export.markup import graphml_of
    from cgraph.export.networks import to_network

    network = to_network(KERNELS)
    for node in network.nodes:
        network.nodes[node]["architecture"] = "a"
    path.write_text(graphml_of(network))


def write_store(path):
    with DrawStore(path) as store:
        for draw in range(3):
            value = Statistic(1.5, None, "ntk@full", note="fine")
            store.write("program", "gaussian", 0, draw, [(value, 0.1)])


def read_store(path):
    with DrawStore(path) as store:
        return store.read("program", "gaussian", 0), store.seconds()


def accuracies(**more):
    return pd.DataFrame({"arch": ARCHITECTURES, "accuracy": [50.0, 60.5, 70.25]} | more)


def write_json_accuracies(path):
    path.write_text(accuracies().set_index("arch")["accuracy"].to_json())


def latencies():
    return pd.DataFrame({"index": [0, 1, 2], "c10_raspi4_latency_ms": [10.5, 54.8, 60.0]})


def write_latencies(path):
    columns = {"raspi4_latency": [10.5, 54.8, 60.0], "edgegpu_energy": list(np.arange(3.0))}
    columns["config"] = [{"arch_str": "x"}]
    columns["fpga_latency"] = np.arange(3.0)
    path.write_bytes(pickle.dumps({"nasbench201": {"cifar10": columns}}, 2))


def write_analog(path):
    module = types.ModuleType("analognasbench.data")
    kind = type("Architecture", (), {"__module__": module.__name__})
    module.Architecture = kind
    known = {"analognasbench": types.ModuleType("analognasbench"), module.__name__: module}
    cell = kind()
    cell.baseline_accuracy = 90.0
    with mock.patch.dict(sys.modules, known):
        path.write_bytes(pickle.dumps({(0, 1, 2, 3, 4, 0): cell}))


def write_published(path):
    record = {"valid_perf": 0.5, "perf": 0.5, "latency": 0.1, "para": 1.0, "dur": [0.5] * 3}
    path.write_bytes(pickle.dumps(dict.fromkeys(table.places("cora"), record), 4))


def write_archive(**options):
    def write(path):
        content = nasbench201_files.whole([3], seeds=(777,), datasets=("cifar10",))
        nasbench201_files.write_pth(path, content, **options)

    return write


def write_packed(path):
    names = ("12", "200")
    content = nasbench201_files.whole([3], names=names, seeds=(777,), datasets=("cifar10",))
    nasbench201_files.write_pbz2(path, content)


def read_nb201(path):
    return NB201.accuracies(path, missing="allow")


def read_archive(path):
    return NB201.accuracies(path, "cifar10_test", missing="allow")


def write_matrices(path):
    rows = {"matrix": ["[[0, 1], [0, 0]]"], "operations": ["['input', 'output']"], "accuracy": 50.0}
    pd.DataFrame(rows).to_csv(path, index=False)


def write_records(path):
    write_runs(path, [row_of(45, run) for run in range(3)])


def write_rows(path):
    path.write_bytes(b"\n".join(row_of(45, run) for run in range(2)))


def read_rows(path):
    """Records of which only the contents are broken: checksums are right."""
    whole = path.with_suffix(".tfrecord")
    write_runs(whole, path.read_bytes().split(b"\n"))
    return official.official_runs(whole)


def write_distances(path):
    save_distances(path.with_name("d.npy"), COUNTS, tile=2, n_jobs=1)


def read_distances(path):
    return save_distances(path.with_name("d.npy"), COUNTS, tile=2, n_jobs=1)


def write_kept(path):
    population = Population([KERNELS, KernelGraph(["relu"], []), KernelGraph(["add"], [])])
    write_assigner(path, cluster(population, "kmeans", 2, random_state=0).assigner)


def as_table(make):
    """A table in a file, by its ending."""

    def write(path):
        if path.suffix == ".csv":
            make().to_csv(path, index=False)
        else:
            make().to_parquet(path, index=False)

    return write


def read_cora(path):
    return published.read_file(path, "cora")


GRAPHS = [
    Reader(f"read_graph {name}", f"a{ending}", lambda p: write_graph(program(), p), read_graph)
    for name, ending in (
        ("json", ".json"),
        ("node-link", ".node-link.json"),
        ("graphml", ".graphml"),
        ("gexf", ".gexf"),
        ("pyg", ".pt"),
    )
]
READERS = [
    *GRAPHS,
    Reader("read_graph json of kernels", "a.json", lambda p: write_graph(KERNELS, p), read_graph),
    Reader("read_graph pyg of kernels", "a.pt", lambda p: write_graph(KERNELS, p), read_graph),
    Reader("read_graph pt2", "a.pt2", write_program, read_graph, 0.2),
    Reader("read_graph onnx", "a.onnx", write_onnx, read_graph),
    Reader("read_export parquet", "a.parquet", as_table(architectures), read_export),
    Reader(
        "read_export csv", "a.csv", as_table(architectures), read_export
    ),
    Reader("read_export json", "a.json", write_table_json, read_export),
    Reader("read_export pyg", "a.pt", write_data_set, read_export),
    Reader("read_export npz", "a.npz", write_tensors, lambda p: data_sets.read_tensors(p).dense()),
    Reader("read_export list", "a.txt", lambda p: p.write_text("a\nb\n"), read_export),
    Reader("read_export optuna", "a.json", write_start_points, read_export),
    Reader("read_export index", "index.csv", write_graphs, lambda p: read_export(p.parent)),
    Reader("read_export graphml", "a.graphml", write_joint, read_export),
    Reader("load_study study.json", "study.json", write_study, read_study, 0.5),
    Reader("load_study architectures", "architectures.parquet", write_study, read_study, 0.5),
    Reader("load_study statistics", "statistics.parquet", write_study, read_study, 0.5),
    Reader("DrawStore", "draws.sqlite", write_store, read_store),
    Reader("read_measured pickle", "a.pickle", write_latencies, read_measured),
    Reader(
        "read_measured csv", "a.csv", as_table(latencies), read_measured
    ),
    Reader("read_measured parquet", "a.parquet", as_table(latencies), read_measured),
    Reader("accuracies csv", "a.csv", as_table(accuracies), read_nb201, 0.5),
    Reader("accuracies json", "a.json", write_json_accuracies, read_nb201, 0.5),
    Reader("accuracies parquet", "a.parquet", as_table(accuracies), read_nb201, 0.5),
    Reader("accuracies .pth", "a.pth", write_archive(), read_archive, 0.05),
    Reader("accuracies old .pth", "a.pth", write_archive(is_old=True), read_archive, 0.05),
    Reader("accuracies .pbz2", "a.pickle.pbz2", write_packed, read_archive, 0.05),
    Reader(
        "accuracies .anb", "a.anb", write_analog,
        lambda p: NB201.accuracies(p, "baseline_accuracy", missing="allow"),
    ),
    Reader("accuracies .bench", "a.bench", write_published, read_cora, 0.05),
    Reader(
        "accuracies matrices", "a.csv", write_matrices,
        lambda p: NB101.accuracies(p, missing="allow"), 0.1,
    ),
    Reader("nasbench .tfrecord", "a.tfrecord", write_records, official.official_runs, 0.5),
    Reader("nasbench record", "a.json", write_rows, read_rows, 0.5),
    Reader("save_distances matrix", "d.npy", write_distances, read_distances, 0.5),
    Reader("save_distances journal", "d.npy.journal", write_distances, read_distances, 0.5),
    Reader("checkpoint", "a.pt", lambda p: torch.save(model().state_dict(), p), _loaded),
    Reader("read_assigner", "a.npz", write_kept, lambda p: read_assigner(p, 2)),
    Reader(
        "cluster MATRIX", "a.npy", lambda p: np.save(p, np.ones((4, 4)) - np.eye(4)),
        lambda p: _of_matrix(p, "kmedoids", 2, 0, None), 0.2,
    ),
    Reader(
        "rank TABLE", "a.csv", as_table(statistics),
        lambda p: read_rank_table(p, "TABLE", ("name", "value")),
    ),
]  # fmt: skip
