"""Training-free statistics against the procedures of their authors, on one thread.

`python tests/benchmarks/bench_statistics.py` prints times and ratios of one run: a NAS-Bench-201
network whose six edges are 3x3 convolutions, C = 16 and N = 5. `--quick` takes a thin network.
"""

import argparse
import copy
import platform
import resource
import time

import numpy as np
import torch
from torch import nn

from cgraph.spaces.nasbench201 import network
from cgraph.statistics.measuring import measure

ALL_3X3 = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)


def naswot_v2_of_the_authors(model, x):
    """Forward and backward for the Jacobian, then a forward with float products of the codes."""
    kernel = np.zeros((len(x), len(x)))

    def count(_module, inputs, _out):
        codes = (inputs[0].flatten(1) > 0).float()
        kernel[:] += (codes @ codes.T).numpy() + ((1 - codes) @ (1 - codes.T)).numpy()

    x = x.clone().requires_grad_()
    model(x).sum().backward()
    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.ReLU)]
    model(x.detach())
    for hook in hooks:
        hook.remove()
    return float(np.linalg.slogdet(kernel)[1])


def ntk_by_backward_passes(model, x):
    """One forward pass, a backward pass a sample, the Gram matrix of the gradients."""
    logits, rows = model(x), []
    for i in range(len(x)):
        model.zero_grad()
        logits[i : i + 1].backward(torch.ones_like(logits[i : i + 1]), retain_graph=True)
        weights = [w.grad for n, w in model.named_parameters() if "weight" in n]
        rows.append(torch.cat([g.flatten() for g in weights if g is not None]))
    v = torch.linalg.eigvalsh(torch.stack(rows) @ torch.stack(rows).T)
    return float(v[-1] / v[0])


def regions_by_products(model, batches):
    """Codes of all samples as floats, and products that tell equal ones."""
    found = []
    hooks = [
        m.register_forward_hook(lambda _m, _i, out: found[-1].append(out.flatten(1)))
        for m in model.modules()
        if isinstance(m, nn.ReLU)
    ]
    with torch.no_grad():
        for x in batches:
            found.append([])
            model(x)
        codes = torch.sign(torch.cat([torch.cat(parts, 1) for parts in found]))
        differ = codes @ (1 - codes).T
        differ = differ + differ.T
        same = 1 - torch.sign(differ)
        count = (1 / same.sum(1)).sum()
    for hook in hooks:
        hook.remove()
    return float(count)


def timed(runs, repeats):
    """Values and least seconds of each of several runs, taken in turn."""
    values, seconds = {}, dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            values[name] = run()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return values, seconds


def report(title, runs, ours, repeats):
    """Print the times of a comparison, and each over ours."""
    values, seconds = timed(runs, repeats)
    print(title)
    for name in runs:
        value = "" if values[name] is None else f"{values[name]:.8g}"
        ratio = seconds[name] / seconds[ours]
        print(f"  {name:<28} {seconds[name] * 1e3:10.1f} ms  {ratio:6.2f} x ours  {value}")


def forward(model, x):
    with torch.no_grad():
        model(x)


def forward_and_backward(model, x):
    model.zero_grad()
    model(x).sum().backward()


def main(*, is_quick=False, repeats=3):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = network.build(ALL_3X3, "thin" if is_quick else "full")
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    n, b = (16, 8) if is_quick else (128, 16)
    x, few = torch.randn(n, 3, 32, 32), torch.randn(b, 3, 32, 32)
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread")
    report(
        f"NASWOT v2, batch {n}",
        {
            "ours": lambda: measure(model, "naswot-v2", x).value,
            "forward alone": lambda: forward(model, x),
            "forward, channels last": lambda: forward(last, x),
            "authors' procedure": lambda: naswot_v2_of_the_authors(copy.deepcopy(model), x),
        },
        "ours", repeats,
    )  # fmt: skip
    for mode in ("eval", "train"):
        moded = copy.deepcopy(model).train(mode == "train")
        runs = {
            "ours": lambda moded=moded: measure(moded, "ntk", few).value,
            "forward and backward": lambda moded=moded: forward_and_backward(moded, few),
            "B backward passes": lambda moded=moded: ntk_by_backward_passes(moded, few),
        }
        report(f"NTK in {mode} mode, batch {b}", runs, "ours", repeats)
    cell = network.build(ALL_3X3, "cell")
    batches = [torch.randn(1000, 1, 3, 3) for _ in range(1 if is_quick else 3)]
    report(
        f"linear regions, {len(batches)} x 1000 inputs",
        {
            "ours": lambda: measure(cell, "regions", batches).value,
            "forward alone": lambda: [forward(cell, x) for x in batches] and None,
            "float products": lambda: regions_by_products(cell, batches),
        },
        "ours", repeats,
    )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory of the process: {peak / 1024:.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a thin network")
    arguments = parser.parse_args()
    main(is_quick=arguments.quick)
