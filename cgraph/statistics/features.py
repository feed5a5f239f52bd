"""Statistics of feature maps: Zen and MeCo.

Zen is of Lin et al. (2021, "Zen-NAS", ICCV), MeCo of Jiang et al. (2023, "MeCo", NeurIPS).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from cgraph.statistics.nests import call, map_tensors, tensors_of
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Probe
from cgraph.statistics.recording import quiet
from cgraph.statistics.values import Outcome, Reason, missing

_STEP = 0.01
_OF_A_MAP = (4, 5)  # dimensions of a batch of images, or of volumes
_POOLINGS = frozenset(
    {
        "mean",
        "_adaptive_avg_pool2d",
        "_adaptive_avg_pool3d",
        "avg_pool2d",
        "avg_pool3d",
    }
)


def zen(probe: Probe, _options: Options) -> Outcome:
    """Log E ||f(x) - f(x + 0.01 x')||_1 + sum over batch norms of log sqrt(mean running variance).

    f is the feature map before global average pooling, x and x' are Gaussian; the passes are in
    train mode and move the running variances, which undo the scaling that batch norm did.
    """
    norms = [m for m in probe.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    x = probe.batches[0]
    near = map_tensors(lambda t: t + _STEP * _noise_like(t) if t.is_floating_point() else t, x)
    maps = []
    for inputs in (x, near):
        recorder = _BeforePooling()
        with quiet(), torch.no_grad(), recorder:
            call(probe.model, inputs)
        if recorder.last is None:
            return missing(Reason.NO_POOLING)
        maps.append(recorder.last.double())
    difference = float((maps[0] - maps[1]).abs().flatten(1).sum(1).mean())
    if not math.isfinite(difference):
        return missing(Reason.NOT_FINITE)
    if difference == 0:
        return missing(Reason.IGNORES_INPUT)
    variances = [norm.running_var for norm in norms if norm.running_var is not None]
    scales = [float(variance.double().mean()) for variance in variances]
    return Outcome(math.log(difference) + sum(math.log(scale) / 2 for scale in scales))


def _noise_like(tensor: Tensor) -> Tensor:
    """Standard normal values, the same on every device."""
    return torch.randn(tensor.shape, dtype=tensor.dtype).to(tensor.device)


def meco(probe: Probe, _options: Options) -> Outcome:
    """Sum over layers of the least eigenvalue of the correlation of channels, of one sample.

    Layers are modules without modules of their own whose output is a feature map; a channel that is
    constant is uncorrelated with every other, itself included, as in the authors' code.
    """
    is_flat = all(t.dim() <= 2 for t in tensors_of(probe.batches[0]))
    kinds = nn.modules.conv._ConvNd
    if is_flat and not any(isinstance(m, kinds) for m in probe.model.modules()):
        return missing(Reason.NO_FEATURE_MAP)  # batch norm could not run on the one sample
    values: list[float] = []

    def keep(_module: nn.Module, _inputs: object, out: Any) -> None:
        if isinstance(out, Tensor) and out.dim() in _OF_A_MAP and out.shape[1] > 1:
            values.append(_least_eigenvalue(out[0].detach()))

    leaves = [m for m in probe.model.modules() if not any(True for _ in m.children())]
    hooks = [module.register_forward_hook(keep) for module in leaves]
    try:
        is_finite = probe.another().is_finite
    finally:
        for hook in hooks:
            hook.remove()
    if not is_finite:
        return missing(Reason.NOT_FINITE)
    if not values:
        return missing(Reason.NO_FEATURE_MAP)
    return Outcome(float(sum(values)), details={"n_layers": len(values)})


def _least_eigenvalue(feature_map: Tensor) -> float:
    rows = feature_map.flatten(1).double().cpu().numpy()
    centred = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    return float(np.linalg.eigvalsh(scaled @ scaled.T)[0])


class _BeforePooling(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps what the last global average pooling of a pass is given."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.last: Tensor | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and keep its input where it pools a map to one value."""
        del types
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in _POOLINGS and args[0].dim() in _OF_A_MAP:
            batch, channels = args[0].shape[:2]
            if out.numel() == batch * channels and out.shape[:2] == (batch, channels):
                self.last = args[0].clone()
        return out
