"""Reading a file of NAS-Bench-201: plain data here, against PyTorch's own reader of it.

    python -m tests.benchmarks.bench_official [--architectures N]

Writes a file as the benchmark's authors did, reads it both ways, and prints seconds and what the
4.7 GB of v1.1 would take at that rate.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cgraph.files.tensors import load_tensors
from cgraph.spaces.nasbench201.official import official_runs
from tests.spaces import nasbench201_files as files

WHOLE_BYTES = 4.7e9


def loaded_by_torch(path):
    """What PyTorch's own reader of plain data gives."""
    scalar = np.float64().__reduce__()[0]
    allowed = [(scalar, "numpy._core.multiarray.scalar"), np.dtype, type(np.dtype(np.float64))]
    with torch.serialization.safe_globals(allowed):
        return torch.load(path, weights_only=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", type=int, default=50, help="how many the file holds")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        content = files.whole(range(options.architectures))
        path = files.write_pth(Path(folder) / "file.pth", content, is_old=True)
        size = path.stat().st_size
        print(f"{options.architectures} architectures, {size / 1e6:.1f} MB")
        seconds = {}
        for name, load in (
            ("torch.load(weights_only=True)", loaded_by_torch),
            ("plain data", load_tensors),
        ):
            start = time.perf_counter()
            read = load(path)
            seconds[name] = time.perf_counter() - start
            assert read == content
            whole = seconds[name] * WHOLE_BYTES / size / 60
            print(f"{name:<32}{seconds[name]:8.2f} s, {whole:6.1f} min for 4.7 GB")
        first, second = seconds.values()
        print(f"{first / second:.1f} times as fast")
        start = time.perf_counter()
        official_runs(read, None)
        print(f"{'table of all trainings':<32}{time.perf_counter() - start:8.2f} s")


if __name__ == "__main__":
    main()
