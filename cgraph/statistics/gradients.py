"""Statistics of the gradient of a loss with respect to the weights of layers.

Layers are convolutions and linear layers; the loss is cross entropy. As Abdelfattah, Mehrotra,
Dudziak and Lane (2021, "Zero-Cost Proxies for Lightweight NAS", ICLR) define them, from pruning:
snip (Lee et al., 2019), grasp (Wang et al., 2020), fisher (Turner et al., 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn

from cgraph.statistics.layers import CONVOLUTIONS, layers_of
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe
from cgraph.statistics.recording import Pass
from cgraph.statistics.values import Outcome, Reason, missing


def grad_norm(probe: Probe, _options: Options) -> Outcome:
    """Sum over layers of the Euclidean norm of the gradient."""
    weights, gradients, outcome = _first_gradients(probe)
    if outcome is not None:
        return outcome
    del weights
    return _finite(sum(float(g.double().norm()) for g in gradients))


def snip(probe: Probe, _options: Options) -> Outcome:
    """Sum over weights of |W dL/dW|."""
    weights, gradients, outcome = _first_gradients(probe)
    if outcome is not None:
        return outcome
    return _finite(sum(_total((w * g).abs()) for w, g in zip(weights, gradients, strict=True)))


def grasp(probe: Probe, _options: Options) -> Outcome:
    """Sum over weights of -W (H g), g the gradient and H the Hessian of the loss."""
    weights, gradients, outcome = _first_gradients(probe, create_graph=True)
    if outcome is not None:
        return outcome
    with torch.enable_grad():
        product = torch.stack([(g.detach() * g).sum() for g in gradients]).sum()
        if not product.requires_grad:  # a loss that is linear in the weights has no Hessian
            return Outcome(0.0)
        curved = torch.autograd.grad(product, weights, allow_unused=True, materialize_grads=True)
    return _finite(sum(-_total(w * h) for w, h in zip(weights, curved, strict=True)))


def fisher(probe: Probe, _options: Options) -> Outcome:
    """Sum over channels of 1/2 mean_n (sum_hw a da)^2, counted for each weight of a channel.

    a is what a layer gives, da the gradient of the loss with respect to it.
    """
    layers = layers_of(probe.model)
    if not layers:
        return missing(Reason.NO_WEIGHT)
    given: list[tuple[nn.Module, Tensor]] = []
    hooks = [layer.register_forward_hook(_keep_output(given)) for layer in layers]
    try:
        loss, outcome = _loss(probe, probe.another(), 0)
    finally:
        for hook in hooks:
            hook.remove()
    if outcome is not None or loss is None:
        return outcome or missing(Reason.NOT_FINITE)
    reached = [(layer, out) for layer, out in given if out.requires_grad]
    if not reached:
        return Outcome(0.0)
    outputs = [out for _, out in reached]
    with torch.enable_grad():
        gradients = torch.autograd.grad(
            loss, outputs, allow_unused=True, materialize_grads=True, retain_graph=True
        )
    if not all(bool(torch.isfinite(g).all()) for g in gradients):
        return missing(Reason.GRADIENT_NOT_FINITE)
    total = 0.0
    for (layer, out), gradient in zip(reached, gradients, strict=True):
        channel = 1 if isinstance(layer, CONVOLUTIONS) else -1
        product = (out.detach().double() * gradient.double()).movedim(channel, -1)
        per_sample = product.reshape(len(product), -1, product.shape[-1]).sum(1)
        saliency = per_sample.square().mean(0) / 2  # (channels,)
        assert isinstance(layer.weight, Tensor)
        total += float(saliency.sum()) * layer.weight[0].numel()
    return _finite(total)


def zico(probe: Probe, _options: Options) -> Outcome:
    """Sum over layers of log(sum_w mean|g_w| / std g_w), over batches.

    Li, Yang, Bhardwaj and Marculescu (2023, "ZiCo", ICLR). Weights whose gradient does not vary are
    left out, and counted.
    """
    layers = layers_of(probe.model)
    if not layers:
        return missing(Reason.NO_WEIGHT)
    if len(probe.batches) < 2:
        return missing(Reason.ONE_BATCH)
    rows: list[list[Tensor]] = [[] for _ in probe.first.weights]
    for i, seen in enumerate(probe.all):
        gradients, outcome = _gradients(probe, seen, i)
        if outcome is not None:
            return outcome
        for row, gradient in zip(rows, gradients, strict=True):
            row.append(gradient.double())
    total, n_left_out = 0.0, 0
    for row in rows:
        values = torch.stack(row)
        mean, std = values.abs().mean(0), values.std(0, correction=0)
        varies = std > 0
        n_left_out += int((~varies).sum())
        ratio = float((mean[varies] / std[varies]).sum())
        total += math.log(ratio) if ratio > 0 else 0.0
    if n_left_out == sum(w.numel() for w in probe.first.weights):
        return missing(Reason.SAME_GRADIENT)
    note = f"{n_left_out:,} weights with a constant gradient left out" if n_left_out else ""
    return _finite(total, note)


def _keep_output(
    given: list[tuple[nn.Module, Tensor]],
) -> Callable[[nn.Module, object, Tensor], Tensor]:
    def keep(module: nn.Module, _inputs: object, out: Tensor) -> Tensor:
        given.append((module, out))
        return out.clone()  # later work in place does no harm to what is kept

    return keep


def _first_gradients(
    probe: Probe, *, create_graph: bool = False
) -> tuple[list[Tensor], list[Tensor], Outcome | None]:
    if not layers_of(probe.model):
        return [], [], missing(Reason.NO_WEIGHT)
    gradients, outcome = _gradients(probe, probe.first, 0, create_graph=create_graph)
    return probe.first.weights, gradients, outcome


def _gradients(
    probe: Probe, seen: Pass, i: int, *, create_graph: bool = False
) -> tuple[list[Tensor], Outcome | None]:
    """Gradients of the loss of a pass over batch i by weights, or why there are none."""
    loss, outcome = _loss(probe, seen, i)
    if outcome is not None or loss is None:
        return [], outcome
    with torch.enable_grad():
        gradients = torch.autograd.grad(
            loss,
            seen.weights,
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
            materialize_grads=True,
        )
    if not all(bool(torch.isfinite(g).all()) for g in gradients):
        return [], missing(Reason.GRADIENT_NOT_FINITE)
    return list(gradients), None


def _loss(probe: Probe, seen: Pass, i: int) -> tuple[Tensor | None, Outcome | None]:
    """Mean cross entropy of a pass over batch i, or why there is none."""
    if not seen.has_batch_axis or seen.logits[0].dim() != 2:
        return None, missing(Reason.NO_LOGITS)
    if not seen.is_finite:
        return None, missing(Reason.NOT_FINITE)
    logits = seen.logits[0]
    labels = probe.labels_of(i, logits.shape[1]).to(logits.device)
    if int(labels.max()) >= logits.shape[1]:
        return None, missing(Reason.TOO_FEW_OUTPUTS)
    if not logits.requires_grad:
        return None, missing(Reason.NO_GRADIENT)
    with torch.enable_grad():
        return F.cross_entropy(logits, labels), None


def _finite(value: float, note: str = "") -> Outcome:
    return Outcome(value, note=note) if math.isfinite(value) else missing(Reason.OVERFLOW)


def _total(values: Tensor) -> float:
    return float(values.detach().double().sum())
