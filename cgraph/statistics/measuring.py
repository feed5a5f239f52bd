"""One statistic of one network exactly as it stands."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.generators import untouched_generators
from cgraph.graphs.computational import Attributes
from cgraph.statistics.copying import copy_of
from cgraph.statistics.datasets import classes_of
from cgraph.statistics.devices import device_of
from cgraph.statistics.methods import Protocol, resolve
from cgraph.statistics.nests import Nest, batch_size, map_tensors
from cgraph.statistics.probing import Probe, in_quick_layout
from cgraph.statistics.rounding import widened
from cgraph.statistics.values import Statistic


def measure(
    model: nn.Module,
    statistic: str,
    inputs: Nest = None,
    *,
    labels: Any = None,
    mode: Literal["train", "eval"] | None = None,
    device: str | torch.device | None = None,
) -> Statistic:
    """One statistic of one network as it stands: no new initialisation, data type kept.

    Parameters
    ----------
    model : nn.Module
        The network. It is left as it was found: a copy of it is run.
    statistic : str
        A name ("naswot-v2") or the id of a protocol ("naswot-v2@official"). Initialisation, batch
        size and mode of the protocol are not applied; its definition and its constants are.
    inputs : nest of Tensor
        A batch: a tensor, a tuple of tensors (several arguments), or a dict (keyword arguments).
        A list of these is several batches. Floating-point tensors are converted to the type and
        the device of the parameters.
    labels : array-like of int, shape (batch,), or a list of them, optional
        Class of each sample, of each batch; for statistics of a loss and for accuracy.
    mode : {"train", "eval"}, default=None
        Mode for the measurement; by default every module stays in its own.
    device : str or torch.device, optional
        Where the network is run; by default where its parameters are.

    Returns
    -------
    Statistic
        Its `value`, or None and the `reason`.

    Raises
    ------
    ArgumentError
        If `model` is not a module or cannot be copied, `inputs` is missing, empty, has no batch
        axis or is nothing that the model takes, labels are not a class for each sample, `mode` is
        not a mode, or `device` not a device.
    UnknownNameError
        If there is no such statistic.

    Notes
    -----
    Deep networks with batch norm in train mode amplify rounding: the condition number of the
    tangent kernel moves by up to a hundredth between two ways to add up in float32. Statistics
    that are so delicate are computed from the activations that the network has in float64.

    Random operators such as dropout draw from the state that torch's generators are in; the state
    is put back afterwards.

    Examples
    --------
    >>> x = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
    >>> result = measure(nn.ReLU(), "regions", x)
    >>> result.value, result.protocol, result.note.name
    (3.0, 'regions@full', 'SATURATED')
    """
    checks.instance("model", model, nn.Module, "be a torch.nn.Module")
    if mode is not None and (not isinstance(mode, str) or mode not in ("train", "eval")):
        raise ArgumentError("mode", "be 'train', 'eval' or None", checks.came(mode))
    protocol = resolve(statistic)
    where = None if device is None else device_of(device)
    batches = [
        map_tensors(lambda t: t, batch)
        for batch in (inputs if isinstance(inputs, list) else [inputs])
    ]
    needs_inputs = bool(protocol.needs) or protocol.observes
    if not batches or (inputs is None and needs_inputs):
        raise ArgumentError(
            "inputs", f"be a batch, or a list of batches, for {protocol.name}", checks.came(inputs)
        )
    with untouched_generators(where), torch.inference_mode(False):
        network = in_quick_layout(copy_of(model))
        if where is not None:
            network = network.to(where)
        if mode is not None:
            network.train(mode == "train")
        given = _labels(labels, batches, protocol)
        probe = Probe(network, batches, protocol.observes, given)
        precision: AbstractContextManager[None] = nullcontext()
        if protocol.is_delicate and any(module.training for module in network.modules()):
            state = torch.get_rng_state()
            if not probe.pin_first():
                torch.set_rng_state(state)
                probe = Probe(network.double(), batches, protocol.observes, given)
                precision = widened()
        with precision:
            return statistic_of(probe, protocol)


def statistic_of(probe: Probe, protocol: Protocol) -> Statistic:
    """The statistic of a protocol, of a network under examination."""
    outcome = protocol.function(probe, protocol.options)
    modes = {module.training for module in probe.model.modules()}
    mode = "mixed" if len(modes) == 2 else "train" if modes == {True} else "eval"
    parameters = {
        "batch_size": probe.size,
        "n_batches": len(probe.batches),
        "mode": mode,
        **outcome.details,
    }
    return Statistic(
        outcome.value, outcome.reason, protocol.name, Attributes(parameters), outcome.note
    )


def _labels(labels: Any, batches: list[Nest], protocol: Protocol) -> list[Tensor] | None:
    """Labels of each batch, checked; None for a statistic that takes none."""
    if "labels" not in protocol.needs:
        return None
    sizes = [batch_size(batch) for batch in batches]
    if labels is None:
        raise ArgumentError(
            "labels",
            f"hold a class for each sample of each batch for {protocol.name}, of shape "
            + ", ".join(f"({size},)" for size in sizes),
            "none",
        )
    is_several = isinstance(labels, list | tuple) and not all(
        isinstance(label, int | np.integer) for label in labels
    )
    given = list(labels) if is_several else [labels]
    if len(given) != len(sizes):
        raise ArgumentError("labels", f"be given for {len(sizes)} batches", f"{len(given)} of them")
    return [
        torch.from_numpy(classes_of(label, size)) for label, size in zip(given, sizes, strict=True)
    ]
