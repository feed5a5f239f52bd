"""Models that a command line names, captured one by one or by libraries, to be set side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from cgraph.commands.console import err, progress_of_stages
from cgraph.commands.programs import read_program
from cgraph.errors import CaptureError
from cgraph.spaces.capture_store import CaptureStore
from cgraph.spaces.traced import TracedSpace
from cgraph.spaces.zoo import PREFIX, ZooSpace, zoo_of

if TYPE_CHECKING:
    from torch import nn

    from cgraph.graphs.kernel import KernelGraph
    from cgraph.report.models import ModelMap

OWN = "given"


@final
class GivenSpace(TracedSpace):
    """Programs, as a command line writes them, as a space."""

    name, summary, source = OWN, "programs that were given", "the command line"

    def __init__(self, programs: Sequence[str], inputs: Sequence[str]) -> None:
        self.input_shapes = {"full": ()}
        self._programs = tuple(dict.fromkeys(programs))
        self.reader = partial(_read, inputs=tuple(inputs))

    def architectures(self) -> tuple[str, ...]:
        """The programs, as they were written."""
        return self._programs

    def build(self, arch: str, skeleton: str) -> nn.Module:
        """None is built: programs are read."""
        raise NotImplementedError(arch, skeleton)


def _read(text: str, *, inputs: tuple[str, ...]) -> Any:
    from cgraph.commands.diff import inputs_of

    return read_program(text, inputs_of(text, list(inputs)))


def read_map(
    sources: Sequence[str],
    inputs: Sequence[str],
    *,
    directory: Path | None,
    n_jobs: int,
    n_clusters: int | None = None,
) -> ModelMap:
    """Capture models and set them side by side.

    Parameters
    ----------
    sources : sequence of str
        The models and libraries.
    inputs : sequence of str
        Shapes of the inputs of models that have none of their own.
    directory : Path or None
        Where what is captured of libraries is kept, and found again.
    n_jobs : int
        Number of processes.
    n_clusters : int, optional
        Number of clusters.

    Raises
    ------
    ArgumentError
        If fewer than two can be captured.
    """
    from cgraph.graphs.population import Population
    from cgraph.report.models import map_models

    spaces: list[TracedSpace] = [zoo_of(s) for s in sources if s.startswith(PREFIX)]
    given = [s for s in sources if not s.startswith(PREFIX)]
    if given:
        spaces.append(GivenSpace(given, inputs))
    graphs: dict[str, KernelGraph] = {}
    families: dict[str, str] = {}
    numbers: list[tuple[int, int, str]] = []
    failures: list[tuple[str, str]] = []
    with progress_of_stages() as progress:
        for space in spaces:
            report = partial(progress, space.name)
            try:
                found = _captured(space, directory, n_jobs, report)
            except CaptureError as error:
                failures += error.failures
                continue
            failures += found.failures
            own = space.families() if isinstance(space, ZooSpace) else {}
            sizes, names = found.sizes(), found.architectures()
            programs = found.programs()
            for i, graph in enumerate(found.population("network")):
                name = names[i] if names[i] not in graphs else f"{space.name}:{names[i]}"
                if name in graphs:
                    continue
                graphs[name] = graph
                families[name] = own.get(names[i], OWN)
                first = f"{space.name}:{names[programs[i]]}"
                numbers.append((int(sizes["n_parameters"][i]), int(sizes["macs"][i]), first))
    for name, reason in failures:
        err.print(f"{name}: {reason}", markup=False, highlight=False, soft_wrap=True)
    stands: dict[str, int] = {}
    programs_of = [stands.setdefault(first, i) for i, (*_, first) in enumerate(numbers)]
    return map_models(
        Population(list(graphs.values()), list(graphs)),
        families=families,
        n_parameters=[n for n, _, _ in numbers],
        macs=[n for _, n, _ in numbers],
        programs=np.array(programs_of, dtype=np.int64).tolist(),
        failures=failures,
        n_clusters=n_clusters,
    )


def _captured(
    space: TracedSpace, directory: Path | None, n_jobs: int, progress: Any
) -> TracedSpace:
    capture = partial(space.capture, n_jobs=n_jobs, progress=progress, skip_failures=True)
    if directory is None or not isinstance(space, ZooSpace):
        return capture()  # files may have changed: they are read again
    directory.mkdir(parents=True, exist_ok=True)
    with CaptureStore(directory / "captured.sqlite", space) as store:
        return capture(store=store)
