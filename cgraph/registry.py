"""One table per family of methods: frozen records under their names, in a fixed order.

Lists, look-ups, command-line choices, the parameters of the tests and the table of methods in
the documentation are derived from it. A record is any frozen value with a `name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from cgraph.errors import UnknownNameError


class Named(Protocol):
    """What a record of a table needs to have."""

    @property
    def name(self) -> str:
        """What the record is called."""


Record = TypeVar("Record", bound=Named)


class Table(Mapping[str, Record], Generic[Record]):
    """The records of one family of methods, by name and in order.

    Parameters
    ----------
    family : str
        What a record is, in the singular ("metric"); used by the error for an unknown name.
    records : iterable of records
        Each has a `name` that no other record has.

    Raises
    ------
    UnknownNameError
        By look-up, for a name that is not in the table; lists the near names.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Metric(NamedTuple):
    ...     name: str
    >>> table = Table("metric", [Metric("edit"), Metric("kl")])
    >>> list(table)
    ['edit', 'kl']
    >>> table["edt"]
    Traceback (most recent call last):
        ...
    cgraph.errors.UnknownNameError: metric must be one of edit, kl, got 'edt'; did you mean 'edit'?
    """

    def __init__(self, family: str, records: Iterable[Record]) -> None:
        self.family = family
        self._records: dict[str, Record] = {}
        for record in records:
            assert record.name not in self._records, f"two records are called {record.name!r}"
            self._records[record.name] = record

    def __getitem__(self, name: str) -> Record:
        if not isinstance(name, str) or name not in self._records:
            raise UnknownNameError(self.family, name, self._records)
        return self._records[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"Table({self.family!r}: {', '.join(self._records)})"
