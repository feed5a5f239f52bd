"""The errors of cgraph: one base and a few children that carry their facts as attributes.

A message names the argument, what it must be, what came, and what to do next. The children
inherit from the built-in error a caller would expect as well, so `except ValueError` works.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CGraphError(Exception):
    """Base of every error that cgraph raises on purpose."""


class ArgumentError(CGraphError, ValueError):
    """An argument is not what the function needs.

    Parameters
    ----------
    argument : str
        Name of the argument.
    must : str
        What it must be, completing "*argument* must ...".
    got : object
        What came; put into the message with `str`.
    hint : str, default=""
        What to do next.
    """

    def __init__(self, argument: str, must: str, got: object, hint: str = "") -> None:
        self.argument = argument
        self.must = must
        self.got = got
        self.hint = hint
        super().__init__(argument, must, got, hint)

    def __str__(self) -> str:
        tail = f"; {self.hint}" if self.hint else ""
        return f"{self.argument} must {self.must}, got {self.got}{tail}"


class GraphError(ArgumentError):
    """A graph is not well formed."""


class ArchitectureError(ArgumentError):
    """A description of an architecture does not parse, or is not in the space."""


class UnknownNameError(CGraphError, LookupError):
    """A name is not in a table of methods.

    Parameters
    ----------
    family : str
        What the table holds, in the singular: "metric", "statistic", ...
    name : str
        The name that was asked for.
    known : iterable of str
        The names in the table.
    """

    def __init__(self, family: str, name: object, known: Iterable[str]) -> None:
        self.family = family
        self.name = name
        self.known = tuple(known)
        self.near = tuple(difflib.get_close_matches(str(name), self.known, n=3, cutoff=0.5))
        super().__init__(family, name, self.known)

    def __str__(self) -> str:
        guess = f"; did you mean {' or '.join(map(repr, self.near))}?" if self.near else ""
        known = ", ".join(self.known)
        return f"{self.family} must be one of {known}, got {self.name!r}{guess}"


class TraceError(CGraphError, RuntimeError):
    """A model could not be captured.

    Parameters
    ----------
    scope : str
        Dotted name of the module that was running; "" for the model itself.
    problem : str
        What went wrong.
    hint : str, default=""
        What to do next.
    """

    def __init__(self, scope: str, problem: str, hint: str = "") -> None:
        self.scope = scope
        self.problem = problem
        self.hint = hint
        super().__init__(scope, problem, hint)

    def __str__(self) -> str:
        where = f"module {self.scope!r}" if self.scope else "the model"
        tail = f"; {self.hint}" if self.hint else ""
        return f"could not capture {where}: {self.problem}{tail}"


class MissingPackageError(CGraphError, ImportError):
    """A package that the call needs is not installed.

    Parameters
    ----------
    package : str
        Name of the package on the registry.
    purpose : str
        What it is needed for, completing "... needs *package*".
    extra : str
        The extra of cgraph that installs it.
    """

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        self.package = package
        self.purpose = purpose
        self.extra = extra
        super().__init__(package, purpose, extra)

    def __str__(self) -> str:
        return (
            f"{self.purpose} needs {self.package}, which is not installed; "
            f"pip install 'cgraph[{self.extra}]'"
        )


class StudyError(CGraphError, RuntimeError):
    """A study cannot be run, resumed or read where it was asked for."""
