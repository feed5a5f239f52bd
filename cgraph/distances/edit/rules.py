"""What an edit of a label costs, for any label: the rules behind the ready-made cost models.

A rule takes labels and gives two arrays: substitution costs (K, K) and the cost to insert or
delete a kernel (K,). Both rules are metrics over any set of labels, so the distances built on
them are metrics too (tested).

The heuristic rule reads a label as a family of operations, an operation, a window and options:

====================  ========  =====================================================
family                indel     why
====================  ========  =====================================================
identity              2         a skip moves nothing and computes nothing
movement              1         views and copies: the shape changes, not the values
creation              1         values from nothing, of which the inputs know nothing
activation            2         element by element, no parameters
normalisation         2         two parameters a channel; folds into its neighbour
element-wise          2         an addition joins two branches
indexing, random      2         choose or draw values; learn nothing
quantisation          2         the same values in another form
reduction, loss       3         lose positions
resampling            3         looks at a few neighbours, at fixed weights
pooling, spectral     4         look at a window, or at all positions; learn nothing
embedding             5         learns a row for each symbol
convolution           5 + w     learns; w = log3(window): 0 for 1x1, 1 for 3x3, 2 for 9x9
linear                6         learns over everything
linear algebra        6         computes over everything
attention, recurrent  7         a block of operations in one kernel
control flow          7         a program in one kernel
input, output         6         replaced by nothing but themselves
other                 4         nothing is known
====================  ========  =====================================================

The numbers of the families stand with them, in `cgraph.graphs.labels`: a family has its costs
from the day it is there, and an operation that is in none is of the family "other".

Substitution within a family is cheap: 2 for a step of the window from 1x1 to 3x3, 1 for another
stride, dilation or grouping, 2 for another operation; never more than 4. Between families it
costs 6. No substitution costs more than deleting one and inserting the other does. Two pairs are
closer: an identity and a pooling (3), both without parameters and local, and an identity and a
convolution of 1x1 (5), which looks at one position. An edge costs 1: a fraction of an operation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.labels import OPERATION_FAMILIES, OTHER, family_of

# From K labels to substitution costs (K, K) and insertion or deletion costs (K,).
Rule = Callable[[Sequence[str]], tuple[NDArray[np.float64], NDArray[np.float64]]]

# Of the families that no operation of PyTorch is in.
BOUNDARY_INDEL = 6.0
OTHER_INDEL = 4.0

OTHER_FAMILY = 6.0
IDENTITY_POOLING = 3.0
IDENTITY_CONVOLUTION = 5.0
WINDOW_STEP = 2.0
OTHER_OPTION = 1.0
OTHER_OPERATION = 2.0
SAME_FAMILY_AT_MOST = 4.0
HEURISTIC_EDGE = 1.0

# Names that search spaces give to their operations, beside PyTorch's own.
_SPOKEN: tuple[tuple[str, str], ...] = (
    (r"skip_connect|identity|skip", "identity"),
    (r"avg_?pool|max_?pool|pool", "pooling"),
    (r"conv", "convolution"),
    (r"norm|^bn$", "normalisation"),
    (r"relu|gelu|silu|sigmoid|tanh|swish|softmax", "activation"),
    (r"attention", "attention"),
    (r"lstm|gru|rnn", "recurrent"),
    (r"linear|^fc$|matmul", "linear"),
)

_WINDOW = re.compile(r"(?:dw)?\d+(?:x\d+)*$")
_WINDOW_IN_NAME = re.compile(r"_?\d+(?:x\d+)+")


class Reading(NamedTuple):
    """A label, read: what it is made of."""

    family: str
    operation: str
    window: float  # log3 of the window's mean side; 0 without a window
    options: frozenset[str]  # stride, dilation and grouping, as written


def read_label(label: str) -> Reading:
    """What a label says of its kernel.

    Examples
    --------
    >>> read_label("conv2d[3x3,s2]")
    Reading(family='convolution', operation='conv2d', window=1.0, options=frozenset({'s2'}))
    >>> read_label("nor_conv_1x1").family, read_label("maxpool3x3").family
    ('convolution', 'pooling')
    """
    if label in (INPUT_LABEL, OUTPUT_LABEL):
        return Reading("boundary", label, 0.0, frozenset())
    operation, _, inside = label.partition("[")
    parts = [part for part in inside.rstrip("]").split(",") if part]
    written = _WINDOW.search(parts[0]) if parts else _WINDOW_IN_NAME.search(operation)
    options = {part for part in parts if not _WINDOW.fullmatch(part)}
    if parts and parts[0].startswith("dw"):
        options.add("dw")
    sides = [int(side) for side in re.findall(r"\d+", written.group())] if written else [1]
    mean = math.prod(sides) ** (1 / len(sides))
    bare = operation if parts else _WINDOW_IN_NAME.sub("", operation)
    # Rounded, so that sums of costs are exact on a grid of hundredths.
    size = round(math.log(max(mean, 1), 3), 2)
    return Reading(_family(operation), bare, size, frozenset(options))


def heuristic_rule(labels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Costs by family, window and options; the table is at the top of this module.

    Examples
    --------
    >>> substitute, indel = heuristic_rule(["nor_conv_3x3", "nor_conv_1x1", "skip_connect"])
    >>> substitute.tolist(), indel.tolist()
    ([[0.0, 2.0, 6.0], [2.0, 0.0, 5.0], [6.0, 5.0, 0.0]], [6.0, 5.0, 2.0])
    """
    readings = [read_label(label) for label in labels]
    indel = np.array([_indel(reading) for reading in readings], dtype=np.float64)
    k = len(labels)
    substitute = np.zeros((k, k))
    for i in range(k):
        for j in range(i):
            cost = _substitution(readings[i], readings[j])
            substitute[i, j] = substitute[j, i] = cost
    return substitute, indel


