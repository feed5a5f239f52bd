"""What a statistic gives: a value, or the reason why there is none.

A failure is never a number. Reasons are a closed set, so that tables can be grouped by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cgraph.graphs.computational import Attribute, Attributes


class Reason(StrEnum):
    """Why a statistic has no value; the text is what a table shows."""

    IGNORES_INPUT = "the output ignores the input"
    CONSTANT_JACOBIAN = "a sample's gradient is constant over the input"
    SINGULAR = "the matrix is singular"
    DUPLICATED_SAMPLES = "two samples of the batch have the same codes"
    TOO_FEW_PARAMETERS = "the batch is larger than the number of parameters"
    NOT_FINITE = "the forward pass gave NaN or infinity"
    GRADIENT_NOT_FINITE = "the gradient is NaN or infinite"
    NO_GRADIENT = "no gradient comes back from the output"
    CANCELLED = "the gradient is zero but for rounding"
    SAME_GRADIENT = "the gradient is the same in every batch"
    NO_RECTIFIER = "no ReLU, or other activation that the definition allows, was run"
    NO_BATCH_AXIS = "a tensor does not have the batch as its first axis"
    NO_INPUT_GRADIENT = "no input is a floating-point tensor that takes a gradient"
    NO_WEIGHT = "the network has no parameter of the kind the definition is about"
    NO_SKELETON = "the model does not come in the skeleton of the protocol"
    NO_POOLING = "the network has no global average pooling, before which the definition stops"
    NO_FEATURE_MAP = "no layer gives a feature map of several channels and two axes or three"
    NO_LOGITS = "the output is not one row of logits for each sample"
    ONE_BATCH = "the definition needs two batches or more"
    OVERFLOW = "the value is beyond what a float64 can hold"
    DIVERGED = "the loss became NaN or infinite in training"
    TOO_FEW_OUTPUTS = "the network has fewer outputs than there are classes"
    WORKER_KILLED = "the system killed the process that computed it, twice: perhaps for its memory"


class Caveat(StrEnum):
    """What is said of a value at an end of its scale: it is kept, but tells less than it seems."""

    SATURATED = "saturated: every sample is in a region of its own"
    ONE_REGION = "degenerate: every sample is in one region"
    EVERY_PATTERN = "saturated: every pattern there can be"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic of one network.

    Parameters
    ----------
    value : float or None
        The number; None where it cannot be had.
    reason : Reason or None
        Why there is none; None where there is a value.
    protocol : str
        Which definition with which choices: "naswot-v1@zero-cost-nas".
    parameters : Attributes, default=Attributes()
        What the value depends on: batch size, mode, constants of the definition, data type.
    note : Caveat or str, default=""
        What one has to know to read the value; a `Caveat` at an end of its scale.

    Examples
    --------
    >>> Statistic(None, Reason.NO_RECTIFIER, "regions@full").reason.name
    'NO_RECTIFIER'
    """

    value: float | None
    reason: Reason | None
    protocol: str
    parameters: Attributes = field(default_factory=Attributes)
    note: Caveat | str = ""

    def __post_init__(self) -> None:
        assert (self.value is None) != (self.reason is None), "a value or a reason, not both"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function of a protocol returns: a value with a note, or a reason.

    Parameters
    ----------
    value : float or None
        The number.
    reason : Reason or None, default=None
        Why there is none.
    note : Caveat or str, default=""
        What one has to know to read the value.
    details : mapping, default={}
        What the value depends on beyond the protocol, such as the number of units.
    """

    value: float | None
    reason: Reason | None = None
    note: Caveat | str = ""
    details: Mapping[str, Attribute] = field(default_factory=dict)


def missing(reason: Reason, note: str = "") -> Outcome:
    """An outcome without a value.

    Examples
    --------
    >>> missing(Reason.SINGULAR).value is None
    True
    """
    return Outcome(None, reason, note)
