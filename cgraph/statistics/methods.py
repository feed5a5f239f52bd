"""The statistics, one record for each protocol: what exactly the number means.

One name, several protocols: sources that use the same name differ in mode, batch, initialisation
and constants, and give different numbers. The id of a protocol is `name@protocol`; a plain name
means the recommended protocol, the first that the models can be measured by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal

from cgraph import checks
from cgraph.errors import UnknownNameError
from cgraph.registry import Table
from cgraph.statistics.accuracy import accuracy
from cgraph.statistics.features import meco, zen
from cgraph.statistics.gradients import fisher, grad_norm, grasp, snip, zico
from cgraph.statistics.naswot import naswot_v1, naswot_v2
from cgraph.statistics.ntk import ntk
from cgraph.statistics.options import Options
from cgraph.statistics.probing import Observable, Probe
from cgraph.statistics.regions import regions, swap
from cgraph.statistics.static import n_layers, n_macs, n_parameters
from cgraph.statistics.synflow import synflow
from cgraph.statistics.values import Outcome

Initialisation = Literal["default", "kaiming-fan-out", "normal"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A definition with every choice that its number depends on.

    Parameters
    ----------
    name : str
        Id: the statistic, "@", and what the protocol is called after.
    function : callable
        From a `Probe` and `Options` to an `Outcome`.
    definition : str
        What the number is.
    direction : {1, -1}
        1 where higher is better, -1 where lower is.
    observes : frozenset of str, default=frozenset()
        What a forward pass has to provide.
    skeleton : str, default="full"
        Which network of a candidate is measured.
    initialisation : {"default", "kaiming-fan-out", "normal"}, default="default"
        How its weights are drawn; "default" is PyTorch's.
    batch_size : int, default=64
        Samples of a batch.
    n_batches : int, default=1
        Batches.
    image_size : int, default=None
        Height and width of the images, where they are not those of the skeleton.
    mode : {"train", "eval"}, default="train"
        Whether batch norm uses the statistics of the batch.
    is_delicate : bool, default=False
        Whether rounding in single precision can move it by more than a thousandth where batch
        norm couples the samples.
    is_noisy : bool, default=False
        Whether the definition draws noise of its own, beside weights and batch.
    shares_batch : bool, default=False
        Whether every network of a draw sees the same batch.
    is_recommended : bool, default=False
        Whether a plain name may mean this protocol.
    needs : tuple of str, default=("inputs",)
        What it takes: inputs, gradients, labels; "training" where it is measured on samples that
        are held out of one.
    options : Options, default=Options()
        Constants and choices of the definition.
    cost : str, default="one forward pass"
        In passes over a batch.
    source : str, default=""
        Whose it is.
    """

    name: str
    function: Callable[[Probe, Options], Outcome]
    definition: str
    direction: Literal[1, -1]
    observes: frozenset[Observable] = frozenset()
    skeleton: str = "full"
    initialisation: Initialisation = "default"
    batch_size: int = 64
    n_batches: int = 1
    image_size: int | None = None
    mode: Literal["train", "eval"] = "train"
    is_delicate: bool = False
    is_noisy: bool = False
    shares_batch: bool = False
    is_recommended: bool = False
    needs: tuple[str, ...] = ("inputs",)
    options: Options = field(default_factory=Options)
    cost: str = "one forward pass"
    source: str = ""

    @property
    def statistic(self) -> str:
        """The name without the protocol."""
        return self.name.partition("@")[0]

    @property
    def takes_over(self) -> str:
        """Its id, where it runs passes of its own that change the network; else "" ."""
        return "" if self.observes or not self.needs else self.name


_NTK = "condition number of the Gram matrix of the gradients of the summed logits, over weights"
_REGIONS = "number of distinct signs of all rectified units"
_NASWOT_V1 = "-sum(log(v + k) + 1/(v + k)), v the eigenvalues of the correlation of input gradients"
_NASWOT_V2 = "log |det K|, K_ij the number of rectified units in which two samples agree"
_TE_NAS = "Chen, Gong and Wang, 2021, TE-NAS (arXiv 2102.11535)"
_MELLOR_V1 = "Mellor et al., 2020, arXiv 2006.04647v1"
_MELLOR_V2 = "Mellor et al., 2021, Neural Architecture Search without Training, ICML"
_ZERO_COST = "Abdelfattah et al., 2021, Zero-Cost Proxies for Lightweight NAS, ICLR"
_ZEN_NAS = "Lin et al., 2021, Zen-NAS, ICCV; batch of 64, weights by PyTorch's default"

