"""The spaces that ship and those that packages bring, by name.

A package brings a space by an entry point in the group "cgraph.spaces": its name is that of the
space, and what it points to is the class, or a space. Nothing is loaded before it is asked for,
and a package whose space cannot be loaded takes nothing away from the others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata, util
from typing import Any

from cgraph import checks
from cgraph.errors import ArgumentError, CGraphError, UnknownNameError
from cgraph.registry import Table
from cgraph.spaces.space import Space

GROUP = "cgraph.spaces"


@dataclass(frozen=True, slots=True)
class SpaceRecord:
    """A space that ships.

    Parameters
    ----------
    name : str
        What it is called.
    home : str
        Where its class is, as "module:name".
    n_architectures : int
        How many architectures it has.
    summary : str
        What it holds, in a line.
    source : str
        Whose it is.
    needs : tuple of str, default=()
        Modules that it cannot do without, beyond what cgraph depends on.
    accuracies_need : tuple of str, default=()
        Modules that hold its published accuracies; all else works without them.
    extra : str, default=""
        The extra of cgraph that installs either.
    """

    name: str
    home: str
    n_architectures: int
    summary: str
    source: str
    needs: tuple[str, ...] = ()
    accuracies_need: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, slots=True)
class SpaceInfo:
    """What is known of a space without running anything of it, as far as that goes.

    Parameters
    ----------
    name : str
        What `get` calls it.
    n_architectures : int or None
        How many architectures it has; None where nobody knows, or it cannot be loaded.
    summary : str
        What it holds, in a line.
    source : str
        Whose it is.
    provider : str
        The package that brings it.
    problem : str
        Why it cannot be used, and what to do; "" where it can.
    remark : str, default=""
        What of it cannot be used, and what to do; "" where all can.
    """

    name: str
    n_architectures: int | None
    summary: str
    source: str
    provider: str
    problem: str
    remark: str = ""


SPACES: Table[SpaceRecord] = Table(
    "space",
    [
        SpaceRecord(
            "nasbench101",
            "cgraph.spaces.nasbench101.space:NASBench101",
            423_624,
            "cells of at most 7 vertices and 9 edges, 3 operations",
            "Ying et al., 2019, NAS-Bench-101, ICML",
        ),
        SpaceRecord(
            "nasbench201",
            "cgraph.spaces.nasbench201.space:NASBench201",
            15_625,
            "cells of 4 nodes and 6 edges, 5 operations",
            "Dong and Yang, 2020, NAS-Bench-201, ICLR",
        ),
        SpaceRecord(
            "nasbenchgraph",
            "cgraph.spaces.nasbenchgraph.space:NASBenchGraph",
            26_206,
            "graph neural networks of 4 operations in a tree, 9 operations, 9 data sets",
            "Qin et al., 2022, NAS-Bench-Graph, NeurIPS",
            accuracies_need=("nas_bench_graph",),
            extra="nasbenchgraph",
        ),
        SpaceRecord(
            "darts",
            "cgraph.spaces.darts.space:Darts",
            1_076_746_950_455_072_400,
            "a normal and a reduction cell of 4 nodes with 2 inputs each, 7 operations",
            "Liu, Simonyan and Yang, 2019, DARTS, ICLR",
        ),
        SpaceRecord(
            "mobilenetv3",
            "cgraph.spaces.mobilenetv3.space:MobileNetV3",
            21_758_655_492_572_485_851,
            "5 units of 2 to 4 inverted bottlenecks, 3 kernels and 3 expansions each",
            "Cai et al., 2020, Once-for-All, ICLR",
        ),
        SpaceRecord(
            "autoformer",
            "cgraph.spaces.autoformer.space:AutoFormer",
            280_804_921_344,
            "vision transformers: 3 widths, 3 depths, heads and MLP ratio of each layer",
            "Chen et al., 2021, AutoFormer, ICCV",
        ),
    ],
)


def get(name: str, **options: Any) -> Space:
    """A search space, by its name.

    Parameters
    ----------
    name : str
        One of `available()`; or ``zoo:transformers``, ``zoo:timm`` or ``zoo:torchvision`` for the
        models of a library, and ``zoo:transformers/bert*`` for some of them by name.
    **options : object
        Passed on to what makes the space.

    Raises
    ------
    UnknownNameError
        If there is no such space; lists the near names.
    ArgumentError
        If the space takes no such option, or a package brings a space that cannot be loaded.

    Examples
    --------
    >>> get("nasbench201")
    NASBench201('nasbench201', 15,625 architectures)
    """
    checks.text("name", name)
    if name.startswith("zoo:"):
        from cgraph.spaces.zoo import zoo_of

        return make(partial(zoo_of, name), name, options)
    if name in SPACES:
        module, _, attribute = SPACES[name].home.partition(":")
        return make(getattr(import_module(module), attribute), name, options)
    checks.text("name", name)
    plugins = {entry.name: entry for entry in reversed(_plugins())}
    if name not in plugins:
        raise UnknownNameError("space", name, available())
    return make(_load(plugins[name]), name, options)


def available() -> tuple[str, ...]:
    """Names of the search spaces that `get` knows: those that ship, then those of packages.

    Examples
    --------
    >>> available()[:2]
    ('nasbench101', 'nasbench201')
    """
    return tuple(dict.fromkeys([*SPACES, *(entry.name for entry in _plugins())]))


def listing() -> list[SpaceInfo]:
    """What is known of each space, in the order of `available`.

    A space that a package brings is loaded for it; where that fails, the reason stands in its
    `problem`, as it does for two spaces of one name.
    """
    rows = [
        SpaceInfo(
            record.name,
            record.n_architectures,
            record.summary,
            record.source,
            "cgraph",
            _missing(record.needs, "needs", record),
            _missing(record.accuracies_need, "its published accuracies need", record),
        )
        for record in SPACES.values()
    ]
    taken = set(SPACES)
    for entry in _plugins():
        rows.append(_info(entry, is_taken=entry.name in taken))
        taken.add(entry.name)
    return rows


def make(value: Any, name: str, options: dict[str, Any]) -> Space:
    """A space out of a class or function that gives one, or of the space itself.

    Parameters
    ----------
    value : Space, or callable that gives one
        What an entry point or a name in a module stands for.
    name : str
        What it is called, for the errors.
    options : dict
        Passed on to the callable.

    Raises
    ------
    ArgumentError
        If it is no space and gives none, or does not take the options.
    """
    if isinstance(value, Space):
        if options and options != dict(value.options):
            raise ArgumentError(
                "options", f"be left out for {name!r}, which is made already", sorted(options)
            )
        return value
    if not callable(value):
        raise ArgumentError(
            "space", f"be a Space or make one ({name!r})", f"a {type(value).__name__}"
        )
    if inspect.isabstract(value):
        lacking = ", ".join(sorted(value.__abstractmethods__))
        raise ArgumentError("space", f"define {lacking} ({name!r})", "a class without them")
    _check_options(value, name, options)
    space = value(**options)
    if not isinstance(space, Space):
        raise ArgumentError(
            "space", f"be a Space or make one ({name!r})", f"what makes a {type(space).__name__}"
        )
    return space


def _check_options(make_space: Callable[..., Any], name: str, options: dict[str, Any]) -> None:
    signature = inspect.signature(make_space)
    try:
        signature.bind(**options)
    except TypeError as error:
        known = ", ".join(signature.parameters) or "none"
        given = ", ".join(sorted(options)) or "none"
        raise ArgumentError("options", f"be those of {name!r} ({known})", given) from error


def _plugins() -> list[metadata.EntryPoint]:
    """Entry points of the installed packages, by name."""
    return sorted(metadata.entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def _load(entry: metadata.EntryPoint) -> Any:
    try:
        return entry.load()
    # What runs when a foreign module is imported can raise anything.
    except (Exception, SystemExit) as error:
        raise ArgumentError(
            f"space {entry.name!r}",
            f"be importable from {entry.value} of {_provider(entry)}",
            f"{type(error).__name__}: {error}",
        ) from error


def _info(entry: metadata.EntryPoint, *, is_taken: bool) -> SpaceInfo:
    found = partial(SpaceInfo, name=entry.name, provider=_provider(entry))
    unknown = partial(found, n_architectures=None, summary="", source="")
    if is_taken:
        return unknown(problem=f"another space is called {entry.name!r}")
    try:
        space = make(_load(entry), entry.name, {})
        return found(
            n_architectures=space.size,
            summary=space.summary,
            source=space.source,
            problem="",
        )
    except CGraphError as error:
        return unknown(problem=str(error))
    # Foreign code ran, to make the space and to count it: it can raise anything.
    except (Exception, SystemExit) as error:
        return unknown(problem=f"{type(error).__name__}: {error}")


def _provider(entry: metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package"


def _missing(modules: Iterable[str], words: str, record: SpaceRecord) -> str:
    """What to install before modules can be used; "" where all are there."""
    absent = [module for module in modules if util.find_spec(module) is None]
    if not absent:
        return ""
    return f"{words} {', '.join(absent)}: pip install 'cgraph[{record.extra}]'"
