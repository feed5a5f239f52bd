"""Libraries of models as spaces, and models whose inputs are of any dtype."""

import importlib.util

import pytest
import torch
from torch import nn

import cgraph
from cgraph.errors import ArgumentError, MissingPackageError, UnknownNameError
from cgraph.spaces import from_models, get
from cgraph.spaces.capture_store import CaptureStore
from cgraph.spaces.zoo import ZooModel
from cgraph.spaces.zoo.models import read_model


def test_models_of_a_library_are_architectures_and_have_families():
    pytest.importorskip("transformers")
    space = get("zoo:transformers/*bert")
    assert space.families()["distilbert"] == "distilbert"
    graph = space.graph("distilbert")
    assert {k.operation for k in graph.kernels} >= {"embedding", "linear", "layer_norm"}


def test_models_that_fail_are_left_out_with_their_reason(tmp_path):
    pytest.importorskip("transformers")
    if importlib.util.find_spec("timm") is not None:
        pytest.skip("timm is installed, and the model does not fail")
    space = get("zoo:transformers/[rt][oa]*former")  # one has its backbone in another package
    assert "table-transformer" in space.architectures()
    with CaptureStore(tmp_path / "kept.sqlite", space) as store:
        found = space.capture(skip_failures=True, store=store)
        again = get("zoo:transformers/[rt][oa]*former")
        again.reader = None  # nothing is read again
        assert again.capture(skip_failures=True, store=store).failures == found.failures
    assert "timm" in dict(found.failures)["table-transformer"]
    assert len(found.population("network")) == len(space) - len(found.failures)


@pytest.mark.parametrize("name", ["timm", "torchvision"])
def test_a_library_that_is_not_there_is_named(name):
    if importlib.util.find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    with pytest.raises(MissingPackageError, match=rf"zoo:{name} needs {name}.*cgraph\[{name}\]"):
        get(f"zoo:{name}")


def test_an_unknown_zoo_and_an_empty_one_are_named():
    with pytest.raises(UnknownNameError, match="did you mean 'transformers'"):
        get("zoo:transformer")
    pytest.importorskip("transformers")
    with pytest.raises(ArgumentError, match=r"name models of zoo:transformers, got 'no\*such'"):
        get("zoo:transformers/no*such")


def test_the_first_input_that_a_model_takes_is_the_one():
    shapes = [(1, 3), (1, 8), (2, 8)]
    model = ZooModel(
        "m", "f", lambda: nn.Linear(8, 2), lambda _: (((torch.empty(*s),), {}) for s in shapes)
    )
    assert (1, 8) in {memory.shape for memory in read_model(model).memories}


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, tokens, mask):
        return self.table(tokens) * mask[..., None]


@pytest.mark.parametrize("form", ["tuple", "mapping"])
def test_models_take_several_inputs_of_any_dtype(form):
    tokens, mask = torch.zeros(2, 7, dtype=torch.int64), torch.ones(2, 7)
    inputs = (tokens, mask) if form == "tuple" else {"mask": mask, "tokens": tokens}
    space = from_models({"a": Attends}, inputs)
    expected = cgraph.trace(Attends(), tokens[:1], mask[:1])
    operations = [[k.operation for k in g.kernels] for g in (space.graph("a"), expected)]
    assert operations[0] == operations[1]
    assert space.sizes()["n_parameters"].tolist() == [40]