_ZICO = "Li et al., 2023, ZiCo: Zero-shot NAS via Inverse Coefficient of Variation, ICLR"
_MECO = "Jiang et al., 2023, MeCo: Zero-Shot NAS with One Data and Single Forward Pass, NeurIPS"
_SWAP = "Peng et al., 2024, SWAP-NAS, ICLR"

_GRADIENTS = ("inputs", "gradients")
_LABELS = ("inputs", "gradients", "labels")
_GRAPH: frozenset[Observable] = frozenset({"weight graph"})

STATISTICS: Table[Protocol] = Table(
    "statistic",
    [
        Protocol(
            "ntk@te-nas-code", ntk, _NTK, -1, frozenset({"weight graph"}), skeleton="thin",
            batch_size=72, is_recommended=True, is_delicate=True, needs=_GRADIENTS,
            cost="one forward pass and a backward pass a sample, on the thin network",
            source=f"{_TE_NAS}, as the released code runs",
        ),
        Protocol(
            "ntk@te-nas-paper", ntk, _NTK, -1, frozenset({"weight graph"}), skeleton="thin",
            initialisation="kaiming-fan-out", batch_size=72, is_delicate=True, needs=_GRADIENTS,
            cost="one forward pass and a backward pass a sample, on the thin network",
            source=f"{_TE_NAS}, as the paper says",
        ),
        Protocol(
            "ntk@full", ntk, _NTK, -1, frozenset({"weight graph"}), batch_size=32,
            is_recommended=True, is_delicate=True, needs=_GRADIENTS,
            cost="one forward pass and a backward pass a sample", source=_TE_NAS,
        ),
        Protocol(
            "regions@te-nas", regions, _REGIONS, 1, frozenset({"patterns"}), skeleton="cell",
            batch_size=1000, n_batches=3, is_recommended=True,
            cost="three forward passes of one cell", source=_TE_NAS,
        ),
        Protocol(
            "regions@full", regions, _REGIONS, 1, frozenset({"patterns"}), is_recommended=True,
            source="the count of TE-NAS on the whole network; saturates, as in ZenNAS and AZ-NAS",
        ),
        Protocol(
            "naswot-v1@zero-cost-nas", naswot_v1, _NASWOT_V1, 1, frozenset({"input graph"}),
            is_recommended=True, is_delicate=True, needs=_GRADIENTS,
            cost="one forward and one backward pass", source=_ZERO_COST,
        ),
        Protocol(
            "naswot-v1@official", naswot_v1, _NASWOT_V1, 1, frozenset({"input graph"}),
            batch_size=256, is_delicate=True, needs=_GRADIENTS, options=Options(is_one_logit=True),
            cost="one forward and one backward pass", source=_MELLOR_V1,
        ),
        Protocol(
            "naswot-v2@zen-nas", naswot_v2, _NASWOT_V2, 1, frozenset({"agreements"}),
            is_recommended=True, source=_ZEN_NAS,
        ),
        Protocol(
            "naswot-v2@official", naswot_v2, _NASWOT_V2, 1,
            frozenset({"agreements"}), batch_size=128, shares_batch=True,
            needs=_GRADIENTS, options=Options(is_reachable_only=True), source=_MELLOR_V2,
        ),
        Protocol(
            "grad-norm@zero-cost-nas", grad_norm,
            "sum over layers of the Euclidean norm of the gradient of cross entropy", 1, _GRAPH,
            is_recommended=True, needs=_LABELS, cost="one forward and one backward pass",
            source=_ZERO_COST,
        ),
        Protocol(
            "snip@zero-cost-nas", snip, "sum |W dL/dW|, L the cross entropy", 1, _GRAPH,
            is_recommended=True, needs=_LABELS, cost="one forward and one backward pass",
            source=f"Lee et al., 2019, SNIP; {_ZERO_COST}",
        ),
        Protocol(
            "grasp@zero-cost-nas", grasp, "sum -W (H g), g and H of the cross entropy", 1, _GRAPH,
            is_recommended=True, needs=_LABELS, cost="one forward and two backward passes",
            source=f"Wang et al., 2020, GraSP; {_ZERO_COST}, whose sign it has",
        ),
        Protocol(
            "fisher@zero-cost-nas", fisher,
            "sum over weights of their channel's 1/2 mean_n (sum_hw a dL/da)^2", 1, _GRAPH,
            is_recommended=True, needs=_LABELS, cost="one forward and one backward pass",
            source=f"Turner et al., 2020, BlockSwap; {_ZERO_COST}",
        ),
        Protocol(
            "synflow@zero-cost-nas", synflow,
            "log sum |W dR/dW|: parameters by size, no batch norm, an input of ones, R = sum f", 1,
            batch_size=1, is_recommended=True, needs=("gradients",),
            cost="one forward and one backward pass of one input",
            source=f"Tanaka et al., 2020, NeurIPS; {_ZERO_COST}, of which it is the logarithm",
        ),
        Protocol(
            "zen@zen-nas", zen,
            "log E |f(x) - f(x + 0.01 x')| before pooling, plus sum log sqrt(mean running var)", 1,
            initialisation="normal", batch_size=16, is_noisy=True, is_recommended=True,
            cost="two forward passes", source="Lin et al., 2021, Zen-NAS, ICCV",
        ),
        Protocol(
            "zico@official", zico, "sum over layers of log sum_w mean|g_w| / std g_w, over batches",
            1, _GRAPH, n_batches=2, is_recommended=True, needs=_LABELS,
            cost="two forward and two backward passes", source=_ZICO,
        ),
        Protocol(
            "meco@official", meco,
            "sum over layers of the least eigenvalue of the correlation of channels", 1,
            batch_size=1, image_size=64, is_recommended=True,
            cost="one forward pass of one input", source=_MECO,
        ),
        Protocol(
            "swap@official", swap, "number of distinct patterns of units over samples", 1,
            frozenset({"unit patterns"}), batch_size=16, is_recommended=True, source=_SWAP,
        ),
        Protocol(
            "params@static", n_parameters, "number of parameters", 1, batch_size=1,
            is_recommended=True, needs=(), cost="none", source="counted",
        ),
        Protocol(
            "macs@static", n_macs, "multiply-accumulate operations for one input", 1, batch_size=1,
            is_recommended=True, cost="a trace, nothing computed", source="counted",
        ),
        Protocol(
            "layers@static", n_layers, "number of convolutions and linear layers", 1, batch_size=1,
            is_recommended=True, needs=(), cost="none", source="counted",
        ),
        Protocol(
            "accuracy@held-out", accuracy,
            "percentage of held-out samples whose largest logit is that of their class", 1,
            batch_size=256, mode="eval", is_recommended=True,
            needs=("inputs", "labels", "training"), cost="a forward pass of every held-out sample",
            source="counted",
        ),
    ],
)  # fmt: skip


