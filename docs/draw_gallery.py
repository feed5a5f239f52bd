"""The pictures of the gallery, drawn by the commands that it shows.

    python docs/draw_gallery.py     # where studies/first and studies/checked are

Colours are reduced to 256: the pictures are to be looked at, and to stay small.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from PIL import Image

from cgraph.cli import app
from cgraph.report.figures.catalogue import FIGURES

TARGET = Path(__file__).parent / "images" / "gallery"
INCHES = "6"
PIXELS = 1000


def draw() -> None:
    """Draw every figure by its example."""
    for kind in FIGURES.values():
        path = TARGET / f"{kind.name}.png"
        words = ["figure", kind.name, *shlex.split(kind.example)]
        app([*words, "--width", INCHES, "--out", str(path)], standalone_mode=False)
        picture = Image.open(path).convert("RGB")
        height = round(picture.height * PIXELS / picture.width)
        small = picture.resize((PIXELS, height), Image.Resampling.LANCZOS)
        small.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


if __name__ == "__main__":
    draw()
