"""A computational graph in, what it computes or stores for nothing out.

Each kind of finding is one function from the graph to findings, in one table. All but the last
kind are waste: without it the program returns the same. What a finding says is true of the run
that was captured: another input, or train mode, may read what this one does not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from cgraph import checks
from cgraph.graphs.computational import ComputationalGraph, Memory, check_sized
from cgraph.graphs.labels import family_of
from cgraph.graphs.numbering import first_of_equals
from cgraph.graphs.passes import Relations
from cgraph.registry import Table

if TYPE_CHECKING:
    import pandas as pd

# Memories that are there before a program runs and after it: a write to one is an effect.
_GIVEN = frozenset({"input", "parameter", "buffer", "constant"})
# Conversions of the type of numbers.
_CASTS = frozenset({"to", "type_as"})
# Which share of the peak the activations that are named hold together, at least.
_PEAK_SHARE = 0.9
# Columns of the table of findings.
COLUMNS = ("kind", "scope", "bytes", "macs", "text")
# What has less than this share of all there is of its kind is passed over.
LEAST_SHARE = 0.001
# The number of a module in a stack.
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a program computes or stores for nothing, or that sets its peak memory.

    Parameters
    ----------
    kind : str
        Name of the kind, see `CHECKS`.
    scope : str
        Dotted name of the module it is in; "" for the model itself.
    bytes : int
        Bytes that it stores or writes, as captured.
    macs : int
        Multiply-accumulate operations that it takes.
    text : str
        What it is, in a sentence.
    kernels : tuple of str, default=()
        Names of its kernels, in the order they ran.
    memories : tuple of str, default=()
        Names of its memories.
    """

    kind: str
    scope: str
    bytes: int
    macs: int
    text: str
    kernels: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()

    @property
    def is_waste(self) -> bool:
        """Whether the program would return the same without it."""
        return CHECKS[self.kind].is_waste


@dataclass(frozen=True, slots=True)
class Check:
    """A kind of finding.

    Parameters
    ----------
    name : str
        What it is called.
    summary : str
        What is found, in a line.
    function : callable
        From the graph, prepared, to its findings.
    is_waste : bool
        Whether the program would return the same without what is found.
    """

    name: str
    summary: str
    function: Callable[[_Facts], Iterable[Finding]]
    is_waste: bool