def statistic_names() -> tuple[str, ...]:
    """Plain names, in the order of the table.

    Examples
    --------
    >>> statistic_names()[:4]
    ('ntk', 'regions', 'naswot-v1', 'naswot-v2')
    """
    return tuple(dict.fromkeys(protocol.statistic for protocol in STATISTICS.values()))


def resolve(name: str, skeletons: Collection[str] = ("full",)) -> Protocol:
    """The protocol that a name means.

    Parameters
    ----------
    name : str
        Id of a protocol, or a plain name: then the first recommended protocol whose skeleton is
        among `skeletons`. Underscores stand for hyphens.
    skeletons : collection of str, default=("full",)
        The networks that the models come in.

    Raises
    ------
    UnknownNameError
        If the table has no such id and no such statistic.

    Examples
    --------
    >>> resolve("ntk").name, resolve("ntk", ("full", "thin", "cell")).name
    ('ntk@full', 'ntk@te-nas-code')
    """
    hyphened = checks.text("statistic", name).replace("_", "-")
    if hyphened in STATISTICS:
        return STATISTICS[hyphened]
    for protocol in STATISTICS.values():
        if (
            protocol.statistic == hyphened
            and protocol.is_recommended
            and protocol.skeleton in skeletons
        ):
            return protocol
    raise UnknownNameError("statistic", name, (*statistic_names(), *STATISTICS))
