"""How fast capture is: against a plain forward on the same tensors, and against torch.export.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_capture.py

Networks of NAS-Bench-201 (N = 5, C = 16, 32 x 32 images), and a language model of 7 billion
parameters on the meta device where transformers is installed. Each round times everything once,
one after the other, so that a busy machine is busy for all; ratios are medians over rounds, with
the smallest and the largest. Shapes that capture has seen before are looked up: "first" forgets
them before each round, "again" does not.
"""

from __future__ import annotations

import argparse
import copy
import resource
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from cgraph.spaces import get
from cgraph.tracing import outcomes
from cgraph.tracing.record import trace

# Each kind of edge at least once.
ARCHITECTURE = (
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def on_fake_tensors(model: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    """A plain forward on fake tensors, which are made before."""
    mode = FakeTensorMode()
    model = copy.deepcopy(model)
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    held[name] = mode.from_tensor(tensor)
    given = mode.from_tensor(x)
    return lambda: model(given)


def contestants(model: nn.Module, x: torch.Tensor, peers: bool) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    empty, given = copy.deepcopy(model).to("meta"), x.to("meta")

    def first() -> None:
        outcomes.forget()
        trace(model, x)

    found: dict[str, Callable[[], object]] = {
        "plain forward, meta": lambda: empty(given),
        "plain forward, fake": on_fake_tensors(model, x),
        "capture, first": first,
        "capture, again": lambda: trace(model, x),
    }
    if peers:
        found["torch.export"] = lambda: torch.export.export(model, (x,))
    return found


def report(times: dict[str, list[float]]) -> None:
    """Print medians, and ratios to each capture."""
    for name, row in times.items():
        print(f"  {name:<22} {1e3 * statistics.median(row):9.1f} ms")
    for capture in ("capture, first", "capture, again"):
        for name, row in times.items():
            if not name.startswith("capture"):
                ratios = [own / peer for own, peer in zip(times[capture], row, strict=True)]
                middle = statistics.median(ratios)
                spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
                print(f"  {capture} / {name:<22} {middle:7.3f}  ({spread})")


def language_model(layers: int) -> None:
    """Time and memory of capturing a Llama of 7 billion parameters that holds no data."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=layers)).eval()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = seconds(lambda: trace(model, torch.zeros(1, 2048, dtype=torch.long)))
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    size = sum(p.numel() for p in model.parameters()) / 1e9
    print(f"Llama of {size:.2f} billion parameters: {took:.2f} s, {more:.0f} MiB more at the peak")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skeleton", default="full", help="of the network: full, thin or cell")
    parser.add_argument("--layers", type=int, default=32, help="of the language model; 0: none")
    parser.add_argument("--no-peers", action="store_true", help="without torch.export")
    given = parser.parse_args(arguments)
    model = get("nasbench201").model(ARCHITECTURE, skeleton=given.skeleton).eval()
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        timed = contestants(model, x, not given.no_peers)
        for function in timed.values():
            function()
        times: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(given.rounds):
            for name, function in timed.items():
                times[name].append(seconds(function))
    print(f"{len(trace(model, x).kernels)} kernels, {given.rounds} rounds")
    report(times)
    if given.layers and find_spec("transformers"):
        language_model(given.layers)


if __name__ == "__main__":
    main()