def uniform_rule(
    labels: Sequence[str], node: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same cost for every edit of a kernel.

    Examples
    --------
    >>> substitute, indel = uniform_rule(["relu", "add"], node=2.0)
    >>> substitute.tolist(), indel.tolist()
    ([[0.0, 2.0], [2.0, 0.0]], [2.0, 2.0])
    """
    k = len(labels)
    return node * (1.0 - np.eye(k)), np.full(k, float(node))


def _family(operation: str) -> str:
    family = family_of(operation)
    if family != OTHER:
        return family
    for pattern, spoken in _SPOKEN:
        if re.search(pattern, operation, re.IGNORECASE):
            return spoken
    return OTHER


def _indel(reading: Reading) -> float:
    if reading.family not in OPERATION_FAMILIES:
        return BOUNDARY_INDEL if reading.family == "boundary" else OTHER_INDEL
    base = float(OPERATION_FAMILIES[reading.family].edit_cost)
    if reading.family == "convolution":
        base += min(reading.window, 2.0)
    return base


def _substitution(a: Reading, b: Reading) -> float:
    if "boundary" in (a.family, b.family):
        return math.inf
    if a.family == b.family:
        return _within_family(a, b)
    pair = {a.family, b.family}
    if pair == {"identity", "pooling"}:
        return IDENTITY_POOLING
    if pair == {"identity", "convolution"}:
        window = a.window + b.window  # an identity has none
        return min(IDENTITY_CONVOLUTION + window, OTHER_FAMILY)
    return min(OTHER_FAMILY, _indel(a) + _indel(b))


def _within_family(a: Reading, b: Reading) -> float:
    if a == b:  # two spellings of one operation: labels differ, so they are not at 0
        return OTHER_OPTION
    if a.family == OTHER:
        return OTHER_FAMILY
    cost = WINDOW_STEP * abs(a.window - b.window)
    cost += OTHER_OPTION * max(len(a.options - b.options), len(b.options - a.options))
    if a.operation != b.operation:
        cost += OTHER_OPERATION
    return min(max(cost, OTHER_OPTION), SAME_FAMILY_AT_MOST, _indel(a) + _indel(b))
