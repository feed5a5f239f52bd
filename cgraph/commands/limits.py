"""The options that several commands share: what networks have to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Fits = Annotated[
    str | None,
    typer.Option(
        "--fits", metavar="DEVICE", help="Only networks that fit a device: stm32f746, ..."
    ),
]
MaxParameters = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Only networks of so many bytes, as in 0.5MB@int8."),
]
MaxLatency = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE=TIME",
        help="Only networks so fast, as in raspi4=20ms: measured, or estimated for a device.",
    ),
]
MaxEnergy = Annotated[
    str | None,
    typer.Option(metavar="DEVICE=ENERGY", help="Only networks so frugal, as in eyeriss=2mJ."),
]
Measured = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Table of measured latencies and energies."),
]
