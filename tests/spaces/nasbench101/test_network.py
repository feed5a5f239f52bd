import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import nn

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.nasbench101 import cells, channels, network, table
from cgraph.spaces.nasbench101.notation import parse
from cgraph.statistics.measuring import measure
from tests.strategies import nasbench101_cells

# Splits with a remainder and without, truncation, every operation, an edge from input to output.
CELLS = {
    "smallest": "output~0",
    "one": "conv3x3~0|output~0,1",
    "pool": "maxpool3x3~0|output~1",
    "remainder": "conv3x3~0|conv1x1~1|maxpool3x3~1|conv1x1~0|output~2,3,4",
    "truncated": "conv3x3~0|conv1x1~0|maxpool3x3~1,2|output~1,2,3",
    "wide": "conv3x3~0|conv1x1~0|maxpool3x3~0|conv1x1~1|output~0,1,2,3,4",
    "deep": "conv3x3~0|conv1x1~0,1|maxpool3x3~2|conv1x1~3|conv3x3~1,4|output~0,5",
}  # fmt: skip
every_cell = pytest.mark.parametrize("text", CELLS.values(), ids=CELLS)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small networks on several threads are slower where another process works too."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def count(model):
    return sum(p.numel() for p in model.parameters())


def on_meta(cell, *args, **kwargs):
    with torch.device("meta"):
        return network.build(cell, *args, **kwargs)


def theirs(cell, **kwargs):
    from nasbench_pytorch.model import Network

    names = [cells.OFFICIAL_OPERATIONS[k] for k in cell.operations]
    return Network((cell.matrix, ["input", *names, "output"]), **kwargs)


def test_parameters_are_the_published_ones(sample, sample_codes):
    sizes = channels.network_sizes(sample_codes)
    assert sizes["n_parameters"].tolist() == sample["params"].tolist()
    for i in np.random.default_rng(0).integers(len(sample), size=12).tolist():
        assert count(on_meta(cells.decode(sample_codes[i]))) == sample["params"][i]


@every_cell
def test_sizes_are_those_of_the_network(text):
    from cgraph.tracing.record import trace

    sizes = channels.network_sizes(np.array([cells.encode(parse(text))]))
    model = on_meta(parse(text))
    graph = trace(model, torch.empty(1, 3, 32, 32, device="meta"))
    assert sizes["n_parameters"][0] == count(model) == graph.n_parameters
    assert sizes["macs"][0] == graph.macs


@given(nasbench101_cells())
def test_channels_are_those_of_nasbench_pytorch(cell):
    from nasbench_pytorch.model.model import compute_vertex_channels

    for n_in, n_out in ((128, 128), (128, 256), (16, 17)):
        expected = compute_vertex_channels(n_in, n_out, cell.matrix)
        assert channels.vertex_channels(cell, n_in, n_out) == tuple(expected)


def copy_weights(source, target):
    """Weights of a network of theirs into one of ours."""
    from nasbench_pytorch.model.base_ops import ConvBnRelu
    from nasbench_pytorch.model.model import Cell

    def copy(a, b):
        b.load_state_dict(next(m for m in a.modules() if isinstance(m, ConvBnRelu))
                          .conv_bn_relu.state_dict())  # fmt: skip

    copy(source.layers[0], target.stem)
    target.head.linear.load_state_dict(source.classifier.state_dict())
    pairs = zip(source.layers[1:], target.blocks, strict=True)
    for their_cell, our_cell in (pair for pair in pairs if isinstance(pair[0], Cell)):
        for t, vertex in enumerate(our_cell.vertices, start=1):
            if vertex.projection is not None:
                copy(their_cell.input_op[t], vertex.projection)
            if not isinstance(vertex.operation, nn.MaxPool2d):
                copy(their_cell.vertex_op[t], vertex.operation)
        if our_cell.output.projection is not None:
            copy(their_cell.input_op[-1], our_cell.output.projection)


@every_cell
def test_networks_are_those_of_nasbench_pytorch(text):
    from nasbench_pytorch.model.model import Placeholder

    torch.manual_seed(0)
    cell = parse(text)
    peer = theirs(cell, stem_out_channels=16, num_modules_per_stack=1).double()
    own = network.build(cell, "narrow", n_cells=1).double()
    stray = sum(isinstance(m, Placeholder) for m in peer.modules())
    assert count(own) == count(peer) - stray
    shapes = [tuple(p.shape) for p in own.parameters()]
    assert (
        sorted(shapes)
        == sorted(tuple(p.shape) for p in peer.parameters() if p.dim())[
            sum(p.numel() == 0 for p in peer.parameters()) :
        ]
    )
    copy_weights(peer, own)
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    assert torch.equal(own(x), peer(x))  # in train mode
    assert torch.equal(own.eval()(x), own(x))
    # Their batch norms keep running statistics in another way: take theirs.
    copy_weights(peer, own)
    assert torch.equal(own.eval()(x), peer.eval()(x))