@dataclass(frozen=True, slots=True, repr=False)
class Audit:
    """The findings of a program, kind by kind in the order of `CHECKS`, the largest first.

    Parameters
    ----------
    findings : tuple of Finding
        All of them.
    name : str, default=""
        What the program is called.
    """

    findings: tuple[Finding, ...]
    name: str = ""

    @property
    def waste(self) -> tuple[Finding, ...]:
        """The findings without which the program would return the same."""
        return tuple(finding for finding in self.findings if finding.is_waste)

    def to_frame(self) -> pd.DataFrame:
        """One row a finding, with the columns kind, scope, bytes, macs and text."""
        import pandas as pd

        rows = [[getattr(finding, column) for column in COLUMNS] for finding in self.findings]
        return pd.DataFrame(rows, columns=pd.Index(COLUMNS))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        lines = [f"{f.kind}, {f.scope or 'the model itself'}: {f.text}" for f in self.findings]
        if not self.waste:
            lines.insert(0, "Nothing is computed or stored for nothing.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        counts = Counter(finding.kind for finding in self.findings)
        return f"Audit({', '.join(f'{kind}: {n}' for kind, n in counts.items()) or 'nothing'})"


def audit(graph: ComputationalGraph, *, least_share: float = LEAST_SHARE) -> Audit:
    """What a program computes or stores for nothing, and what sets its peak memory.

    Parameters
    ----------
    graph : ComputationalGraph
        A program as captured, at the depth of operators: passes cut what is looked for here.
    least_share : float, default=0.001
        What has a smaller share than this of the parameters, of the bytes that the program writes
        and of its MACs is passed over; 0 shows all.

    Returns
    -------
    Audit
        Findings of the kinds of `CHECKS`. The same finding in modules that differ in their
        number only, as the layers of a stack do, is one, with "*" in the place of the number.

    Raises
    ------
    ArgumentError
        If `least_share` is not between 0 and 1.
    GraphError
        If sizes of the graph are not known.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (1, 8), "float32", 32),
    ...      Memory("spare.weight", "parameter", (8, 8), "float32", 256, "spare"),
    ...      Memory("y", "output", (1, 8), "float32", 32)],
    ...     [Kernel("relu", "relu")], [(0, 0)], [(0, 2)], [2])
    >>> print(audit(graph).waste[0].text)
    64 parameters never read (spare.weight)
    """
    least_share = checks.number("least_share", least_share, 0, 1)
    facts = _Facts(graph)
    found: list[Finding] = []
    for check in CHECKS.values():
        its = list(check.function(facts))
        if check.is_waste:
            its = [f for f in _of_stacks(its) if facts.share_of(f) >= least_share]
        found += sorted(its, key=lambda f: (-f.macs, -f.bytes))
    return Audit(tuple(found), graph.name)


def _of_stacks(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, those that say the same of modules that are numbered as one."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for f in findings:
        alike.setdefault((f.kind, _NUMBER.sub("*", f.scope), f.text), []).append(f)
    return [
        its[0] if len(its) == 1 else _together(scope, its) for (_, scope, _), its in alike.items()
    ]


def _together(scope: str, findings: Sequence[Finding]) -> Finding:
    first = findings[0]
    return replace(
        first,
        scope=scope if len({f.scope for f in findings}) > 1 else first.scope,
        bytes=sum(f.bytes for f in findings),
        macs=sum(f.macs for f in findings),
        text=f"{first.text}; {len(findings):,} times",
        kernels=tuple(name for f in findings for name in f.kernels),
        memories=tuple(name for f in findings for name in f.memories),
    )


class _Facts:
    """What the checks ask of a graph."""

    def __init__(self, graph: ComputationalGraph) -> None:
        for memory in graph.memories:
            check_sized(memory)
        self.macs = graph.macs  # raises where those of a kernel are not known
        self.graph = graph
        self.table = Relations(graph)
        self.roots: list[int] = []
        for m, memory in enumerate(graph.memories):
            self.roots.append(m if memory.base is None else self.roots[memory.base])
        self.is_live = self._live_kernels()
        self.written_bytes = self.bytes_of(range(len(graph.kernels)))

    def _live_kernels(self) -> list[bool]:
        """Whether an output, an effect or a look of the program at a value needs each kernel."""
        graph, table = self.graph, self.table
        needed = set(graph.outputs)
        is_live = [False] * len(graph.kernels)
        for k in range(len(graph.kernels) - 1, -1, -1):
            is_live[k] = (
                bool(graph.kernels[k].attributes.get("asked"))
                or not needed.isdisjoint(table.writes[k])
                or any(self.is_effect(m) for m in table.writes[k])
            )
            if is_live[k]:
                needed.update(table.reads[k])
        return is_live

    def is_effect(self, m: int) -> bool:
        """Whether to write a memory changes what is there before and after the program."""
        memories = self.graph.memories
        return memories[m].alias == "version" and memories[self.roots[m]].kind in _GIVEN

    def bytes_of(self, kernels: Iterable[int]) -> int:
        """Bytes that kernels write into memory of their own."""
        return sum(self.graph.memories[m].bytes for k in kernels for m in self.table.writes[k])

    def finding(self, kind: str, kernels: Sequence[int], text: str) -> Finding:
        """A finding about kernels."""
        its = [self.graph.kernels[k] for k in kernels]
        return Finding(
            kind,
            _common_scope([kernel.scope for kernel in its]),
            self.bytes_of(kernels),
            sum(kernel.macs for kernel in its),
            text,
            tuple(kernel.name for kernel in its),
            tuple(self.graph.memories[m].name for k in kernels for m in self.table.writes[k]),
        )

    def share_of(self, finding: Finding) -> float:
        """The part of the parameters, of what is written, or of the MACs that a finding has."""
        whole = self.written_bytes if finding.kernels else self.graph.parameter_bytes
        of_bytes = finding.bytes / whole if whole else 0.0
        return max(of_bytes, finding.macs / self.macs if self.macs else 0.0)

    def parts(self, kernels: Iterable[int]) -> list[list[int]]:
        """Kernels that hang together by what one writes and another reads, ascending."""
        parts: dict[int, list[int]] = {}
        part_of: dict[int, int] = {}
        for k in sorted(kernels):
            parts[k], part_of[k] = [k], k
            for m in self.table.reads[k]:
                other = part_of.get(self.table.writer.get(m, -1))
                if other is not None and other != part_of[k]:
                    moved = parts.pop(part_of[k])
                    parts[other] += moved
                    part_of.update(dict.fromkeys(moved, other))
        return [sorted(part) for part in parts.values()]


def _unread_parameters(facts: _Facts) -> Iterator[Finding]:
    memories, table = facts.graph.memories, facts.table
    used, touched = {facts.roots[m] for m in facts.graph.outputs}, set()
    for m, readers in table.readers.items():
        touched.add(facts.roots[m])
        if any(facts.is_live[k] for k in readers):
            used.add(facts.roots[m])
    own = [m for m, p in enumerate(memories) if p.kind == "parameter" and p.base is None]
    n_below: Counter[str] = Counter()  # of the parameters of a module and of those in it
    for m in own:
        n_below.update(_with_parents(memories[m].scope))
    unread = [m for m in own if m not in used]
    n_unread: Counter[str] = Counter()
    for m in unread:
        n_unread.update(_with_parents(memories[m].scope))
    groups: dict[str, list[int]] = {}
    for m in unread:
        whole = [s for s in _with_parents(memories[m].scope) if n_unread[s] == n_below[s]]
        groups.setdefault(whole[0] if whole else memories[m].scope, []).append(m)
    for scope, its in groups.items():
        yield _of_parameters(scope, [memories[m] for m in its], touched.isdisjoint(its))


def _of_parameters(scope: str, parameters: Sequence[Memory], is_never_read: bool) -> Finding:
    n = sum(math.prod(p.shape) for p in parameters)
    name = parameters[0].name.removeprefix(f"{scope}.")
    which = name if len(parameters) == 1 else f"{len(parameters):,} tensors"
    how = "never read" if is_never_read else "do not reach the output"
    return Finding(
        "unread parameters",
        scope,
        sum(p.bytes for p in parameters),
        0,
        f"{n:,} parameter{'s' if n != 1 else ''} {how} ({which})",
        memories=tuple(p.name for p in parameters),
    )


def _dropped_results(facts: _Facts) -> Iterator[Finding]:
    for part in facts.parts(k for k, is_live in enumerate(facts.is_live) if not is_live):
        text = f"{_listed(facts, part)}: no output depends on the result"
        yield facts.finding("dropped result", part, text)


def _repeated_work(facts: _Facts) -> Iterator[Finding]:
    first = first_of_equals(facts.graph)
    again = [k for k, f in enumerate(first) if f != k and facts.is_live[k]]
    made_of_nothing = {k for k in again if not facts.table.reads[k]}
    groups: dict[tuple[int, ...], list[int]] = {}
    for part in facts.parts(again):
        groups.setdefault(tuple(sorted({first[k] for k in part})), []).extend(part)
    for originals, copies in groups.items():
        if made_of_nothing.issuperset(copies):
            continue  # zeros for two states: nothing is read, and nothing was computed
        times = 1 + max(Counter(first[k] for k in copies).values())
        how_often = "twice" if times == 2 else f"{times:,} times"
        text = f"{_listed(facts, originals)} of equal values {how_often}"
        scopes = {facts.graph.kernels[k].scope for k in originals}
        if scopes.isdisjoint(facts.graph.kernels[k].scope for k in copies):
            where = _common_scope([facts.graph.kernels[k].scope for k in originals])
            text += f", first in {where or 'the model itself'}"
        yield facts.finding("repeated work", sorted(copies), text)


def _casts_and_back(facts: _Facts) -> Iterator[Finding]:
    graph, table = facts.graph, facts.table
    for back, kernel in enumerate(graph.kernels):
        if kernel.operation not in _CASTS or not facts.is_live[back]:
            continue
        between, reader, is_only = table.reads[back][0], back, True
        while True:
            is_only &= table.readers[between] == [reader] and between not in table.returned
            there = table.writer.get(between)
            if there is None or not _is_view(facts, there):
                break
            between, reader = table.reads[there][0], there
        if there is None or graph.kernels[there].operation not in _CASTS:
            continue
        source, target = (
            graph.memories[table.reads[there][0]],
            graph.memories[table.writes[back][0]],
        )
        middle = graph.memories[between]
        if source.dtype != target.dtype or source.dtype == middle.dtype:
            continue
        is_exact = _holds(middle.dtype, source.dtype)
        if not is_exact and not (_is_float(source.dtype) and _is_float(middle.dtype)):
            continue  # a number made whole, or a test of being zero
        what = "gives what was there" if is_exact else f"only rounds it to {middle.dtype}"
        text = f"{source.dtype} to {middle.dtype} and back {what}"
        yield facts.finding("cast and back", [there, back] if is_only else [back], text)


def _peak_activations(facts: _Facts) -> Iterator[Finding]:
    """What is held at the peak, in the order that the program ran in, the largest first."""
    held, step = _held_at_peak(facts)
    peak = sum(size for _, size in held)
    so_far = 0
    for m, size in sorted(held, key=lambda row: -row[1]):
        if so_far >= _PEAK_SHARE * peak:
            return
        so_far += size
        memory = facts.graph.memories[m]
        while_ = f"while {facts.graph.kernels[step].name} runs" if step is not None else "at first"
        shape = "x".join(map(str, memory.shape)) or "a number"
        text = f"{shape} {memory.dtype}, {size / peak:.0%} of the peak of {peak:,} bytes, {while_}"
        yield Finding("peak memory", memory.scope, size, 0, text, memories=(memory.name,))


def _held_at_peak(facts: _Facts) -> tuple[list[tuple[int, int]], int | None]:
    """Storages with their bytes at the peak, and the kernel that runs then; None before any."""
    graph, table = facts.graph, facts.table
    counted = [m for m, r in enumerate(facts.roots) if m == r]
    counted = [m for m in counted if graph.memories[m].kind not in _GIVEN - {"input"}]
    size = dict.fromkeys(counted, 0)
    for m, memory in enumerate(graph.memories):
        if facts.roots[m] in size:
            size[facts.roots[m]] += memory.bytes
    birth = {m: len(graph.kernels) for m in counted}
    death = dict.fromkeys(counted, -1)
    for k in range(len(graph.kernels)):
        for m in {facts.roots[m] for m in (*table.reads[k], *table.writes[k])} & size.keys():
            birth[m], death[m] = min(birth[m], k), k
    for m in counted:
        if graph.memories[m].kind == "input":
            birth[m] = -1
    death.update({facts.roots[m]: len(graph.kernels) for m in graph.outputs})
    change = [0] * (len(graph.kernels) + 2)
    for m in counted:
        change[birth[m] + 1] += size[m]
        change[death[m] + 2 if death[m] < len(graph.kernels) else -1] -= size[m]
    over_time = list(accumulate(change))[:-1]
    step = max(range(len(over_time)), key=over_time.__getitem__) - 1
    held = [(m, size[m]) for m in counted if birth[m] <= step <= death[m]]
    return held, step if step >= 0 else None


CHECKS: Table[Check] = Table(
    "kind of finding",
    [
        Check("unread parameters", "parameters that reach no output", _unread_parameters, True),
        Check("dropped result", "kernels that no output depends on", _dropped_results, True),
        Check("repeated work", "the same kernels on equal values again", _repeated_work, True),
        Check("cast and back", "a type of numbers there and back", _casts_and_back, True),
        Check("peak memory", "activations held at the peak", _peak_activations, False),
    ],
)


def _listed(facts: _Facts, kernels: Sequence[int]) -> str:
    """Operations of kernels that move or compute something, or of all where none does."""
    names = [k for k in kernels if facts.bytes_of([k]) or facts.graph.kernels[k].macs] or kernels
    counts = Counter(facts.graph.kernels[k].operation for k in names)
    words = [name if n == 1 else f"{n} {name}" for name, n in counts.items()]
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")


def _is_view(facts: _Facts, k: int) -> bool:
    """Whether a kernel rearranges one memory and nothing else."""
    return (
        family_of(facts.graph.kernels[k].operation) == "movement"
        and facts.graph.kernels[k].operation not in _CASTS
        and len(facts.table.reads[k]) == len(facts.table.writes[k]) == 1
    )


def _with_parents(scope: str) -> list[str]:
    """A dotted name and those of the modules it is in, from the model itself down."""
    parts = scope.split(".") if scope else []
    return [".".join(parts[:n]) for n in range(len(parts) + 1)]


def _common_scope(scopes: Sequence[str]) -> str:
    split = [scope.split(".") for scope in scopes]
    levels = takewhile(lambda names: len(set(names)) == 1, zip(*split, strict=False))
    return ".".join(names[0] for names in levels)


def _is_float(dtype: str) -> bool:
    return "float" in dtype


# Bits that hold the whole numbers that a type has exactly.
_WHOLE_BITS = {"bool": 1, "uint8": 8, "int8": 7, "int16": 15, "int32": 31, "int64": 63}
_WHOLE_BITS |= {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
_WIDER_FLOATS = {
    "float16": ("float32", "float64"),
    "bfloat16": ("float32", "float64"),
    "float32": ("float64",),
}


def _holds(wide: str, narrow: str) -> bool:
    """Whether every number of a type is one of another type."""
    if _is_float(narrow):
        return wide in _WIDER_FLOATS.get(narrow, ())
    if not {wide, narrow} <= _WHOLE_BITS.keys() or (narrow[0] == "i" and wide[0] == "u"):
        return False
    return wide != "bool" and _WHOLE_BITS[wide] >= _WHOLE_BITS[narrow]
