"""What a study can be exported as: one table of formats, and the functions that use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.export import data_sets, schema, start_points, study_graphs, tables
from cgraph.export.studied import Chosen, GraphKind, Progress, Studied, choose
from cgraph.files.reading import reading
from cgraph.files.writing import whole_file
from cgraph.registry import Table

if TYPE_CHECKING:
    from cgraph.spaces.space import Space


@dataclass(frozen=True, slots=True)
class StudyFormat:
    """Something that a study can be exported as.

    Parameters
    ----------
    name : str
        What it is called.
    file_name : str
        What it is called in the directory of the study; without ending where it is a directory.
    write : callable
        Writes chosen architectures to a path, and reports its progress.
    read : callable
        Reads a path again.
    only : str
        Which architectures are meant by default; see `export_study`.
    summary : str
        What it is and whom it is for, in a line.
    limit : int, default=None
        How many architectures at most by default.
    is_by_rank : bool, default=False
        Whether the best cluster comes first, and not the order of the space.
    takes_graphs : bool, default=False
        Whether whole programs can be written in the place of kernel graphs.
    is_distinct : bool, default=False
        Whether they are different programs by default.
    """

    name: str
    file_name: str
    write: Callable[[Chosen, Path, Progress | None], None]
    read: Callable[[Path], Any]
    only: str
    summary: str
    limit: int | None = None
    is_by_rank: bool = False
    takes_graphs: bool = False
    is_distinct: bool = False


def _graphs(name: str, summary: str) -> StudyFormat:
    return StudyFormat(
        name,
        name,
        partial(study_graphs.write_graphs, name),
        partial(study_graphs.read_graphs, name=name),
        "representatives",
        summary,
        takes_graphs=True,
    )


def _searcher(name: str, summary: str) -> StudyFormat:
    return StudyFormat(
        name,
        f"{name}.json",
        partial(start_points.write_start_points, name),
        start_points.read_start_points,
        "best",
        summary,
        limit=16,
        is_by_rank=True,
        is_distinct=True,
    )


def write_list(chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write the strings of architectures, in the notation of their space, one a line."""
    with whole_file(path) as temporary:
        temporary.write_text("".join(f"{name}\n" for name in chosen.names), encoding="utf-8")
    if progress is not None:
        progress(len(chosen), len(chosen))


def read_list(path: Path) -> list[str]:
    """Strings of architectures, one a line."""
    return path.read_text(encoding="utf-8").splitlines()


STUDY_FORMATS: Table[StudyFormat] = Table(
    "format",
    [
        StudyFormat(
            "parquet",
            "architectures.parquet",
            tables.write_parquet,
            tables.read_parquet,
            "all",
            "table of all that is known of each architecture, for pandas, polars, DuckDB",
        ),
        StudyFormat(
            "csv",
            "architectures.csv",
            tables.write_csv,
            tables.read_csv,
            "all",
            "the same table as text",
        ),
        StudyFormat(
            "json",
            "architectures.json",
            tables.write_json,
            tables.read_json,
            "all",
            "the same with the clusters, and the schema beside it",
        ),
        _graphs("graphml", "graphs for networkx, yEd, Cytoscape, Gephi; facts as attributes"),
        _graphs("gexf", "graphs for Gephi; facts on every node"),
        _graphs("node-link", "graphs as JSON of nodes and edges, for networkx and D3"),
        _graphs("dot", "graphs for Graphviz, to look at"),
        StudyFormat(
            "pyg",
            "data_set.pt",
            data_sets.write_data_set,
            data_sets.read_data_set,
            "representatives",
            "InMemoryDataset of PyTorch Geometric; cluster and statistics are targets",
        ),
        StudyFormat(
            "npz",
            "tensors.npz",
            data_sets.write_tensors,
            data_sets.read_tensors,
            "representatives",
            "adjacency tensors as a NumPy archive",
        ),
        StudyFormat(
            "list",
            "architectures.txt",
            write_list,
            read_list,
            "best",
            "architectures in the notation of their space, one a line",
            is_distinct=True,
        ),
        _searcher("optuna", "start points for Optuna's enqueue_trial"),
        _searcher("ray", "start points for Ray Tune's points_to_evaluate"),
    ],
)

EXPORTS = "exports"


