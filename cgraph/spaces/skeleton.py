"""What the cells of a space are put into: how wide, how deep, and on what inputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A network but for its cells.

    Parameters
    ----------
    name : str
        What it is called.
    channels : int
        Channels of the first stage; each further stage doubles them.
    n_cells : int
        Cells of a stage.
    n_stages : int, default=3
        Stages.
    has_stem, has_classifier : bool, default=True
        Whether a stem stands before the first cell, and a mean with a linear layer behind the
        last one.
    input_shape : tuple of int, default=(3, 32, 32)
        Shape of one input, without the batch.
    summary : str
        What it is for, in a line.
    source : str
        Whose it is.
    """

    name: str
    channels: int
    n_cells: int
    n_stages: int = 3
    has_stem: bool = True
    has_classifier: bool = True
    input_shape: tuple[int, ...] = (3, 32, 32)
    summary: str
    source: str
