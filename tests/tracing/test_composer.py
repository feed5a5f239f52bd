"""What is composed of pieces is what is traced, as values, names included."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.graphs.tape import Nodes, Tape, pack, unpack
from cgraph.tracing.composer import Composer, NotComposedError
from cgraph.tracing.record import trace
from tests.tracing.zoo import ZOO

FLAG = {"on": False}
POWER = 2
COUNT = 0


def check(composer, build, *inputs, **kwargs):
    """Compose a model and compare; gives whether it was composed."""
    traced = trace(build(), *inputs, **kwargs)
    try:
        with composer.working():
            composed = composer.graph(build, *inputs, **kwargs)
    except NotComposedError:
        return False
    except Exception:  # it does not run on meta tensors: then it is traced as ever
        return False
    assert composed.kernels == traced.kernels
    assert composed.memories == traced.memories
    assert composed == traced
    return True


def test_models_of_many_kinds():
    composer, n_composed = Composer(named=True), 0
    for make in ZOO.values():
        for train in (False, True):
            _, inputs, *rest = make()
            n_composed += check(
                composer, lambda make=make, train=train: make()[0].train(train),
                *inputs, **(rest[0] if rest else {}),
            )  # fmt: skip
            check(
                composer, lambda make=make, train=train: make()[0].train(train),
                *inputs, **(rest[0] if rest else {}),
            )  # fmt: skip
    assert n_composed > len(ZOO)  # of twice as many


class Unit(nn.Module):
    def __init__(self, norm=True, inplace=False):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.inplace = inplace

    def forward(self, x):
        y = self.norm(self.conv(x))
        return functional.relu(y, inplace=self.inplace)


class InPlace(nn.Module):
    """Writes to what it is given."""

    def forward(self, x):
        return x.add_(1)


class Counts(nn.Module):
    """Does another thing at its second call."""

    def __init__(self):
        super().__init__()
        self.n = 0

    def forward(self, x):
        self.n += 1
        return x * self.n


class Buffered(nn.Module):
    """Keeps what it has seen in a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1, 4, 5, 5))

    def forward(self, x):
        self.seen.copy_(self.seen * 0.9 + x)
        return x - self.seen


class Flagged(nn.Module):
    """Looks at a dict of its file."""

    def forward(self, x):
        return x.tanh() if FLAG["on"] else x.sin()


class Powered(nn.Module):
    """Looks at a number of its file."""

    def forward(self, x):
        return x**POWER


class Counting(nn.Module):
    """Counts its calls in its file."""

    def forward(self, x):
        global COUNT
        COUNT += 1
        return x + COUNT


class OfClass(nn.Module):
    """Looks at an attribute of its class."""

    scale = 2

    def forward(self, x):
        return x * self.scale


class Drawing(nn.Module):
    """Draws what it does."""

    def forward(self, x):
        return x.cos() if random.random() < 0.5 else x


class Asking(nn.Module):
    """Asks for a value, and lets it be where there is none."""

    def __init__(self):
        super().__init__()
        self.register_buffer("gate", torch.ones(1))

    def forward(self, x):
        return x.abs() if bool(self.gate > 0) else x


class Lists(nn.Module):
    """Gives and takes lists of tensors."""

    def __init__(self):
        super().__init__()
        self.split = Split()
        self.join = Join()

    def forward(self, x):
        return self.join(self.split(x), scale=0.5)


class Split(nn.Module):
    def forward(self, x):
        return list(x.chunk(2, dim=1))


class Join(nn.Module):
    def forward(self, parts, *, scale):
        return torch.cat(parts[::-1], dim=1) * scale


class Appending(nn.Module):
    """Changes the list that it is given."""

    def __init__(self):
        super().__init__()
        self.inner = Append()

    def forward(self, x):
        values = [x]
        self.inner(values)
        self.inner(values)
        return values[-1]


class Append(nn.Module):
    def forward(self, values):
        values.append(values[-1] + values[0])
        return values[-1]


class Twice(nn.Module):
    """Calls a module twice."""

    def __init__(self):
        super().__init__()
        self.unit = Unit()

    def forward(self, x):
        return self.unit(self.unit(x))


