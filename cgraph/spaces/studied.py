"""The search space of a study: the one place where what a study wrote down becomes a space.

A study names its space by what is installed. A file or a module is run only where the caller
names it, never because a study does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgraph.errors import ArgumentError, CGraphError
from cgraph.spaces.catalogue import available, get
from cgraph.spaces.resolving import resolve
from cgraph.spaces.sampled import SampledSpace
from cgraph.spaces.space import Space


def studied_space(
    configuration: Mapping[str, Any],
    architectures: Sequence[str],
    given: Space | str | None = None,
) -> Space:
    """The space that was studied, with the options it was studied with.

    Parameters
    ----------
    configuration : mapping
        What identifies the study, with "space" and "options".
    architectures : sequence of str
        All architectures of the study, in its order.
    given : Space or str, optional
        The space, or what `resolve` reads as one, where the study's name for it is neither one
        that ships nor one of an installed package.

    Returns
    -------
    Space
        It has the name, the options and the architectures of the study; where these were drawn
        from a larger space, they are a `DrawnSpace`.

    Raises
    ------
    ArgumentError
        If the space has to be given and is not, or is not the one that was studied.

    Examples
    --------
    >>> names = get("nasbench201").architectures()
    >>> studied_space({"space": "nasbench201", "options": {}}, names)
    NASBench201('nasbench201', 15,625 architectures)
    """
    space = named_space(configuration, given)
    name, options = _identity(configuration)
    found = {"name": space.name, "options": dict(space.options)}
    for fact, wanted in {"name": name, "options": options}.items():
        if found[fact] != wanted:
            must = f"be that of the study, whose {fact} is {wanted!r}"
            raise ArgumentError("space", must, f"one whose {fact} is {found[fact]!r}")
    if isinstance(space, SampledSpace):
        space = space.subset(architectures)
    known = space.architectures()
    for place, (own, wanted) in enumerate(zip(known, architectures, strict=False)):
        if own != wanted:
            got = f"{space!r}, with {own!r} in place of {wanted!r} at {place}"
            raise ArgumentError("space", f"have the architectures of this study of {name!r}", got)
    if len(known) != len(architectures):
        must = f"have the {len(architectures):,} architectures of this study of {name!r}"
        raise ArgumentError("space", must, f"{space!r}")
    return space


def named_space(configuration: Mapping[str, Any], given: Space | str | None = None) -> Space:
    """The space that a record names, or that the caller gives for it; not yet compared with it.

    Raises
    ------
    ArgumentError
        If the space has to be given and is not.
    """
    name, options = _identity(configuration)
    if isinstance(given, Space):
        return given
    if given is not None:
        return resolve(given, **options)
    if name not in available():
        raise ArgumentError(
            "space",
            f"be given for a study of {name!r}",
            "none",
            "it is neither a space that ships nor one of an installed package: "
            "--space FILE.py or space= names yours",
        )
    try:
        return get(name, **options)
    except CGraphError as error:
        must = f"be given for a study of {name!r}"
        raise ArgumentError("space", must, "none", str(error)) from error


def _identity(configuration: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    name, options = configuration.get("space"), configuration.get("options", {})
    if not isinstance(name, str):
        raise ArgumentError("space", "be a name in the record of a study", f"{name!r:.200}")
    if not isinstance(options, Mapping):
        raise ArgumentError(
            "options", "map names to values in the record of a study", f"{options!r:.200}"
        )
    return name, dict(options)
