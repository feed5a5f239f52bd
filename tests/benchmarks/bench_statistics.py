"""Training-free statistics against the procedures of their authors, on one thread.

`python tests/benchmarks/bench_statistics.py` prints times, peaks of memory and ratios of one run: a
NAS-Bench-201 network whose six edges are 3x3 convolutions, C = 16 and N = 5. Times are of one
process, on the processor, the least of three; the peak of each run is that of a process of its
own. `--quick` takes a thin network.
"""

import argparse
import copy
import ctypes
import gc
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cgraph.spaces.nasbench201 import network
from cgraph.statistics.initialising import INITIALISERS
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


_LONG = 10  # seconds


def timed(runs, repeats):
    """Values and least seconds of each of several runs, taken in turn; long ones are run once."""
    values, seconds = {}, dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for name, run in runs.items():
            if values.get(name) is not None and seconds[name] > _LONG:
                continue
            start = time.process_time()  # one thread: what else runs on the machine adds little
            values[name] = run()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return values, seconds


def peak_of(run):
    """MiB that a run takes at its peak beyond what the process holds before; None off Linux.

    A process with a past has free memory of its own, which a run takes again without a trace:
    what is free is given back before, as far as the C library can, and a peak is best taken in
    a new process.
    """
    if not Path("/proc/self/clear_refs").exists():
        return None
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = _memory("VmRSS")
    run()
    return max(_memory("VmHWM") - before, 0.1)


def _memory(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise AssertionError(field)


def peaks_in_processes(title, names, flags):
    """The peak of each run of a comparison, in a process of its own."""
    peaks = {}
    for name in names:
        command = [sys.executable, __file__, *flags, "--peak", f"{title}/{name}"]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peaks[name] = None if found.strip() == "None" else float(found)
    return peaks


def report(title, runs, peaks, repeats):
    """Print the times and peaks of a comparison, and each over ours, which come first."""
    values, seconds = timed(runs, repeats)
    print(title)
    for name in runs:
        value = "" if values[name] is None else f"{values[name]:.8g}"
        ratio = seconds[name] / seconds["ours"]
        peak = ""
        if peaks.get(name) is not None:
            peak = f"{peaks[name]:8.1f} MiB {peaks[name] / peaks['ours']:6.2f} x ours"
        print(f"  {name:<28} {seconds[name] * 1e3:9.1f} ms {ratio:6.2f} x ours {peak}  {value}")


def forward(model, x):
    with torch.no_grad():
        model(x)


def forward_and_backward(model, x):
    model.zero_grad()
    model(x).sum().backward()


def comparisons(*, is_quick):
    """What is compared: titles, and runs by name, ours first."""
    torch.manual_seed(0)
    model = network.build(ALL_3X3, "thin" if is_quick else "full")
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    n, b = (16, 8) if is_quick else (128, 16)
    x, few = torch.randn(n, 3, 32, 32), torch.randn(b, 3, 32, 32)
    found = {
        f"NASWOT v2, batch {n}": {
            "ours": lambda: measure(model, "naswot-v2", x).value,
            "ours, official": lambda: measure(model, "naswot-v2@official", x).value,
            "forward alone": lambda: forward(model, x),
            "forward, channels last": lambda: forward(last, x),
            "authors' procedure": lambda: naswot_v2_of_the_authors(copy.deepcopy(model), x),
        }
    }
    for mode in ("eval", "train"):
        moded = copy.deepcopy(model).train(mode == "train")
        # By PyTorch's default the signal dies away in evaluation mode, and the matrix is singular.
        INITIALISERS["kaiming-fan-out"].function(moded)
        exact, wide = copy.deepcopy(moded).double(), few.double()
        runs = {
            "ours": lambda moded=moded: measure(moded, "ntk", few).value,
            "forward and backward": lambda moded=moded: forward_and_backward(moded, few),
            "B backward passes": lambda moded=moded: ntk_by_backward_passes(moded, few),
            "the same in float64": lambda exact=exact, x=wide: ntk_by_backward_passes(exact, x),
        }
        found[f"NTK in {mode} mode, batch {b}"] = runs
    cell = network.build(ALL_3X3, "cell")
    batches = [torch.randn(1000, 1, 3, 3) for _ in range(1 if is_quick else 3)]
    found[f"linear regions, {len(batches)} x 1000 inputs"] = {
        "ours": lambda: measure(cell, "regions", batches).value,
        "forward alone": lambda: [forward(cell, x) for x in batches] and None,
        "float products": lambda: regions_by_products(cell, batches),
    }
    return found


def main(*, is_quick=False, repeats=3, with_peaks=True):
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread")
    print("peaks of memory are beyond what a process holds with the network and the batch")
    flags = ["--quick"] if is_quick else []
    for title, runs in comparisons(is_quick=is_quick).items():
        peaks = peaks_in_processes(title, runs, flags) if with_peaks else {}
        report(title, runs, peaks, repeats)


def print_peak(name, *, is_quick):
    torch.set_num_threads(1)
    title, _, run = name.partition("/")
    small = network.build(ALL_3X3, "thin")
    for statistic in ("naswot-v2", "ntk", "regions"):  # loads what is compiled
        measure(small, statistic, torch.randn(2, 3, 32, 32))
    print(peak_of(comparisons(is_quick=is_quick)[title][run]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a thin network")
    parser.add_argument("--peak", help="print the peak of one run, of a title and a name")
    arguments = parser.parse_args()
    if arguments.peak:
        print_peak(arguments.peak, is_quick=arguments.quick)
    else:
        main(is_quick=arguments.quick)
