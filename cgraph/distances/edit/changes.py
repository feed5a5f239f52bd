"""What changed in the tensors of the kernels that two programs share, beside the edit script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cgraph.distances.edit.script import EditOperation
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.tensors import KernelTensors, Shape, split_label

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "kind", "kernel", "target", "label", "cost", "text",
    "n_parameters", "parameter_bytes", "activation_bytes", "macs",
)  # fmt: skip

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


@dataclass(frozen=True, slots=True)
class SizeChange:
    """A kernel that both programs run, on tensors of other sizes.

    Parameters
    ----------
    kernel, target : int
        Its number in the first graph and in the second.
    name : str
        Its name in the first.
    before, after : KernelTensors
        Its tensors in the first program and in the second.
    cost : float
        What the change costs; 0 under costs that do not see sizes.
    label, new_label : str
        What it is in either program; equal, but for a kernel that is also replaced.
    """

    kernel: int
    target: int
    name: str
    before: KernelTensors
    after: KernelTensors
    cost: float
    label: str
    new_label: str

    @property
    def n_parameters(self) -> int:
        """Parameters that are read more; negative where fewer are."""
        return self.after.n_parameters - self.before.n_parameters

    @property
    def parameter_bytes(self) -> int:
        """Bytes of parameters that are read more."""
        return self.after.parameter_bytes - self.before.parameter_bytes

    @property
    def activation_bytes(self) -> int:
        """Bytes of values that are read and written more."""
        return self.after.activation_bytes - self.before.activation_bytes

    @property
    def macs(self) -> int:
        """Multiply-accumulates that are done more."""
        return self.after.macs - self.before.macs

    @property
    def text(self) -> str:
        """The change in words."""
        before, after = self._sides()
        renamed = "" if self.label == self.new_label else f"{self.new_label} "
        became = f"{before} became {renamed}{after}" if renamed or before != after else before
        amounts = [
            f"{self.n_parameters:+,} parameters" if self.n_parameters else "",
            _signed_bytes(self.parameter_bytes) if self.parameter_bytes else "",
            f"{self.macs:+,} MACs" if self.macs else "",
        ]
        told = ", ".join(filter(None, amounts))
        if not told:
            told = "other types" if before == after else "the same parameters and MACs"
        return f"{self.label} {became} at {self.name}: {told}"

    @property
    def shapes(self) -> str:
        """The sizes before and after, a line each."""
        return "\nnow ".join(self._sides())

    def _sides(self) -> tuple[str, str]:
        shared = _shared_head((self.before, self.after))
        return _spoken(self.before, shared), _spoken(self.after, shared)

    def __str__(self) -> str:
        return self.text


def split_script(
    operations: Sequence[EditOperation],
    graphs: tuple[KernelGraph, KernelGraph],
    mapping: Sequence[int | None],
    tensors: tuple[Sequence[KernelTensors | None], Sequence[KernelTensors | None]],
) -> tuple[tuple[EditOperation, ...], tuple[SizeChange, ...]]:
    """The edits of the structure, and the changes of sizes.

    Parameters
    ----------
    operations : sequence of EditOperation
        Edits between sized labels, or between labels alone.
    graphs : (KernelGraph, KernelGraph)
        From and to, with plain labels.
    mapping : sequence of (int or None)
        For each kernel of the first graph, the kernel of the second that it becomes.
    tensors : pair of sequences of (KernelTensors or None)
        Of the nodes of either graph; None of inputs and outputs.

    Returns
    -------
    operations : tuple of EditOperation
        What is left of the edits: they turn the first graph into the second.
    changes : tuple of SizeChange
        A row for each kernel that is kept and whose tensors differ, in order. What a kernel that
        is replaced costs stands with its replacement.
    """
    a, b = graphs
    costs = {edit.kernel: edit.cost for edit in operations if edit.kind == "replace"}
    changes = []
    for i, j in enumerate(mapping):
        if j is None:
            continue
        before, after = tensors[0][i], tensors[1][j]
        if before is not None and after is not None and before.digest != after.digest:
            label, new = a.labels[i], b.labels[j]
            cost = costs.get(i, 0.0) if label == new else 0.0
            changes.append(SizeChange(i, j, a.names[i], before, after, cost, label, new))
    kept = {change.kernel for change in changes if change.label == change.new_label}
    script = [
        _plain(edit) for edit in operations if not (edit.kind == "replace" and edit.kernel in kept)
    ]
    return tuple(script), tuple(changes)


def edit_table(operations: Sequence[EditOperation], changes: Sequence[SizeChange]) -> pd.DataFrame:
    """Edits and changes of sizes as one table; see `EditDistance.to_frame`."""
    import pandas as pd

    edits = [
        (edit.kind, edit.kernel, edit.target, edit.label, edit.cost, edit.text, *[None] * 4)
        for edit in operations
    ]
    sizes = [
        (
            "resize", c.kernel, c.target, c.new_label, c.cost, c.text,
            c.n_parameters, c.parameter_bytes, c.activation_bytes, c.macs,
        )
        for c in changes
    ]  # fmt: skip
    table = pd.DataFrame([*edits, *sizes], columns=list(_COLUMNS))
    whole = dict.fromkeys(("kernel", "target", *_COLUMNS[6:]), "Int64")
    return table.astype(whole | {"cost": "float64"})


def _plain(edit: EditOperation) -> EditOperation:
    """An edit in words without the amounts of its labels."""
    words = (split_label(word)[0] for word in edit.text.split(" "))
    label = None if edit.label is None else split_label(edit.label)[0]
    return replace(edit, label=label, text=" ".join(words))


def _shared_head(sides: Sequence[KernelTensors]) -> int:
    """1 where all shapes of both sides begin alike, as with one size of batch; else 0."""
    shapes = [shape for side in sides for shape in (*side.reads, *side.writes)]
    is_shared = all(len(shape) > 1 for shape in shapes) and len({s[0] for s in shapes}) == 1
    return int(is_shared)


def _spoken(tensors: KernelTensors, shared: int) -> str:
    read, written = (
        " and ".join("x".join(map(str, shape[shared:])) or "1" for shape in _distinct(shapes))
        for shapes in (tensors.reads, tensors.writes)
    )
    return f"{read} -> {written}".strip()


def _distinct(shapes: Sequence[Shape]) -> list[Shape]:
    return list(dict.fromkeys(shapes))


def _signed_bytes(n: int) -> str:
    size, unit = next(((s, u) for s, u in _UNITS if abs(n) >= s), _UNITS[-1])
    return f"{n / size:+.3g} {unit}"
