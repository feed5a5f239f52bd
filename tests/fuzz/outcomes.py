"""How a door answers what it cannot take: the conventions that every test in here shares.

A door is a public name or a reader of files. It is tried `CASES` times, with the same input in
every run. An answer is "accepted" (a value), "clear" (an error of cgraph's that says what came,
or the operating system's), "raw" (any other error), or "slow" (more than `SECONDS`). Only the
first two pass. Every test hands its `Outcomes` to the fixture `record_property`, and the run ends
with the table of all.
"""

from __future__ import annotations

import os
import resource
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cgraph.errors import CGraphError

CASES = int(os.environ.get("CGRAPH_FUZZ_CASES", "200"))
SECONDS = 10.0
LONGEST_MESSAGE = 2_000


class SlowError(BaseException):
    """A door took longer than `SECONDS`; no handler of the door's own may catch it."""


@dataclass
class Outcomes:
    """What came of the tries at one door."""

    door: str
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    grown_mib: float = 0.0

    def attempt(self, call: Callable[[], Any], what: str = "") -> str:
        """Try a door once and count its answer; `what` names the input in what is reported."""
        before = _peak_mib()
        found, told = _answer(call)
        self.counts[found] += 1
        self.grown_mib = max(self.grown_mib, _peak_mib() - before)
        if found in ("raw", "slow"):
            self.bad.append(f"{self.door} {what}: {told}")
        return found

    def check(self, record_property: Callable[[str, Any], None], most_mib: float = 512) -> None:
        """Enter the counts into the table, and fail where an answer was neither value nor words."""
        row = {"door": self.door, "tried": self.counts.total(), **self.counts}
        record_property("outcomes", row | {"grown_mib": round(self.grown_mib)})
        assert not self.bad, f"{len(self.bad)} of {self.counts.total()}\n" + "\n".join(self.bad[:5])
        assert self.grown_mib <= most_mib


def _answer(call: Callable[[], Any]) -> tuple[str, str]:
    try:
        with _limited(), warnings.catch_warnings(action="ignore"):
            call()
    except SlowError:
        return "slow", f"more than {SECONDS:g} s"
    except (CGraphError, OSError) as error:
        if len(str(error)) > LONGEST_MESSAGE:
            return "raw", f"a message of {len(str(error))} characters"
        return "clear", ""
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {str(error)[:200]} at {frame.filename}:{frame.lineno}"
        return "raw", told
    return "accepted", ""


@contextmanager
def _limited() -> Iterator[None]:
    def stop(signum: int, frame: object) -> None:
        raise SlowError

    known = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, known)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
