"""Analysis of search spaces of neural networks through their computational graphs.

A line of stages, each a plain function from one frozen value to the next: `trace` and `project` a
program, pack many into a `Population`, measure `pairwise_distances`, `cluster` them, `evaluate`
training-free statistics on a sample, `rank` the clusters. `Study` runs the whole line.

Names are loaded when they are first used, so importing cgraph is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cgraph import spaces as spaces
    from cgraph.clustering.cluster import cluster as cluster
    from cgraph.clustering.embedding import embed as embed
    from cgraph.clustering.landmarks import landmark_table as landmark_table
    from cgraph.clustering.result import Clustering as Clustering
    from cgraph.distances.disk import save_distances as save_distances
    from cgraph.distances.edit.costs import EditCosts as EditCosts
    from cgraph.distances.edit.exact import EditDistance as EditDistance
    from cgraph.distances.edit.exact import edit_distance as edit_distance
    from cgraph.distances.matrix import pairwise_distances as pairwise_distances
    from cgraph.distances.neighbours import landmarks as landmarks
    from cgraph.distances.neighbours import nearest as nearest
    from cgraph.errors import CGraphError as CGraphError
    from cgraph.export.graph_files import read_graph as read_graph
    from cgraph.export.graph_files import write_graph as write_graph
    from cgraph.export.study_files import export_study as export_study
    from cgraph.graphs.computational import ComputationalGraph as ComputationalGraph
    from cgraph.graphs.fusion import fold_batch_norm as fold_batch_norm
    from cgraph.graphs.fusion import fuse_activations as fuse_activations
    from cgraph.graphs.fusion import fused as fused
    from cgraph.graphs.kernel import KernelGraph as KernelGraph
    from cgraph.graphs.kernel import project as project
    from cgraph.graphs.passes import live as live
    from cgraph.graphs.passes import remove_dead as remove_dead
    from cgraph.graphs.passes import remove_identities as remove_identities
    from cgraph.graphs.population import Population as Population
    from cgraph.graphs.series import compact as compact
    from cgraph.graphs.tensor import adjacency_tensor as adjacency_tensor
    from cgraph.hardware.devices import Device as Device
    from cgraph.hardware.footprint import Footprint as Footprint
    from cgraph.hardware.footprint import footprint as footprint
    from cgraph.ranking.order import Ranking as Ranking
    from cgraph.ranking.order import rank as rank
    from cgraph.spaces.limits import Limits as Limits
    from cgraph.statistics.checkpoints import Checkpoints as Checkpoints
    from cgraph.statistics.evaluate import evaluate as evaluate
    from cgraph.statistics.measuring import measure as measure
    from cgraph.statistics.training import Training as Training
    from cgraph.study.again import rank_again as rank_again
    from cgraph.study.study import Study as Study
    from cgraph.study.study import load_study as load_study
    from cgraph.tracing.record import trace as trace

_HOMES = {
    "CGraphError": "cgraph.errors",
    "Checkpoints": "cgraph.statistics.checkpoints",
    "Clustering": "cgraph.clustering.result",
    "ComputationalGraph": "cgraph.graphs.computational",
    "Device": "cgraph.hardware.devices",
    "EditCosts": "cgraph.distances.edit.costs",
    "EditDistance": "cgraph.distances.edit.exact",
    "Footprint": "cgraph.hardware.footprint",
    "KernelGraph": "cgraph.graphs.kernel",
    "Limits": "cgraph.spaces.limits",
    "Population": "cgraph.graphs.population",
    "Ranking": "cgraph.ranking.order",
    "Study": "cgraph.study.study",
    "Training": "cgraph.statistics.training",
    "adjacency_tensor": "cgraph.graphs.tensor",
    "cluster": "cgraph.clustering.cluster",
    "compact": "cgraph.graphs.series",
    "edit_distance": "cgraph.distances.edit.exact",
    "embed": "cgraph.clustering.embedding",
    "evaluate": "cgraph.statistics.evaluate",
    "export_study": "cgraph.export.study_files",
    "fold_batch_norm": "cgraph.graphs.fusion",
    "footprint": "cgraph.hardware.footprint",
    "fuse_activations": "cgraph.graphs.fusion",
    "fused": "cgraph.graphs.fusion",
    "landmark_table": "cgraph.clustering.landmarks",
    "landmarks": "cgraph.distances.neighbours",
    "live": "cgraph.graphs.passes",
    "load_study": "cgraph.study.study",
    "measure": "cgraph.statistics.measuring",
    "nearest": "cgraph.distances.neighbours",
    "pairwise_distances": "cgraph.distances.matrix",
    "project": "cgraph.graphs.kernel",
    "rank": "cgraph.ranking.order",
    "rank_again": "cgraph.study.again",
    "read_graph": "cgraph.export.graph_files",
    "remove_dead": "cgraph.graphs.passes",
    "remove_identities": "cgraph.graphs.passes",
    "save_distances": "cgraph.distances.disk",
    "spaces": "",
    "trace": "cgraph.tracing.record",
    "write_graph": "cgraph.export.graph_files",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cgraph' has no attribute {name!r}")
    home = _HOMES[name]
    value = (
        getattr(importlib.import_module(home), name)
        if home
        else importlib.import_module(f"cgraph.{name}")
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
