"""What cannot be captured is said with the module that failed and what to do."""

import threading

import pytest
import torch
from torch import nn

from cgraph.errors import ArgumentError, TraceError
from cgraph.tracing.record import trace
from tests.tracing.zoo import Model


def failure(model, *inputs, **kwargs):
    with pytest.raises(TraceError) as caught:
        trace(model, *inputs, **kwargs)
    return caught.value


def test_a_wrong_shape_names_the_module():
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 2)))
    error = failure(model, torch.randn(2, 4))
    assert error.scope == "1.1"
    assert "[2, 4] X [5, 2]" in error.problem
    assert "module '1.1'" in str(error)


def test_mixed_types_name_the_module():
    error = failure(nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), torch.randn(2, 4).double())
    assert error.scope == "1"
    assert "float64 and float32" in error.problem


@pytest.mark.parametrize("fake", [True, False])
def test_another_thread_is_not_seen(fake):
    def forward(m, x):
        found = [x]
        thread = threading.Thread(target=lambda: found.append(m.layer(x)))
        thread.start()
        thread.join()
        return found[-1]

    model = Model(forward, layer=nn.Identity())
    error = failure(model, torch.ones(1), fake=fake)
    assert error.scope == "layer"
    assert "another thread" in error.problem
    assert "thread that calls the model" in error.hint


@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: x if x.sum().item() > 0 else m.layer(x),
        lambda m, x: x if x.sum() > 0 else m.layer(x),
        lambda m, x: m.layer(x[x[:, 0] > 0]),
    ],
    ids=["item", "bool", "mask"],
)
def test_what_needs_values_is_offered_real_tensors(forward):
    model, x = Model(forward, layer=nn.Linear(4, 4)), -torch.ones(2, 4)
    error = failure(model, x)
    assert "depend on values" in error.problem
    assert "fake=False" in error.hint
    graph = trace(model, x, fake=False)
    assert graph.kernels[-1].operation == "linear"


@pytest.mark.parametrize(("result", "said"), [(None, "None"), ({"n": 3}, "a dict")])
def test_no_tensor_is_returned(result, said):
    assert said in failure(Model(lambda *_: result), torch.ones(1)).problem


def test_real_tensors_of_a_model_without_data():
    error = failure(nn.Linear(4, 4, device="meta"), torch.ones(1, 4), fake=False)
    assert "meta" in error.problem
    assert "fake=True" in error.hint


@pytest.mark.filterwarnings("ignore")
def test_lazy_parameters():
    assert "no shape yet" in failure(nn.LazyLinear(4), torch.ones(1, 4)).problem


@pytest.mark.filterwarnings("ignore")
def test_sparse_inputs_need_real_tensors():
    model = Model(lambda m, a, x: torch.sparse.mm(a, m.layer(x)), layer=nn.Linear(4, 4))
    inputs = torch.eye(3).to_sparse(), torch.randn(3, 4)
    assert "fake=False" in failure(model, *inputs).hint
    graph = trace(model, *inputs, fake=False)
    assert graph.memories[graph.inputs[0]].bytes == 2 * 3 * 8 + 3 * 4
    assert graph.macs == 3 * 4 * 4 + 3 * 4


def test_the_model_works_after_a_failure():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(5, 4))
    before = model[0].running_mean.clone()
    failure(model, torch.randn(2, 4))
    assert torch.equal(model[0].running_mean, before)
    assert model[1](model[0](torch.randn(2, 4))[:, [0, 1, 2, 3, 0]]).shape == (2, 4)
    assert not torch.nn.modules.module._global_forward_hooks


def test_arguments():
    with pytest.raises(ArgumentError, match=r"model must be a torch\.nn\.Module, .* got function"):
        trace(lambda x: x, torch.ones(1))
    with pytest.raises(ArgumentError, match=r"depth must be .* got 'layer'"):
        trace(nn.ReLU(), torch.ones(1), depth="layer")
