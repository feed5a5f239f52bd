"""What a command line names to evaluate: a space or some of it, an architecture, models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cgraph.commands.factories import value_of
from cgraph.commands.programs import architecture_of
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    from cgraph.spaces.limits import Limits
    from cgraph.spaces.space import Space
    from cgraph.statistics.candidate import Candidate

TARGET_HELP = (
    "A search space (nasbench201, MODULE:NAME, FILE.py), an architecture of one "
    "(nasbench201:6111), or what builds a model, or several by name: MODULE:FACTORY, "
    "FILE.py:FACTORY, which need --input-shape."
)


def read_target(
    text: str, *, sample: int | None, seed: int, limits: Limits, n_jobs: int = 1
) -> list[Candidate] | dict[str, Any]:
    """What `cgraph.evaluate` takes, from how it is written on a command line.

    Parameters
    ----------
    text : str
        The target.
    sample : int or None
        How many distinct programs of a space; None for all of its architectures.
    seed : int
        Of the sample; a larger sample of the same seed holds a smaller one.
    limits : Limits
        What the architectures of a space have to keep.
    n_jobs : int, default=1
        Number of processes that find out which do.

    Raises
    ------
    ArgumentError
        If there is no such target, or an option does not belong to it.
    """
    from cgraph.spaces import Space, resolve

    found = architecture_of(text)
    if found is not None:
        space, name = found
        _refuse(sample, limits, "an architecture")
        return space.candidates([name])
    if ":" not in text or text.endswith(".py"):
        return _of_space(resolve(text), sample, seed, limits, n_jobs)
    value = value_of(text)
    if isinstance(value, Space) or (isinstance(value, type) and issubclass(value, Space)):
        return _of_space(resolve(text), sample, seed, limits, n_jobs)
    return _of_value(text, value, sample, seed, limits, n_jobs)


def _of_value(
    text: str, value: Any, sample: int | None, seed: int, limits: Limits, n_jobs: int
) -> list[Candidate] | dict[str, Any]:
    """A model, what builds one, or what gives several by name or in a row."""
    from torch import nn

    from cgraph.spaces import Space

    made = value
    if callable(value) and not isinstance(value, nn.Module):
        from cgraph.generators import untouched_generators

        with untouched_generators():
            made = value()
    if isinstance(made, Space):
        return _of_space(made, sample, seed, limits, n_jobs)
    _refuse(sample, limits, "a model")
    if isinstance(made, nn.Module):
        return {text.rpartition(":")[2]: value}
    if isinstance(made, dict):
        return {str(name): model for name, model in made.items()}
    if isinstance(made, list | tuple) and made:
        return {str(i): model for i, model in enumerate(made)}
    raise ArgumentError(
        "TARGET",
        "name a space, what builds a module, or what gives several models",
        f"{text!r}, a {type(made).__name__}",
    )


def _of_space(
    space: Space, sample: int | None, seed: int, limits: Limits, n_jobs: int
) -> list[Candidate]:
    from cgraph.spaces.limits import KEEPS, limits_table
    from cgraph.spaces.sampled import SampledSpace

    if isinstance(space, SampledSpace):
        if sample is None or sample < 1:
            raise ArgumentError(
                "--sample", f"say how many architectures of {space.name} to draw", sample
            )
        space = space.draw(sample, seed)
        sample = None
    eligible = np.arange(len(space))
    if limits:
        eligible = np.flatnonzero(limits_table(space, limits, n_jobs=n_jobs)[KEEPS])
    names = space.architectures()
    if sample is None:
        return space.candidates([names[i] for i in eligible])
    programs, first = np.unique(space.programs()[eligible], return_index=True)
    if not 1 <= sample <= len(programs):
        raise ArgumentError(
            "--sample", f"be a number of distinct programs, 1 to {len(programs):,}", sample
        )
    if seed < 0:
        raise ArgumentError("--seed", "be an integer >= 0", seed)
    # One priority for each program of the space, so that limits change nothing but who is left.
    priority = np.random.default_rng(seed).permutation(len(space))[programs]
    drawn = first[np.argsort(priority)[:sample]]
    return space.candidates([names[i] for i in np.sort(eligible[drawn])])


def _refuse(sample: int | None, limits: Limits, what: str) -> None:
    if sample is not None:
        raise ArgumentError("--sample", f"be left out for {what}", sample)
    if limits:
        raise ArgumentError("limits", f"be left out for {what}", repr(limits))
