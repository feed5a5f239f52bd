"""Condition number of the neural tangent kernel (Chen, Gong and Wang, 2021, "TE-NAS", ICLR).

T_ij = g_i . g_j, where g_i is the gradient of the summed logits of sample i with respect to the
parameters whose name has "weight"; kappa is the largest eigenvalue of T over the least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cgraph.statistics.narrow import WIDEST_MANY
from cgraph.statistics.nests import Nest, batch_size, call, head, logits_of, map_tensors
from cgraph.statistics.options import Options
from cgraph.statistics.per_sample import PerSampleGram, products_of_rows
from cgraph.statistics.probing import Probe, relative_rounding
from cgraph.statistics.recording import Pass, Recorded, quiet, run_forward
from cgraph.statistics.rounding import is_rounding, magnitude_of, may_be_rounding
from cgraph.statistics.values import Outcome, Reason, missing

_AT_ONCE = 12  # backward passes; more of a thin network do not fit the cache


@dataclass(frozen=True, slots=True)
class Gram:
    """A Gram matrix of gradients, and what to judge its size by.

    Parameters
    ----------
    kernel : ndarray of float64, shape (batch, batch)
        T.
    magnitude : float
        Sum of the sizes of the outputs that gradients were taken of.
    """

    kernel: NDArray[np.float64]
    magnitude: float


def ntk(probe: Probe, _options: Options) -> Outcome:
    """Kappa = lambda_max / lambda_min of T."""
    weights = {n: p for n, p in probe.model.named_parameters() if _is_weight(n, p)}
    if not weights:
        return missing(Reason.NO_WEIGHT)
    if probe.size > sum(p.numel() for p in weights.values()):
        return missing(Reason.TOO_FEW_PARAMETERS)
    gram = None
    if not any(module.training for module in probe.model.modules()):
        gram = gram_by_layers(probe.model, weights, probe.batches[0])
        if gram is None:
            gram = gram_of_independent_samples(probe.model, weights, probe.batches[0])
    method = "gradients of single samples"
    if gram is None:
        seen = probe.first
        if not seen.has_batch_axis:
            return missing(Reason.NO_BATCH_AXIS)
        if not seen.is_finite:
            return missing(Reason.NOT_FINITE)
        sums = seen.sums()
        if not sums.requires_grad:
            return missing(Reason.NO_GRADIENT)
        method = "a backward pass a sample"
        kernel = gram_by_backward_passes(
            sums,
            list(weights.values()),
            may_stop=probe.ignores_input,
            n_at_once=_AT_ONCE if _is_narrow(probe.model) else 1,
        )
        gram = Gram(kernel, magnitude_of(seen.logits))
    if _is_rounding(probe, gram, list(weights.values())):
        return missing(Reason.CANCELLED)
    outcome = condition_number(gram.kernel, relative_rounding(probe.model))
    return Outcome(outcome.value, outcome.reason, outcome.note, {"method": method})


def _is_rounding(probe: Probe, gram: Gram, weights: list[Tensor]) -> bool:
    """Whether there is no gradient of the sum, though the outputs depend on the input."""
    norm, rounding = float(np.trace(gram.kernel)) ** 0.5, relative_rounding(probe.model)
    if norm == 0:
        return not probe.ignores_input
    return may_be_rounding(norm, gram.magnitude, weights, rounding) and is_rounding(
        norm, probe.first.logits, weights, rounding
    )


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
    if not kernel.any() or (len(kernel) > 1 and _rows_are_equal(kernel, rounding)):
        return missing(Reason.IGNORES_INPUT)
    v = np.linalg.eigvalsh(kernel)
    if v[0] <= len(kernel) * rounding * v[-1]:
        return missing(Reason.SINGULAR)
    return Outcome(float(v[-1] / v[0]))


def gram_by_backward_passes(
    sums: Tensor, weights: list[Tensor], *, may_stop: bool = False, n_at_once: int = 1
) -> NDArray[np.float64]:
    """T by the definition: a backward pass for each sample through the one forward pass.

    Holds the gradients: batch size times number of weights. Where every sample has the same output
    (`may_stop`) and the first has no gradient, none has, and the rest is not computed.

    Parameters
    ----------
    sums : Tensor of shape (batch,)
        Summed logits of each sample, with their graph.
    weights : list of Tensor
        The parameters of the definition.
    may_stop : bool, default=False
        Whether a first gradient of zero means that all are.
    n_at_once : int, default=1
        How many backward passes are vectorised to one: more is quicker where layers are narrow.
    """
    rows = sums.new_empty(len(sums), sum(w.numel() for w in weights))
    if n_at_once > 1:
        try:
            return _gram_of_rows(rows, sums, weights, may_stop, n_at_once)
        except (RuntimeError, NotImplementedError):
            pass  # an operator whose backward pass cannot be vectorised
    return _gram_of_rows(rows, sums, weights, may_stop, 1)


def _gram_of_rows(
    rows: Tensor, sums: Tensor, weights: list[Tensor], may_stop: bool, n_at_once: int
) -> NDArray[np.float64]:
    cotangents = torch.eye(len(sums), dtype=sums.dtype, device=sums.device)

    def pull_back(cotangent: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(
            sums, weights, cotangent, retain_graph=True, allow_unused=True, materialize_grads=True
        )

    orders: list[list[int]] = []
    for start in range(0, len(sums), n_at_once):
        chosen = cotangents[start : start + n_at_once]
        if n_at_once == 1:
            gradients = pull_back(chosen[0])
        else:
            with quiet():
                gradients = torch.func.vmap(pull_back)(chosen)
        block = rows[start : start + n_at_once]
        if n_at_once == 1:  # copied in the order of memory, the same for all samples
            orders = orders or [_storage_order(g) for g in gradients]
            gradients = tuple(g.permute(o) for g, o in zip(gradients, orders, strict=True))
        torch.cat([g.reshape(len(block), -1) for g in gradients], dim=1, out=block)
        if start == 0 and may_stop and not block.any():
            return np.zeros((len(sums), len(sums)))
    return _gram(rows)


def _storage_order(tensor: Tensor) -> list[int]:
    """The axes of a tensor in the order of memory."""
    strides = tensor.stride()
    return sorted(range(tensor.dim()), key=lambda axis: -strides[axis])


def gram_by_layers(model: nn.Module, weights: Mapping[str, Tensor], inputs: Nest) -> Gram | None:
    """T layer by layer, in one forward and one backward pass; None where that cannot be done.

    The first two samples have to give among all what they give as a pair, and every weight has to
    be used by layers whose gradients are known sample by sample.

    Parameters
    ----------
    model : nn.Module
        The network, in evaluation mode.
    weights : mapping of str to Tensor
        The parameters of the definition.
    inputs : nest of Tensor
        The batch.
    """
    size = batch_size(inputs)
    gram = PerSampleGram(list(weights.values()), size)
    free = map_tensors(lambda t: t.detach().clone(), inputs)
    with quiet(), torch.enable_grad(), gram:
        every = Pass(logits_of(call(model, free)), [], size, Recorded())
    with quiet(), torch.no_grad():
        few = head(map_tensors(Tensor.detach, inputs), 2)
        pair = Pass(logits_of(call(model, few)), [], min(2, size), Recorded())
    if not every.has_batch_axis or not pair.has_batch_axis or not every.is_finite:
        return None
    sums = every.sums()
    if not sums.requires_grad or not _agree(sums[:2], pair.sums(), sums, model):
        return None
    left_over = torch.autograd.grad(sums.sum(), list(weights.values()), allow_unused=True)
    if any(g is not None for g in left_over):
        return None
    return Gram(gram.gram(), magnitude_of(every.logits))


def _agree(some: Tensor, others: Tensor, every: Tensor, model: nn.Module) -> bool:
    tolerance = 1e3 * relative_rounding(model)
    scale = tolerance * float(every.detach().abs().max())
    return torch.allclose(some, others, rtol=tolerance, atol=scale)


def gram_of_independent_samples(
    model: nn.Module, weights: Mapping[str, Tensor], inputs: Nest
) -> Gram | None:
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

    def objective(values: dict[str, Tensor], sample: Nest) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        alone = map_tensors(lambda t: t.unsqueeze(0) if t.dim() else t, sample)
        outputs = torch.func.functional_call(
            _Caller(model), {f"model.{n}": t for n, t in {**frozen, **values}.items()}, (alone,)
        )
        logits = logits_of(outputs)
        total = torch.stack([t.sum() for t in logits]).sum()
        return total, (total, torch.stack([t.abs().sum() for t in logits]).sum())

    free = map_tensors(lambda t: t.detach(), inputs)
    axes = _batch_axes(free)
    differentiate = torch.func.grad(objective, has_aux=True)
    try:
        with quiet():
            gradients, (alone, sizes) = torch.func.vmap(differentiate, (None, axes))(detached, free)
    except (RuntimeError, NotImplementedError, ValueError):
        return None  # an operator that cannot be vectorised
    if not _agree(alone[: len(sums)], sums, alone, model):
        return None
    kernel = _gram(*(g.reshape(len(alone), -1) for g in gradients.values()))
    return Gram(kernel, float(sizes.double().sum()))


def _is_narrow(model: nn.Module) -> bool:
    """Whether every convolution is of the kind that many backward passes are vectorised for."""
    convolutions = [m for m in model.modules() if isinstance(m, nn.modules.conv._ConvNd)]
    return bool(convolutions) and all(
        isinstance(m, nn.Conv2d)
        and max(m.weight.shape[:2]) <= WIDEST_MANY
        and m.groups == 1
        and m.weight.device.type == "cpu"
        for m in convolutions
    )


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


def _gram(*blocks: Tensor) -> NDArray[np.float64]:
    """Sum of products of rows, in float64."""
    products = torch.stack([products_of_rows(block) for block in blocks])
    result: NDArray[np.float64] = products.sum(0).cpu().numpy()
    return result


def _rows_are_equal(kernel: NDArray[np.float64], rounding: float) -> bool:
    spread = np.abs(kernel - kernel[:1]).max()
    return bool(spread <= len(kernel) * rounding * np.abs(kernel).max())


def _is_weight(name: str, parameter: Tensor) -> bool:
    return "weight" in name and parameter.is_floating_point()
