"""Every public name, called with what nobody should pass: a value, or one sentence."""

import contextlib
import inspect
import random
import warnings

import pytest
import torch

from cgraph.errors import CGraphError
from tests.fuzz.hostile import CallerError, hostile, spoiled
from tests.fuzz.outcomes import CASES, Outcomes
from tests.fuzz.recipes import RECIPES, listed


def test_every_public_name_has_a_recipe():
    lacking = [
        name for name in listed() if not any(f"{key} ".startswith(f"{name} ") for key in RECIPES)
    ]
    assert lacking == []


def cases(door, names):
    """Which arguments of a door are spoiled, and the generator that spoils them; CASES times."""
    for i in range(CASES):
        rng = random.Random(f"{door} {i}")
        yield rng.sample(names, min(len(names), 1 if i % 4 else 2)), rng, i


def is_no_mistake(name, value):
    """Whether a value is a fair wish for more processes, which takes seconds, or a function.

    What a function of the caller's raises when it is called is the caller's, and goes through.
    """
    if name == "n_jobs":
        return isinstance(value, int) and value not in (0, 1, True)
    return name in ("progress", "label", "rule") and isinstance(value, type | torch.nn.Module)


@pytest.mark.parametrize("door", RECIPES)
def test_what_nobody_should_pass(door, record_property, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcomes = Outcomes(door)
    function, valid, dearer = RECIPES[door]()
    function(**valid)  # compiles, loads, and shows that the recipe is one
    signature = inspect.signature(function)
    names = [
        name for name, p in signature.parameters.items()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]  # fmt: skip
    for chosen, rng, i in cases(door, names):
        if i * dearer >= CASES:
            break
        arguments, told = dict(RECIPES[door]().arguments), []
        for name in chosen:
            make = spoiled if name in arguments and rng.random() < 0.5 else hostile
            what, value = make(arguments[name], rng) if make is spoiled else make(rng)
            if is_no_mistake(name, value):
                continue
            arguments[name] = value
            told.append(f"{name}={what}")
        if i % 50 == 49:
            arguments["nonsense"] = None
        elif i % 50 == 48:
            del arguments[rng.choice(list(arguments))]
        outcomes.attempt(lambda a=arguments: _called(function, signature, a), ", ".join(told))
    outcomes.check(record_property)


def _called(function, signature, arguments):
    """Call; a value that came out is looked at, as its owner would."""
    try:
        signature.bind(**arguments)
    except TypeError as error:  # a name too many or too few is Python's to tell
        with pytest.raises((TypeError, CGraphError)):
            function(**arguments)
        raise CGraphError(str(error)) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = function(**arguments)
            _look_at(value)
    except CallerError:
        return None
    except CGraphError as error:
        str(error)  # has to be words
        raise
    return value


def _look_at(value):
    if not type(value).__module__.startswith("cgraph."):
        return
    repr(value)
    for name in dir(type(value)):
        if isinstance(inspect.getattr_static(value, name), property) and not name.startswith("_"):
            with contextlib.suppress(CGraphError):
                getattr(value, name)