def test_the_full_network_counts_as_that_of_nasbench_pytorch():
    from nasbench_pytorch.model.model import Placeholder

    cell = parse("conv3x3~0|conv1x1~1|output~0,1,2")
    with torch.device("meta"):
        own = network.build(cell)
    peer = theirs(cell)
    assert count(own) == count(peer) - sum(isinstance(m, Placeholder) for m in peer.modules())


@every_cell
def test_a_cell_is_its_definition(text):
    cell = parse(text)
    torch.manual_seed(1)
    block = network.CellBlock(cell, 7, 11).double()
    x = torch.randn(3, 7, 5, 5, dtype=torch.float64)
    widths = channels.vertex_channels(cell, 7, 11)
    values = {0: x}
    last = cell.n_vertices - 1
    for v in range(1, last):
        vertex = block.vertices[v - 1]
        total = torch.zeros(3, widths[v], 5, 5, dtype=torch.float64)
        for source in cell.sources(v):
            total += values[source][:, : widths[v]] if source else vertex.projection(x)
        values[v] = vertex.operation(total)
    expected = torch.zeros(3, 11, 5, 5, dtype=torch.float64)
    inner = [values[v] for v in cell.sources(last) if v]
    if inner:
        expected += torch.cat(inner, dim=1)
    if cell.has_edge(0, last):
        expected += block.output.projection(x)
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("skeleton", network.SKELETONS)
def test_modules_are_made_in_the_order_they_run(skeleton):
    model = on_meta(parse(CELLS["deep"]), skeleton)
    ran = []
    weighted = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.BatchNorm2d)]
    for module in weighted:
        module.register_forward_hook(lambda module, _inputs, _output: ran.append(module))
    model(torch.zeros(2, *network.SKELETONS[skeleton].input_shape, device="meta"))
    assert ran == weighted


@pytest.mark.parametrize(
    ("skeleton", "shape"),
    [("narrow", (2, 10)), ("thin", (2, 10)), ("cell", (2, 5, 1, 3))],
)
def test_skeletons_run_in_train_mode(skeleton, shape):
    model = on_meta(parse(CELLS["wide"]), skeleton)
    assert model.training
    x = torch.zeros(2, *network.SKELETONS[skeleton].input_shape, device="meta")
    assert tuple(model(x).shape) == shape


def test_regions_tell_cells_apart():
    def regions(text):
        torch.manual_seed(0)
        model = network.build(parse(text), "cell")
        return measure(model, "regions", [torch.randn(1000, 1, 1, 3) for _ in range(3)]).value

    cells = "maxpool3x3~0|output~1", "conv1x1~0|output~1", "conv3x3~0|output~1", CELLS["wide"]
    counts = [regions(text) for text in cells]
    assert len(set(counts)) == 4
    assert max(counts) < 3000


@pytest.mark.parametrize("text", [CELLS["truncated"], CELLS["wide"]], ids=["truncated", "wide"])
def test_tracers_follow(text):
    model = network.build(parse(text), "thin").eval()
    x = torch.randn(2, 3, 32, 32)
    expected = model(x)
    assert torch.equal(torch.export.export(model, (x,)).module()(x), expected)
    assert torch.equal(torch.fx.symbolic_trace(model)(x), expected)
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), expected)


def test_smaller_networks_are_asked_for():
    cell = parse(CELLS["deep"])
    assert count(network.build(cell, channels=16)) == count(network.build(cell, "narrow"))
    peer = theirs(cell, stem_out_channels=24, num_modules_per_stack=1)
    own = network.build(cell, channels=24, n_cells=1, n_classes=100)
    extra = 90 * (96 + 1)
    assert count(own) - extra == sum(p.numel() for p in peer.parameters() if p.dim())


def test_bad_arguments_are_named():
    cell = table.cell(100)
    with pytest.raises(UnknownNameError, match=r"full, narrow, thin, cell, got 'ful'.*'full'"):
        network.build(cell, "ful")
    with pytest.raises(ArgumentError, match=r"n_classes must be a whole number, from 1 .*, got 0"):
        network.build(cell, n_classes=0)
    with pytest.raises(ArgumentError, match=r"n_cells must be at least 1, got 0"):
        network.build(cell, n_cells=0)
    with pytest.raises(ArgumentError, match=r"channels must be at least 5.*got 4"):
        network.build(cell, channels=4)
    with pytest.raises(ArgumentError, match=r"channels must be left out.*'cell'.*got 16"):
        network.build(cell, "cell", channels=16)
    with pytest.raises(ArgumentError, match=r"at least 1 in and 4 out, got 8 and 3"):
        channels.vertex_channels(parse(CELLS["wide"]), 8, 3)