class Tied(nn.Module):
    """Two layers of one weight."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(4, 4, 3, padding=1)
        self.b = nn.Conv2d(4, 4, 3, padding=1)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


class Same(nn.Module):
    """Reads one tensor through two arguments, and a view of it."""

    def __init__(self):
        super().__init__()
        self.inner = Add()

    def forward(self, x):
        y = self.inner(x, x)
        return self.inner(y, y.view(y.shape)) + self.inner(x, y)


class Add(nn.Module):
    def forward(self, x, y):
        return x + y


class Views(nn.Module):
    """Returns a view of what it is given, which is then written through."""

    def __init__(self):
        super().__init__()
        self.inner = View()

    def forward(self, x):
        y = x * 2
        view = self.inner(y)
        view.mul_(3)
        return y + 1


class View(nn.Module):
    def forward(self, x):
        return x[:, :2]


class Kept(nn.Module):
    """Keeps what it makes on itself."""

    def __init__(self):
        super().__init__()
        self.last = None

    def forward(self, x):
        before = self.last
        self.last = x.exp()
        return x if before is None else x + before


class Pair(nn.Module):
    """Returns two tensors of one storage, one of which is written to later."""

    def __init__(self):
        super().__init__()
        self.inner = Halves()

    def forward(self, x):
        a, b = self.inner(x)
        a.add_(1)
        return torch.cat([a, b], dim=1)


class Halves(nn.Module):
    def forward(self, x):
        y = x + 1
        return y[:, :2], y[:, 1:3]


class Pattern(nn.Module):
    """Its weight comes from another module."""

    def __init__(self):
        super().__init__()
        self.source = nn.Linear(5, 5)
        self.inner = Times()

    def forward(self, x):
        return self.inner(x, self.source.weight)


class Times(nn.Module):
    def forward(self, x, weight):
        return x @ weight.t()


class Constant(nn.Module):
    """Makes tensors of its own."""

    def forward(self, x):
        return x + torch.tensor([1.0]) + torch.arange(5, dtype=x.dtype)


LEAVES = {
    "unit": Unit, "unit in place": lambda: Unit(inplace=True), "no norm": lambda: Unit(norm=False),
    "in place": InPlace, "counts": Counts, "buffered": Buffered, "flagged": Flagged,
    "powered": Powered, "counting": Counting, "of class": OfClass, "drawing": Drawing,
    "asking": Asking, "lists": Lists, "appending": Appending, "twice": Twice, "tied": Tied,
    "same": Same, "views": Views, "kept": Kept, "pair": Pair, "pattern": Pattern,
    "constant": Constant, "identity": nn.Identity, "relu": lambda: nn.ReLU(inplace=True),
    "dropout": nn.Dropout, "norm": lambda: nn.GroupNorm(2, 4), "pool": lambda: nn.AvgPool2d(1),
}  # fmt: skip


class Nest(nn.Module):
    """Modules one after the other, some again, some beside each other."""

    def __init__(self, parts, again, is_sum):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.again = again
        self.is_sum = is_sum

    def forward(self, x):
        y = x
        for i, part in enumerate(self.parts):
            y = part(x.clone() if self.is_sum else y) + (y if self.is_sum else 0)
            if i in self.again:
                y = part(y)
        return y


SHAPES = st.recursive(
    st.sampled_from(sorted(LEAVES)),
    lambda inner: st.tuples(
        st.lists(inner, min_size=1, max_size=4), st.sets(st.integers(0, 3)), st.booleans()
    ),
    max_leaves=8,
)


def made(shape):
    """A module of a shape."""
    if isinstance(shape, str):
        return LEAVES[shape]()
    parts, again, is_sum = shape
    return Nest([made(part) for part in parts], frozenset(again), is_sum)


def built(shape, train):
    """A model: the shape three times, so that it is composed of itself."""
    random.seed(0)
    torch.manual_seed(0)
    global COUNT
    COUNT = 0
    return nn.Sequential(*[made(shape) for _ in range(3)]).train(train)


# Pieces of one example are there for the next: that is the point.
COMPOSER = Composer(named=True)


@given(shape=SHAPES, train=st.booleans(), flag=st.booleans(), power=st.sampled_from([2, 3, 2.0]))
def test_random_modules(shape, train, flag, power):
    global POWER
    FLAG["on"], POWER, OfClass.scale = flag, power, power
    check(COMPOSER, lambda: built(shape, train), torch.empty(1, 4, 5, 5))


@pytest.mark.parametrize("leaf", sorted(LEAVES))
@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_each_kind_of_module(leaf, train):
    composer = Composer(named=True)
    for _ in range(2):
        check(composer, lambda: built(leaf, train), torch.empty(1, 4, 5, 5))


def test_modules_that_are_alike_run_once():
    composer, ran = Composer(), []

    class Seen(Unit):
        def forward(self, x):
            return super().forward(x)

    plain = nn.Conv2d.forward

    def forward(self, x):
        ran.append(self)
        return plain(self, x)

    nn.Conv2d.forward = forward
    try:
        with composer.working():
            for _ in range(3):
                composer.tape(lambda: nn.Sequential(*[Seen() for _ in range(4)]),
                              torch.empty(1, 4, 5, 5))  # fmt: skip
    finally:
        nn.Conv2d.forward = plain
    assert len(ran) == 1


def test_a_method_that_is_exchanged_is_run():
    class Changing(nn.Module):
        def forward(self, x):
            return x.sin()

    composer = Composer(named=True)

    def build():
        return nn.Sequential(Changing(), Changing(), nn.ReLU())

    assert check(composer, build, torch.empty(1, 4))
    Changing.forward = lambda self, x: x.cos()  # noqa: ARG005
    assert check(composer, build, torch.empty(1, 4))


def test_hooks_run():
    composer = Composer(named=True)

    def build():
        model = nn.Sequential(*[Unit() for _ in range(3)])
        model[1].register_forward_hook(lambda module, args, result: result * 2)  # noqa: ARG005
        return model

    assert check(composer, build, torch.empty(1, 4, 5, 5))


@pytest.mark.parametrize("boundary", [False, True])
@pytest.mark.parametrize("is_live", [False, True], ids=["raw", "live"])
def test_tapes_tell_what_graphs_tell(is_live, boundary):
    nodes = Nodes()
    for name in ("resnet", "mobilenet", "densenet", "attention", "lstm_with_projection", "unet"):
        model, inputs, *_ = ZOO[name]()
        graph = trace(model, *inputs)
        tape = Tape.of(nodes, graph)
        assert tape.totals(nodes) == (graph.n_parameters, graph.macs)
        found = tape.project(nodes, is_live=is_live, boundary=boundary)
        shown = project(live(graph) if is_live else graph, boundary=boundary)
        assert found.labels == list(shown.labels)
        assert [list(edge) for edge in found.edges] == shown.edges.tolist()
        assert found.macs == shown.macs.tolist()
        assert found.bytes == shown.bytes.tolist()
        other = Nodes()
        (again,) = unpack(other, pack(nodes, [tape]))
        assert again.digest(other) == tape.digest(nodes)
