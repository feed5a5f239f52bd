"""Number of linear regions that a batch meets (Chen, Gong and Wang, 2021, "TE-NAS", ICLR).

Two inputs are in one region where every rectified unit has the same sign for both.
"""

from __future__ import annotations

from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe
from cgraph.statistics.values import Caveat, Outcome, Reason, missing


def regions(probe: Probe, _options: Options) -> Outcome:
    """Number of distinct codes over the union of the batches."""
    passes = probe.all
    if any(seen.recorded.lacks_batch_axis for seen in passes):
        return missing(Reason.NO_BATCH_AXIS)
    if not all(seen.recorded.n_rectifiers for seen in passes):
        return missing(Reason.NO_RECTIFIER)
    if not all(seen.is_finite for seen in passes):
        return missing(Reason.NOT_FINITE)
    n_samples, count = probe.patterns.n_samples, probe.patterns.n_distinct
    note: Caveat | str = ""
    if count == n_samples:
        note = Caveat.SATURATED
    elif count == 1:
        note = Caveat.ONE_REGION
    return Outcome(float(count), note=note, details={"n_samples": n_samples})


def swap(probe: Probe, _options: Options) -> Outcome:
    """Number of distinct patterns of units over the samples of a batch.

    Peng, Song, Fayek, Ciesielski and Chang (2024, "SWAP-NAS", ICLR).
    """
    seen = probe.first
    if seen.recorded.lacks_batch_axis:
        return missing(Reason.NO_BATCH_AXIS)
    if not seen.recorded.n_rectifiers:
        return missing(Reason.NO_RECTIFIER)
    if not seen.is_finite:
        return missing(Reason.NOT_FINITE)
    patterns = probe.unit_patterns
    count, n_possible = patterns.n_distinct, min(patterns.n_units, 2**probe.size)
    note = Caveat.EVERY_PATTERN if count == n_possible else ""
    return Outcome(float(count), note=note, details={"n_units": patterns.n_units})
