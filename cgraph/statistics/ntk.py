"""Condition number of the neural tangent kernel (Chen, Gong and Wang, 2021, "TE-NAS", ICLR).

T_ij = g_i . g_j, where g_i is the gradient of the summed logits of sample i with respect to the
parameters whose name has "weight"; kappa is the largest eigenvalue of T over the least.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cgraph.statistics.nests import Nest, batch_size, call, head, logits_of, map_tensors
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe, relative_rounding
from cgraph.statistics.recording import quiet, run_forward
from cgraph.statistics.values import Outcome, Reason, missing


def ntk(probe: Probe, _options: Options) -> Outcome:
    """Kappa = lambda_max / lambda_min of T."""
    weights = {n: p for n, p in probe.model.named_parameters() if _is_weight(n, p)}
    if not weights:
        return missing(Reason.NO_WEIGHT)
    if probe.size > sum(p.numel() for p in weights.values()):
        return missing(Reason.TOO_FEW_PARAMETERS)
    kernel = None
    if not any(module.training for module in probe.model.modules()):
        kernel = gram_of_independent_samples(probe.model, weights, probe.batches[0])
    method = "gradients of single samples"
    if kernel is None:
        seen = probe.first
        if not seen.has_batch_axis:
            return missing(Reason.NO_BATCH_AXIS)
        if not seen.is_finite:
            return missing(Reason.NOT_FINITE)
        method = "a backward pass a sample"
        kernel = gram_by_backward_passes(
            seen.sums(), list(weights.values()), may_stop=probe.ignores_input
        )
    outcome = condition_number(kernel, relative_rounding(probe.model))
    return Outcome(outcome.value, outcome.reason, outcome.note, {"method": method})


def condition_number(kernel: NDArray[np.float64], rounding: float) -> Outcome:
    """lambda_max / lambda_min of a symmetric matrix, or why it is none.

    Parameters
    ----------
    kernel : ndarray of float64, shape (n, n)
        Gram matrix of gradients.
    rounding : float
        Unit of rounding of the gradients: what is below it is not told from zero.

    Examples
    --------
    >>> condition_number(np.diag([1.0, 4.0]), 1e-16).value
    4.0
    """
    if not np.isfinite(kernel).all():
        return missing(Reason.GRADIENT_NOT_FINITE)
    if not kernel.any() or _rows_are_equal(kernel, rounding):
        return missing(Reason.IGNORES_INPUT)
    v = np.linalg.eigvalsh(kernel)
    if v[0] <= len(kernel) * rounding * v[-1]:
        return missing(Reason.SINGULAR)
    return Outcome(float(v[-1] / v[0]))


def gram_by_backward_passes(
    sums: Tensor, weights: list[Tensor], *, may_stop: bool = False
) -> NDArray[np.float64]:
    """T by the definition: one backward pass for each sample through the one forward pass.

    Holds the gradients: batch size times number of weights. Where every sample has the same output
    (`may_stop`) and the first has no gradient, none has, and the rest is not computed.
    """
    rows = sums.new_empty(len(sums), sum(w.numel() for w in weights))
    for i in range(len(sums)):
        gradients = torch.autograd.grad(
            sums[i], weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        torch.cat([g.reshape(-1) for g in gradients], out=rows[i])
        if i == 0 and may_stop and not rows[0].any():
            return np.zeros((len(sums), len(sums)))
    return _gram([rows])


def gram_of_independent_samples(
    model: nn.Module, weights: Mapping[str, Tensor], inputs: Nest
) -> NDArray[np.float64] | None:
    """T by vectorised gradients of single samples; None where that cannot be done.

    The first two samples, run together, have to give what they give alone: where an operator
    outside batch norm lets samples see each other, T is left to the plain definition.

    Parameters
    ----------
    model : nn.Module
        The network, in evaluation mode.
    weights : mapping of str to Tensor
        The parameters of the definition.
    inputs : nest of Tensor
        The batch.
    """
    pair = head(inputs, 2)
    together = run_forward(model, map_tensors(Tensor.detach, pair), batch_size(pair))
    if not together.has_batch_axis or not together.is_finite:
        return None
    sums = together.sums()
    frozen = {n: p.detach() for n, p in model.named_parameters() if n not in weights}
    frozen |= {n: b.detach() for n, b in model.named_buffers()}
    detached = {n: w.detach() for n, w in weights.items()}

    def objective(values: dict[str, Tensor], sample: Nest) -> tuple[Tensor, Tensor]:
        alone = map_tensors(lambda t: t.unsqueeze(0) if t.dim() else t, sample)
        outputs = torch.func.functional_call(
            _Caller(model), {f"model.{n}": t for n, t in {**frozen, **values}.items()}, (alone,)
        )
        total = torch.stack([t.sum() for t in logits_of(outputs)]).sum()
        return total, total

    free = map_tensors(lambda t: t.detach(), inputs)
    axes = _batch_axes(free)
    differentiate = torch.func.grad(objective, has_aux=True)
    try:
        with quiet():
            gradients, alone = torch.func.vmap(differentiate, (None, axes))(detached, free)
    except (RuntimeError, NotImplementedError, ValueError):
        return None  # an operator that cannot be vectorised
    tolerance = 1e3 * relative_rounding(model)
    scale = tolerance * float(alone.abs().max())
    if not torch.allclose(alone[: len(sums)], sums, rtol=tolerance, atol=scale):
        return None
    return _gram([g.reshape(len(alone), -1) for g in gradients.values()])


class _Caller(nn.Module):
    """A model that takes its nest of inputs as one argument."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Nest) -> Nest:
        """What the model gives for the nest."""
        return call(self.model, inputs)


def _batch_axes(inputs: Nest) -> Nest:
    if isinstance(inputs, Tensor):
        return 0 if inputs.dim() else None
    if isinstance(inputs, dict):
        return {key: _batch_axes(value) for key, value in inputs.items()}
    if isinstance(inputs, tuple | list):
        return type(inputs)([_batch_axes(value) for value in inputs])
    return None


def _gram(blocks: list[Tensor], chunk: int = 1 << 16) -> NDArray[np.float64]:
    """Sum of products of rows, in float64, over parts of columns that stay in the cache."""
    size = len(blocks[0])
    total = torch.zeros(size, size, dtype=torch.float64, device=blocks[0].device)
    for block in blocks:
        for part in torch.split(block, max(1, chunk // size), dim=1):
            wide = part.double()
            total += wide @ wide.T
    result: NDArray[np.float64] = total.cpu().numpy()
    return result


def _rows_are_equal(kernel: NDArray[np.float64], rounding: float) -> bool:
    spread = np.abs(kernel - kernel[:1]).max()
    return bool(spread <= len(kernel) * rounding * np.abs(kernel).max())


def _is_weight(name: str, parameter: Tensor) -> bool:
    return "weight" in name and parameter.is_floating_point()
