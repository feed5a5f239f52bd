"""Models of many kinds are captured; their sizes and work equal an independent count."""

import copy

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from cgraph.graphs.passes import live
from cgraph.tracing.record import trace
from tests.laws import check_reachability
from tests.tracing.pretrained import GRAPH_NETWORKS, PRETRAINED
from tests.tracing.zoo import ZOO

# The counter does not see bilinear forms and products with vectors.
UNCOUNTED = {
    "bilinear": 2 * 3 * 5 * (4 + 1),
    "matrix_products": None,
}


def flops(model, inputs, kwargs):
    """FLOPs by PyTorch's own counter, attention done by matrix products."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    # It does not see the fused recurrent layers of the CPU; the context manager for this warns.
    was_enabled = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    counter = FlopCounterMode(display=False)
    try:
        with sdpa_kernel(SDPBackend.MATH), counter:
            model(*inputs, **kwargs)
    finally:
        torch._C._set_mkldnn_enabled(was_enabled)
        torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops()


def check(name, model, inputs, kwargs, fake=True, counted=None):
    model.eval()
    counted = (counted or copy.deepcopy(model)).eval()
    before = copy.deepcopy(model.state_dict())
    graph = trace(model, *inputs, fake=fake, **kwargs)
    parameters = list(model.parameters())
    assert graph.parameter_bytes == sum(p.numel() * p.element_size() for p in parameters)
    assert graph.n_parameters == sum(p.numel() for p in parameters)
    if name not in UNCOUNTED:
        assert 2 * graph.macs == flops(counted, inputs, kwargs)
    elif UNCOUNTED[name] is not None:
        assert graph.macs == UNCOUNTED[name]
    check_reachability(graph, copy.deepcopy(model), inputs, kwargs)
    kept = live(graph)
    assert kept.macs <= graph.macs
    assert len(kept.kernels) > 0
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)
    return graph


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", ZOO)
def test_small_models(name):
    torch.manual_seed(0)
    model, inputs = ZOO[name]()
    graph = check(name, model, inputs, {})
    # Computed on real tensors it is the same graph.
    assert trace(model, *inputs, fake=False) == graph


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PRETRAINED)
def test_transformers(name):
    pytest.importorskip("transformers", reason="the extra 'zoo' is not installed")
    torch.manual_seed(0)
    model, kwargs = PRETRAINED[name]()
    counted = copy.deepcopy(model)
    if getattr(counted, "_can_set_experts_implementation", bool)():
        counted.set_experts_implementation("eager")  # the counter does not see groups of products
    check(name, model, (), kwargs, counted=counted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", GRAPH_NETWORKS)
def test_graph_networks(name):
    torch.manual_seed(0)
    model, inputs, fake = GRAPH_NETWORKS[name]()
    check(name, model, inputs, {}, fake)