def export_study(
    result: Studied,
    path: str | Path | None = None,
    *,
    to: str,
    only: str | None = None,
    limit: int | None = None,
    distinct: bool | None = None,
    graphs: GraphKind = "kernel",
    space: Space | str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Hand a study on to another tool.

    Parameters
    ----------
    result : StudyResult
        A study that has run, as `Study.run` and `cgraph.load_study` give it.
    path : path, optional
        The file or directory to write; by default one in "exports" of the directory of the study.
        Graphs go into a directory with a file for each; a path with an ending (.graphml, .gexf,
        .json) makes one file in which they stand side by side.
    to : str
        What it becomes; a name of `STUDY_FORMATS`: "parquet", "csv", "json", "graphml", "gexf",
        "node-link", "dot", "pyg", "npz", "list", "optuna" or "ray".
    only : str, optional
        Which architectures: "all"; "evaluated"; "medoids"; "representatives" (both of these);
        "best", the members of the cluster in first place; "cluster 3". By default all for
        tables, the representatives for graphs, and the best cluster for lists and start points.
    limit : int, optional
        How many at most, drawn at random by the seed of the study; 16 for start points by
        default.
    distinct : bool, optional
        Whether they are different programs: those of a cluster its medoid first, then the
        farthest. By default so for lists and start points, and not for tables and graphs.
    graphs : {"kernel", "computational"}, default="kernel"
        Which graph of an architecture: the labelled kernels that were clustered, or the whole
        program with its memories. For formats of graphs.
    space : Space or str, optional
        The space, or what `cgraph.spaces.resolve` reads as one, where it neither ships nor comes
        with an installed package; it has to be the one that was studied.
    progress : callable, optional
        Called with the architectures that are done, and how many there are.

    Returns
    -------
    Path
        What was written; `read_export` reads it.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    ArgumentError
        If an option does not fit the study or the format.
    """
    kind = STUDY_FORMATS[to]
    hint = "load_study(directory) reads one"
    fields = ("directory", "configuration", "architectures", "statistics", "ranking")
    checks.having("result", result, fields, "be the result of a study", hint)
    if not isinstance(graphs, str) or (graphs != "kernel" and not kind.takes_graphs):
        raise ArgumentError("graphs", f"be 'kernel' for {to}", checks.came(graphs))
    if progress is not None:
        checks.function("progress", progress)
    chosen = choose(
        result,
        kind.only if only is None else checks.text("only", only),
        limit=kind.limit if limit is None else limit,
        by_rank=kind.is_by_rank,
        distinct=kind.is_distinct if distinct is None else distinct,
        graphs=graphs,
        space=space,
    )
    default = result.directory / EXPORTS / kind.file_name
    target = default if path is None else checks.path("path", path)
    target.parent.mkdir(parents=True, exist_ok=True)
    kind.write(chosen, target, progress)
    return target


def read_export(path: str | Path, to: str | None = None) -> Any:
    """What `export_study` wrote.

    Parameters
    ----------
    path : path
        The file or directory.
    to : str, optional
        What it is, a name of `STUDY_FORMATS`. By its ending by default; a directory holds graphs,
        and a .json says itself what it is.

    Returns
    -------
    object
        A DataFrame for tables; a dict from architecture to graph for graphs; an
        `InMemoryDataset`; a `TensorArchive`; a list of strings; `StartPoints`.

    Raises
    ------
    ArgumentError
        If there is no such path, or nothing tells what it is.
    """
    path = checks.path("path", path)
    if not path.exists():
        raise ArgumentError("path", "be a file or directory that is there", repr(str(path)))
    read = study_graphs.read_graphs if to is None and path.is_dir() else _format(path, to).read
    with reading(path, "be whole, as export_study wrote it"):
        return read(path)


def _format(path: Path, to: str | None) -> StudyFormat:
    """The format of a file, by its name or by what it says itself."""
    if to is not None:
        return STUDY_FORMATS[to]
    if path.suffix == ".json":
        with reading(path, "be JSON that export_study wrote"):
            return STUDY_FORMATS[_kind_of_json(path)]
    endings = {Path(kind.file_name).suffix: kind for kind in STUDY_FORMATS.values()}
    endings |= {".graphml": STUDY_FORMATS["graphml"], ".gexf": STUDY_FORMATS["gexf"]}
    if path.suffix not in endings:
        known = ", ".join(ending for ending in endings if ending)
        raise ArgumentError("path", f"end in one of {known}", repr(path.name), "or give `to`")
    return endings[path.suffix]


def _kind_of_json(path: Path) -> str:
    """Name of the format of a JSON file, by how it begins."""
    with path.open(encoding="utf-8") as file:
        head = file.read(400)
    if f'"{start_points.FORMAT}"' in head:
        return "optuna"
    return "json" if f'"{schema.FORMAT}"' in head else "node-link"
