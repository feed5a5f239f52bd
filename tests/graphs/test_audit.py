"""What programs compute for nothing is found, and nothing is found in sound ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from cgraph.errors import ArgumentError, GraphError
from cgraph.graphs.audit import CHECKS, Finding, audit
from cgraph.graphs.computational import UNKNOWN, ComputationalGraph, Memory
from cgraph.graphs.numbering import first_of_equals
from cgraph.hardware.schedule import memory_over_time
from cgraph.tracing.record import trace
from tests.graphs.wasteful import WASTEFUL
from tests.tracing.pretrained import PRETRAINED
from tests.tracing.zoo import ZOO, Model, unit


@pytest.mark.parametrize("name", WASTEFUL)
def test_waste_is_found_and_nothing_else(name):
    make, kind, scope, sizes = WASTEFUL[name]
    model, inputs = make()
    graph = trace(model.eval(), inputs)
    waste = graph.audit().waste
    (found,) = [finding for finding in waste if finding.kind == kind]
    assert found.scope == scope
    assert {name: getattr(found, name) for name in sizes} == sizes
    # A head whose result is dropped has parameters that reach no output, and nothing more.
    others = {finding.kind for finding in waste if finding is not found}
    assert others <= ({"unread parameters"} if kind == "dropped result" else set())


def test_there_are_twenty_of_every_kind_of_waste():
    assert len(WASTEFUL) == 20
    kinds = {kind for _, kind, _, _ in WASTEFUL.values()}
    assert kinds == {check.name for check in CHECKS.values() if check.is_waste}


def _positions(m, ids):
    return m.head(m.words(ids) + m.places(m.position_ids[:, : ids.shape[1]]))


def _masked(m, x):
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    return functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


def _recurrent(m, x):
    zeros = torch.zeros(1, x.shape[1], 8), torch.zeros(1, x.shape[1], 8)
    return m.layer(x, zeros)[0]


def _residual(m, x):
    y = m.a(x)
    y += x
    y[:, 0] = 0
    y[:, 1] = x[:, 0]
    return y


def _with_auxiliary(m, x):
    return {"main": m.a(x), "auxiliary": [m.b(x)]}


def _two_draws(m, x):
    return torch.rand_like(x) * x + torch.rand_like(x)


def _swapped(m, x):
    a, b, c = m.a(x), m.b(x), x[:, :4]
    likely = torch.addcmul(a, a, b) * torch.addcmul(a, b, b)
    return likely * (a - b) * (b - a) * a.clamp(min=c) * a.clamp(max=c)


def _sides(m, x):
    other = torch.arange(8)
    return x[other] * x[:, other]


def _rounded(m, x):
    return x.long().float() + x.bool().float()  # towards zero; whether it is zero


def _copies(m, x):
    a, b = x.clone(), x.clone()
    a.add_(1)
    b.mul_(2)
    return a * b


LINEAR = {"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)}
TIED = nn.Embedding(10, 4)
SOUND = {
    "registered positions": (
        Model(
            _positions,
            words=nn.Embedding(10, 4),
            places=nn.Embedding(16, 4),
            head=nn.Linear(4, 2),
            position_ids=torch.arange(16)[None],
        ),
        torch.zeros(1, 8, dtype=torch.long),
    ),
    "an unread buffer": (Model(lambda _, x: x.relu(), scale=torch.ones(64)), torch.ones(2, 2)),
    "tied weights": (
        Model(
            lambda m, ids: functional.linear(m.table(ids), m.again.weight), table=TIED, again=TIED
        ),
        torch.zeros(2, 3, dtype=torch.long),
    ),
    "weight norm": (
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
        torch.zeros(2, 4),
    ),
    "a mask that is used": (Model(_masked), torch.zeros(1, 8, 4)),
    "two zero states": (Model(_recurrent, layer=nn.LSTM(4, 8)), torch.zeros(3, 1, 4)),
    "writes in place": (Model(_residual, a=LINEAR["a"]), torch.zeros(2, 4)),
    "an auxiliary output": (Model(_with_auxiliary, **LINEAR), torch.zeros(2, 4)),
    "dropout": (nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Dropout()), torch.zeros(2, 4)),
    "two draws": (Model(_two_draws), torch.zeros(8, 8)),
    "operands in other orders": (Model(_swapped, **LINEAR), torch.zeros(2, 4)),
    "rows and columns": (Model(_sides), torch.zeros(8, 8)),
    "rounding": (Model(_rounded), torch.zeros(8, 8)),
    "two copies, written to": (Model(_copies), torch.zeros(8, 8)),
}


@pytest.mark.parametrize("name", SOUND)
def test_idioms_of_sound_programs_are_no_findings(name):
    model, inputs = SOUND[name]
    assert trace(model.eval(), inputs).audit().waste == ()


@pytest.mark.parametrize("is_train", [False, True], ids=["eval", "train"])
def test_running_statistics_are_no_findings(is_train):
    model = nn.Sequential(unit(3, 8), nn.Dropout(), unit(8, 8)).train(is_train)
    assert trace(model, torch.zeros(2, 3, 8, 8)).audit().waste == ()


def test_what_a_program_looks_at_is_not_dropped():
    def forward(m, x):
        scale = torch.tensor([4, 4])
        size = (scale * 2).tolist()
        return x.relu() if x.abs().sum() > 0 else x.new_zeros(size)

    graph = trace(Model(forward), torch.ones(8, 8), fake=False)
    assert graph.audit().waste == ()
    asked = [k.operation for k in graph.kernels if k.attributes.get("asked")]
    assert asked == ["mul", "gt"]


# One of each kind of these is sound; the others repeat or drop something, as is written there.
SOUND_ENTRIES = ["resnet", "densenet", "inception", "mobilenet", "squeeze_and_excite", "shufflenet"]


@pytest.mark.parametrize("name", SOUND_ENTRIES)
def test_models_of_the_zoo_are_sound(name):
    model, inputs = ZOO[name]()
    graph = trace(model.eval(), *inputs)
    found = graph.audit()
    assert found.waste == ()
    # The largest that are held at the peak, and the peak is that of the order it ran in.
    peak = memory_over_time(graph).peak_bytes
    assert all(f"of the peak of {peak:,} bytes" in finding.text for finding in found)
    assert 0.9 * peak <= sum(finding.bytes for finding in found) <= peak


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["decision_transformer", "wav2vec2"])
def test_parameters_that_are_unread_may_be_anything(name):
    pytest.importorskip("transformers", reason="the extra 'zoo' is not installed")
    model, inputs = PRETRAINED[name]()
    unread = {n for f in trace(model.eval(), **inputs).audit().waste for n in f.memories}
    chosen = [parameter for n, parameter in model.named_parameters() if n in unread]
    assert chosen
    with torch.no_grad():
        before = model(**inputs)[0]
        for parameter in chosen:
            parameter.fill_(torch.nan)
        assert torch.equal(model(**inputs)[0], before)


MOVES = ("sub", "addcmul", "cat", "clamp", "index", "softmax", "rand", "in place", "cast", "linear")


def _moved(move, order, a, b, c):
    """A tensor of the shape of three others, made of them."""
    match move:
        case "sub":
            return a - b
        case "addcmul":
            return torch.addcmul(a, b, c)
        case "cat":
            return torch.cat([a, b, c, b])[:4]
        case "clamp":
            return a.clamp(min=b) + a.clamp(max=b)
        case "index":
            return a[order] + a[:, order]
        case "softmax":
            return a.softmax(0) + a.softmax(1)
        case "rand":
            return torch.rand_like(a)
        case "in place":
            return a.clone().add_(b)
        case "cast":
            return a.half().float()
        case "linear":
            return functional.linear(a, b, c[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MOVES), *[st.integers(0, 9)] * 3), max_size=12))
def test_kernels_that_are_equal_compute_the_same(moves):
    def forward(m, x):
        pool = [x, x.t().contiguous()]
        for move, *picks in moves:
            a, b, c = (pool[i % len(pool)] for i in picks)
            pool.append(_moved(move, m.order, a, b, c))
        return pool

    model = Model(forward, order=torch.tensor([2, 0, 1, 3]))
    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    graph = trace(model, x)
    values = {}
    for m, value in zip(graph.outputs, model(x), strict=True):
        values[int(graph.writers()[m])] = value
    first = first_of_equals(graph)
    for k, value in values.items():
        if k >= 0 and first[k] in values:  # the input has no kernel
            assert torch.equal(value, values[first[k]])
    assert all(f <= k and first[f] == f for k, f in enumerate(first))


def test_each_activation_at_the_peak_has_a_line():
    found = trace(Model(lambda _, x, y: x + y), torch.zeros(2, 2), torch.zeros(2, 2)).audit()
    assert [finding.memories for finding in found] == [("args.0",), ("args.1",), ("add.out",)]
    assert {finding.bytes for finding in found} == {16}


def test_what_is_small_is_passed_over():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    model.register_parameter("scale", nn.Parameter(torch.ones(1)))
    graph = trace(model, torch.zeros(1, 64))
    assert audit(graph).waste == ()
    (found,) = audit(graph, least_share=0).waste
    assert found.text == "1 parameter never read (scale)"


def test_an_audit_is_a_table_and_a_text():
    make, *_ = WASTEFUL["a_layer_that_is_never_called"]
    model, inputs = make()
    found = trace(model, inputs).audit()
    frame = found.to_frame()
    assert list(frame.columns) == ["kind", "scope", "bytes", "macs", "text"]
    assert len(frame) == len(found) == len(list(found))
    assert str(found).startswith("unread parameters, spare: 136 parameters never read (2 tensors)")
    assert repr(found).startswith("Audit(unread parameters: 1, peak memory: ")
    assert isinstance(found.findings[0], Finding)
    assert str(trace(nn.ReLU(), inputs).audit()).startswith("Nothing is computed or stored")


def test_a_graph_without_sizes_and_a_share_that_is_none_are_refused():
    x = Memory("x", "input", (), UNKNOWN, 0)
    graph = ComputationalGraph([x], [], [], [], [0])
    with pytest.raises(GraphError, match="'x' without"):
        graph.audit()
    with pytest.raises(ArgumentError, match=r"a finite number, from 0 to 1, got -0\.1"):
        graph.audit(least_share=-0.1)


def test_a_program_without_kernels_has_no_findings():
    graph = ComputationalGraph([], [], np.empty((0, 2), int), [], [])
    assert len(graph.audit()) == 0
