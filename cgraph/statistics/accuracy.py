"""Task accuracy: a statistic like the others, of a network that has been trained."""

from __future__ import annotations

from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe
from cgraph.statistics.recording import run_forward
from cgraph.statistics.values import Outcome, Reason, missing


def accuracy(probe: Probe, _options: Options) -> Outcome:
    """Percentage of the samples of all batches whose largest logit is that of their class."""
    n_right = n_samples = 0
    for i, (batch, size) in enumerate(zip(probe.batches, probe.sizes, strict=True)):
        seen = run_forward(probe.model, batch, size)
        if not seen.has_batch_axis or seen.logits[0].dim() != 2:
            return missing(Reason.NO_LOGITS)
        if not seen.is_finite:
            return missing(Reason.NOT_FINITE)
        logits = seen.logits[0]
        labels = probe.labels_of(i, logits.shape[1]).to(logits.device)
        if int(labels.max()) >= logits.shape[1]:
            return missing(Reason.TOO_FEW_OUTPUTS)
        n_right += int((logits.argmax(1) == labels).sum())
        n_samples += size
    value = 100 * n_right / n_samples
    return Outcome(value, note=f"of {n_samples:,} samples", details={"n_samples": n_samples})
