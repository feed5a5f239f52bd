"""Whole networks: by hand, against PyTorch's own allocations, and NAS-Bench-201's."""

import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from cgraph.hardware.footprint import footprint
from cgraph.hardware.schedule import best_schedule, memory_over_time
from cgraph.tracing.record import trace
from tests.hardware.networks import mobilenet_v2, resnet50

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def needs_of(model, size):
    with torch.device("meta"):
        model, image = model().eval(), torch.empty(1, 3, size, size)
    return footprint(trace(model, image))


def test_resnet50_by_hand():
    needs = needs_of(resnet50, 224)
    assert needs.n_parameters == 25_557_032
    assert needs.parameter_bytes == 4 * 25_557_032
    assert needs.macs == 4_089_184_256
    # In the first block of the first stage, 56 x 56: batch norm writes the end of one branch
    # (256 channels) from its convolution (256), while the end of the other (256) waits.
    peak = 3 * 256 * 56 * 56 * 4
    assert peak == 9_633_792
    assert needs.peak_bytes == needs.traced_peak_bytes == peak
    assert needs.peak_bytes_without_io == needs.traced_peak_bytes_without_io == peak
    assert needs.best.exact
    assert needs.best_without_io.exact
    # The first convolution holds the image and 64 maps of 112 x 112.
    assert needs.traced.start_bytes == 3 * 224 * 224 * 4
    assert needs.traced.during_bytes[0] == 3 * 224 * 224 * 4 + 64 * 112 * 112 * 4
    assert needs.traced_without_io.during_bytes[0] == 64 * 112 * 112 * 4


def test_mobilenet_v2_by_hand():
    needs = needs_of(mobilenet_v2, 224)
    assert needs.n_parameters == 3_504_872
    assert needs.macs == 300_774_272
    # The first expansion, 16 to 96 channels at 112 x 112: batch norm reads one and writes one.
    peak = 2 * 96 * 112 * 112 * 4
    assert peak == 9_633_792
    assert needs.peak_bytes == needs.traced_peak_bytes == peak
    assert needs.peak_bytes_without_io == needs.traced_peak_bytes_without_io == peak
    assert needs.best.exact
    assert needs.best_without_io.exact


def test_an_input_that_is_counted_can_decide_the_peak():
    # A stride of 4 makes the image the largest tensor: 3 x 32 x 32 in, 8 x 8 x 8 out.
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Conv2d(8, 4, 8))
        needs = footprint(trace(model, torch.empty(1, 3, 32, 32)), dtype="int8")
    assert needs.peak_bytes == 3 * 32 * 32 + 8 * 8 * 8
    assert needs.peak_bytes_without_io == 2 * 8 * 8 * 8


class Allocations(TorchDispatchMode):
    """Bytes of all storages that PyTorch holds after each operator, found by weak references."""

    def __init__(self, excluded):
        super().__init__()
        self.excluded = {t.untyped_storage().data_ptr() for t in excluded}
        self.tensors = []
        self.held = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        leaves = result if isinstance(result, tuple) else (result,)
        self.tensors += [weakref.ref(t) for t in leaves if isinstance(t, torch.Tensor)]
        alive = [t for t in (ref() for ref in self.tensors) if t is not None]
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in alive}
        self.held.append(sum(b for key, b in storages.items() if key not in self.excluded))
        return result


class Branches(nn.Module):
    """Two branches, a view, a write in place; every name is dropped after its last use."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.ones(8, 3, 3, 3))
        self.second = nn.Parameter(torch.ones(8, 8, 3, 3))
        self.last = nn.Parameter(torch.ones(5, 8))

    def forward(self, x):
        a = torch.conv2d(x, self.first, padding=1)
        b = torch.conv2d(a, self.second, padding=1)
        c = torch.sigmoid(b)
        del b
        c.mul_(2.0)
        d = torch.add(a, c)
        del a, c
        e = d.view(8, -1)
        f = torch.sum(e, 1)
        del d, e
        return torch.mv(self.last, f)


def test_traced_memory_equals_what_pytorch_allocates():
    model, image = Branches(), torch.ones(1, 3, 16, 16)
    with torch.no_grad():
        watch = Allocations([image, *model.parameters()])
        with watch:
            out = model(image)
    schedule = memory_over_time(trace(model, image), count_io=False)
    final = out.untyped_storage().nbytes()
    # PyTorch's list ends with the output, which this count leaves out.
    assert schedule.during_bytes.tolist() == [*watch.held[:-1], watch.held[-1] - final]
    assert schedule.peak_bytes == max(watch.held) == 3 * 8 * 16 * 16 * 4


def nasbench201(index):
    from cgraph.spaces.nasbench201 import graphs, notation

    return graphs.compose_network(tuple(notation.operations_table()[index].tolist()))


@pytest.mark.parametrize("index", [0, 6111, 9930, 857])
def test_networks_of_nasbench201_have_exact_best_orders(index):
    graph = nasbench201(index)
    for count_io in (True, False):
        best = best_schedule(graph, count_io=count_io)
        assert best.exact
        assert best.upper_bytes <= memory_over_time(graph, count_io=count_io).peak_bytes


def test_parameter_limits_of_nasbench201_equal_the_published_counts():
    if not (SHARED / "nasbench201_accuracy.parquet").is_file():
        pytest.skip("nasbench201_accuracy.parquet absent")
    import pandas as pd

    from cgraph.spaces.nasbench201 import graphs, notation

    table = pd.read_parquet(SHARED / "nasbench201_accuracy.parquet").sort_values("index")
    column = next(name for name in table if "param" in name)
    published = np.round(table[column].to_numpy() * 1e6).astype(np.int64)
    ours = graphs.totals(notation.operations_table())["n_parameters"]
    for index in (0, 6111):
        assert footprint(nasbench201(index)).parameter_bytes_at("int8") == ours[index]
    counts = [int((ours <= limit * 1_000_000).sum()) for limit in (0.25, 0.5, 1)]
    assert counts == [int((published <= limit * 1_000_000).sum()) for limit in (0.25, 0.5, 1)]


def test_the_benchmark_runs(capsys):
    from tests.benchmarks.bench_memory import main

    total = main(n=2, n_jobs=1, most_branches=2)
    assert total["exact"] == total["orders"] == 4
    assert "2 branches of 4 kernels: recursion" in capsys.readouterr().out
