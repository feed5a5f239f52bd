"""NASWOT, both versions: how differently a network treats the samples of a batch.

Version 1 (Mellor, Turner, Storkey and Crowley, 2020, "Neural Architecture Search without
Training", arXiv 2006.04647v1) looks at the correlation of input gradients, version 2 (the same
authors, ICML 2021) at the agreement of binary codes.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cgraph.errors import ArgumentError
from cgraph.generators import untouched_generators
from cgraph.statistics.codes import Agreements
from cgraph.statistics.nests import head, map_tensors
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe, relative_rounding
from cgraph.statistics.recording import Pass, run_forward
from cgraph.statistics.rounding import is_rounding
from cgraph.statistics.values import Outcome, Reason, missing

_CONSTANT = 1e2  # units of rounding that a row spreads over its mean by rounding alone


def naswot_v1(probe: Probe, options: Options) -> Outcome:
    """S = -sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlation of gradients.

    Row i of the Jacobian is the gradient of the summed logits with respect to sample i.
    """
    seen = probe.first
    if not seen.inputs:
        return missing(Reason.NO_INPUT_GRADIENT)
    if not seen.has_batch_axis:
        return missing(Reason.NO_BATCH_AXIS)
    if not seen.is_finite:
        return missing(Reason.NOT_FINITE)
    objective = seen.first_logit() if options.is_one_logit else seen.sums()
    if not objective.requires_grad:
        return missing(Reason.IGNORES_INPUT)
    jacobian = input_jacobian(objective.sum(), seen.inputs, probe.size)
    if not np.isfinite(jacobian).all():
        return missing(Reason.GRADIENT_NOT_FINITE)
    if not jacobian.any():
        return missing(Reason.IGNORES_INPUT if probe.ignores_input else Reason.CANCELLED)
    rounding = relative_rounding(probe.model)
    if is_rounding(float(np.linalg.norm(jacobian)), seen.logits, seen.inputs, rounding):
        return missing(Reason.CANCELLED)
    spread = np.linalg.norm(jacobian - jacobian.mean(axis=1, keepdims=True), axis=1)
    if (spread <= _CONSTANT * rounding * np.linalg.norm(jacobian, axis=1)).any():
        return missing(Reason.CONSTANT_JACOBIAN)
    return Outcome(score_of_jacobian(jacobian, options.k), details={"k": options.k})


def input_jacobian(objective: Tensor, inputs: list[Tensor], size: int) -> NDArray[np.float64]:
    """Gradient of a scalar with respect to each sample, shape (batch, values of a sample)."""
    with torch.enable_grad():
        gradients = torch.autograd.grad(
            objective, inputs, retain_graph=True, allow_unused=True, materialize_grads=True
        )
    rows = [g.detach().reshape(size, -1).double().cpu() for g in gradients]
    result: NDArray[np.float64] = torch.cat(rows, dim=1).numpy()
    return result


def score_of_jacobian(jacobian: NDArray[np.float64], k: float) -> float:
    """Score of version 1 for the rows of a Jacobian, none of them constant.

    Examples
    --------
    >>> round(score_of_jacobian(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 0.0), 4)
    -2.379
    """
    centred = jacobian - jacobian.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    v = np.linalg.eigvalsh(centred @ centred.T)
    return float(-(np.log(v + k) + 1.0 / (v + k)).sum())


def naswot_v2(probe: Probe, options: Options) -> Outcome:
    """S = log |det K|, where K_ij counts the units in which samples i and j agree."""
    seen = probe.first
    note = ""
    agreements = probe.agreements
    if options.is_reachable_only:
        agreements = _reachable_agreements(probe)
    if agreements.n_units == 0:
        if seen.recorded.lacks_batch_axis:
            return missing(Reason.NO_BATCH_AXIS)
        if seen.recorded.n_rectifiers or not probe.smooth_agreements.n_units:
            return missing(Reason.NO_RECTIFIER)
        # Without a rectifier, the sign of the input of what stands in its place.
        agreements = probe.smooth_agreements
        note = f"sign of the input of {', '.join(sorted(seen.recorded.smooth_names))}"
    if seen.recorded.lacks_batch_axis:
        return missing(Reason.NO_BATCH_AXIS)
    if not seen.is_finite:
        return missing(Reason.NOT_FINITE)
    outcome = log_determinant(agreements.kernel)
    if outcome.value is not None and seen.has_batch_axis and probe.ignores_input:
        note = "; ".join(filter(None, [note, str(Reason.IGNORES_INPUT)]))
    details = {"n_units": agreements.n_units}
    return Outcome(outcome.value, outcome.reason, note or outcome.note, details)


def log_determinant(kernel: NDArray[np.float64]) -> Outcome:
    """Log |det K|, or why it is none.

    Examples
    --------
    >>> log_determinant(np.array([[4.0, 4.0], [4.0, 4.0]])).reason.name
    'DUPLICATED_SAMPLES'
    """
    if any((row[i + 1 :] == kernel[0, 0]).any() for i, row in enumerate(kernel)):
        return missing(Reason.DUPLICATED_SAMPLES)
    v = np.linalg.eigvalsh(kernel)
    if v[0] <= len(kernel) * np.finfo(np.float64).eps * v[-1]:
        return missing(Reason.SINGULAR)
    return Outcome(float(np.linalg.slogdet(kernel)[1]))


def _reachable_agreements(probe: Probe) -> Agreements:
    """Agreements over the rectifiers that the gradient of the outputs comes through."""
    seen = _with_graph(probe)
    reached = _sequence_numbers(seen.logits)
    numbers = seen.recorded.sequence_numbers
    skipped = frozenset(i for i, number in enumerate(numbers) if number not in reached)
    if not skipped:
        return probe.agreements
    agreements = Agreements()
    run_forward(probe.model, probe.batches[0], probe.size, rectifiers=[agreements], skipped=skipped)
    return agreements


def _with_graph(probe: Probe) -> Pass:
    """A pass with the graph of autograd: of two samples where they run what the batch runs.

    The graph holds every activation, and which rectifiers are on the way of the gradient does not
    depend on how many samples there are.
    """
    parameters = [p for p in probe.model.parameters() if p.is_floating_point()]
    before = [p.requires_grad for p in parameters]
    for parameter in parameters:
        parameter.requires_grad_()
    try:
        with untouched_generators():
            few = head(map_tensors(Tensor.detach, probe.batches[0]), 2)
            try:
                seen = run_forward(probe.model, few, min(2, probe.size), with_graph=True)
            except ArgumentError:  # a model that is made for batches of one size
                seen = None
            if seen is not None and (
                seen.recorded.n_rectifiers == probe.first.recorded.n_rectifiers
            ):
                return seen
            return run_forward(probe.model, probe.batches[0], probe.size, with_graph=True)
    finally:
        for parameter, takes_gradient in zip(parameters, before, strict=True):
            parameter.requires_grad_(takes_gradient)


def _sequence_numbers(outputs: list[Tensor]) -> set[int]:
    """Numbers of the nodes of autograd that the gradient of the outputs passes."""
    todo = [t.grad_fn for t in outputs if t.grad_fn is not None]
    seen = set(todo)
    numbers = set()
    while todo:
        node = todo.pop()
        numbers.add(node._sequence_nr())
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return numbers
