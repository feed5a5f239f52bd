"""The errors of cgraph: one base and a few children that carry their facts as attributes.

A message names the argument, what it must be, what came, and what to do next. The children
inherit from the built-in error a caller would expect as well, so `except ValueError` works. What
came may be megabytes long, or be made to look like something else on a screen: `shown` cuts it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence

# Characters of what came that a message repeats at most, and of words that may hold a message.
LONGEST = 200
_LONGEST_WORDS = 5 * LONGEST


class Shown(str):
    """Text of a message whose parts were cut already."""

    __slots__ = ()


def of_file(where: object, what: str = "") -> Shown:
    """What came of a file: where it stands, and what is the matter, each cut where it is long.

    Examples
    --------
    >>> of_file("a.csv", "with a gap in row 7")
    "'a.csv' with a gap in row 7"
    """
    space = "" if what.startswith(",") else " "
    return Shown(f"{shown(repr(str(where)))}{space}{shown(what)}".rstrip())


def shown(value: object, longest: int = LONGEST) -> str:
    r"""What came, as it stands in a message: one line of printable characters, cut if long.

    Parameters
    ----------
    value : object
        What came; text as it is, anything else by `str`.
    longest : int, default=200
        Characters at most. Of a longer text the middle is left out: a path keeps its name, an
        error its place.

    Examples
    --------
    >>> shown("relu"), shown("two\nlines, \x1b[31mred")
    ('relu', 'two lines, \\x1b[31mred')
    >>> shown("x" * 100_000, 60)
    'xxxxxxxxxxxxxxxx ... (99,979 characters left out) ... xxxxx'
    """
    if isinstance(value, Shown):
        return value
    if isinstance(value, list | tuple | dict | set | frozenset) and len(value) > longest:
        value = f"a {type(value).__name__} of {len(value):,} entries"
    elif isinstance(value, bytes | bytearray) and len(value) > longest:
        value = f"{bytes(value[:32])!r}... ({len(value):,} bytes)"
    text = _text(value, str)
    if not text.isprintable():
        text = _on_a_line(text if len(text) <= 2 * longest else _cut(text, 2 * longest))
    return text if len(text) <= longest else _cut(text, longest)


def quoted(value: object) -> str:
    """`repr` of a value, of whatever type: it cannot fail.

    Examples
    --------
    >>> quoted("relu"), quoted(10**5000)
    ("'relu'", 'a value of type int')
    """
    return _text(value, repr)


def _text(value: object, write: Callable[[object], str]) -> str:
    try:
        return write(value)
    except Exception:  # foreign types can raise anything, and whole numbers of 10^4 digits do
        return f"a value of type {type(value).__name__}"


def _cut(text: str, longest: int) -> str:
    kept = longest - len(f" ... ({len(text):,} characters left out) ... ")
    end = kept // 4
    left_out = f" ... ({len(text) - kept:,} characters left out) ... "
    return f"{text[: kept - end]}{left_out}{text[len(text) - end :]}"


def _on_a_line(text: str) -> str:
    line = re.sub(r"\s*[\r\n]\s*", " ", text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


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
        What came; put into the message by `shown`.
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
        tail = f"; {shown(self.hint, _LONGEST_WORDS)}" if self.hint else ""
        must = shown(self.must, _LONGEST_WORDS)
        return f"{shown(self.argument)} must {must}, got {shown(self.got)}{tail}"


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
        near = difflib.get_close_matches(shown(name), self.known, n=3, cutoff=0.5)
        self.near = tuple(near)
        super().__init__(family, name, self.known)

    def __str__(self) -> str:
        guess = f"; did you mean {' or '.join(map(repr, self.near))}?" if self.near else ""
        known = shown(", ".join(self.known), _LONGEST_WORDS)
        name = shown(quoted(self.name))
        return f"{shown(self.family)} must be one of {known}, got {name}{guess}"


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
        where = f"module {shown(repr(self.scope))}" if self.scope else "the model"
        tail = f"; {shown(self.hint, _LONGEST_WORDS)}" if self.hint else ""
        return f"could not capture {where}: {shown(self.problem, _LONGEST_WORDS)}{tail}"


class CaptureError(CGraphError, RuntimeError):
    """Architectures of a space could not be captured.

    Parameters
    ----------
    space : str
        Name of the space.
    failures : sequence of (str, str)
        Each with what went wrong.
    n_architectures : int
        How many there are in all.
    """

    def __init__(
        self, space: str, failures: Sequence[tuple[str, str]], n_architectures: int
    ) -> None:
        self.space = space
        self.failures = tuple(failures)
        self.n_architectures = n_architectures
        super().__init__(space, self.failures, n_architectures)

    def __str__(self) -> str:
        name, problem = self.failures[0]
        n = len(self.failures)
        others = f" ({n:,} of {self.n_architectures:,} architectures fail)" if n > 1 else ""
        return (
            f"{shown(self.space)}: architecture {shown(repr(name))} cannot be captured: "
            f"{shown(problem, _LONGEST_WORDS)}{others}; mend its build, or leave such out with "
            "capture(skip_failures=True), --skip-failures on the command line"
        )


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


class WorkerKilledError(CGraphError, RuntimeError):
    """A process that computed for this one was killed, or ended itself."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return (
            "a worker process was killed, perhaps for its memory; fewer workers need less, and "
            "n_jobs=1 computes in this process"
        )


class WriteError(CGraphError, OSError):
    """The system does not let a file be written.

    Parameters
    ----------
    path : path
        The file.
    cause : Exception
        What the system said.
    """

    def __init__(self, path: object, cause: Exception) -> None:
        self.path = path
        self.cause = cause
        super().__init__(path, cause)

    def __str__(self) -> str:
        said = getattr(self.cause, "strerror", None) or str(self.cause) or type(self.cause).__name__
        return (
            f"{shown(repr(str(self.path)))} cannot be written: {shown(said)}; what was there is "
            "unchanged, and the same call goes on once it can"
        )
