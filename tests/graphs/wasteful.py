"""Twenty programs, each with one waste in it: the module, its inputs, and what is to be found."""

import torch
from torch import nn
from torch.nn import functional

from tests.tracing.zoo import Model, unit

WASTEFUL = {}


def entry(kind, scope, **sizes):
    """Note a program with the kind, the scope and sizes (bytes, macs) of its one finding."""

    def note(function):
        WASTEFUL[function.__name__] = (function, kind, scope, sizes)
        return function

    return note


def images():
    return torch.zeros(1, 3, 8, 8)


def rows():
    return torch.zeros(2, 16)


# Parameters


@entry("unread parameters", "spare", bytes=4 * (16 * 8 + 8))
def a_layer_that_is_never_called():
    return Model(lambda m, x: m.body(x), body=nn.Linear(16, 4), spare=nn.Linear(16, 8)), rows()


@entry("unread parameters", "head", bytes=4 * (3 * 16 * 9 + 32 + 16 * 10 + 10))
def a_head_of_several_layers():
    head = nn.Sequential(unit(3, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return Model(lambda m, x: m.body(x), body=unit(3, 8), head=head), images()


@entry("unread parameters", "layers.*.spare", bytes=3 * 4 * (16 * 16 + 16))
def a_part_of_every_layer():
    layers = [
        Model(lambda m, x: m.body(x), body=nn.Linear(16, 16), spare=nn.Linear(16, 16))
        for _ in range(3)
    ]
    return Model(lambda m, x: m.layers(x), layers=nn.Sequential(*layers)), rows()


@entry("unread parameters", "body", bytes=4 * 16)
def a_scale_that_is_not_used():
    body = Model(lambda m, x: m.layer(x), layer=nn.Linear(16, 4), scale=nn.Parameter(rows()[0]))
    return Model(lambda m, x: m.body(x), body=body), rows()


@entry("unread parameters", "", bytes=4 * (16 * 4 + 4))
def a_model_that_ignores_all_it_has():
    return Model(lambda _, x: x.relu(), layer=nn.Linear(16, 4)), rows()


@entry("unread parameters", "gate", bytes=4 * (16 * 16 + 16))
def a_gate_asked_for_its_device_only():
    def forward(m, x):
        return m.body(x.to(m.gate.weight.device))

    return Model(forward, body=nn.Linear(16, 4), gate=nn.Linear(16, 16)), rows()


# Results


@entry("dropped result", "aux", bytes=4 * 2 * (8 + 4), macs=2 * 16 * 8 + 2 * 8 * 4)
def an_auxiliary_head_that_is_not_returned():
    def forward(m, x):
        y = m.body(x)
        m.aux(y)
        return y

    aux = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4))
    return Model(forward, body=nn.Linear(16, 16), aux=aux), rows()


@entry("dropped result", "", bytes=2 * 4 * 16 * 16)
def a_mask_that_is_built_and_dropped():
    def forward(m, x):
        mask = torch.full((16, 16), float("-inf"), device=x.device).triu(1)
        return functional.scaled_dot_product_attention(x, x, x, is_causal=len(mask) > 1)

    return Model(forward), torch.zeros(1, 16, 8)


@entry("dropped result", "", bytes=4 * 1 * 16 * 16 * 2, macs=16 * 16 * 8)
def weights_of_attention_beside_the_fused_kernel():
    def forward(m, x):
        (x @ x.transpose(1, 2)).softmax(-1)
        return functional.scaled_dot_product_attention(x, x, x)

    return Model(forward), torch.zeros(1, 16, 8)


@entry("dropped result", "")
def a_write_into_what_nobody_reads():
    def forward(m, x):
        y = x.exp()
        y.mul_(2)
        return m.body(x)

    return Model(forward, body=nn.Linear(16, 4)), rows()


@entry("dropped result", "steps.*", bytes=4 * 2 * 3 * 2 * 16)
def something_in_every_step():
    def forward(m, x):
        x.sigmoid().log()
        return m.body(x)

    steps = nn.Sequential(*[Model(forward, body=nn.Linear(16, 16)) for _ in range(3)])
    return Model(lambda m, x: m.steps(x), steps=steps), rows()


# Repetitions


@entry("repeated work", "body", bytes=4 * 2 * 16, macs=2 * 16 * 16)
def a_layer_on_the_same_values_twice():
    return Model(lambda m, x: m.body(x).relu() + m.body(x).tanh(), body=nn.Linear(16, 16)), rows()


@entry("repeated work", "body", macs=2 * (3 * 8 * 9 * 64 + 8 * 8 * 9 * 64))
def a_backbone_three_times():
    def forward(m, x):
        return m.body(x).mean() + m.body(x).amax() + m.body(x).sum()

    return Model(forward, body=nn.Sequential(unit(3, 8), nn.Conv2d(8, 8, 3, 1, 1))), images()


@entry("repeated work", "layers.*", bytes=4 * 3 * 16 * 16)
def a_transposed_weight_copied_twice():
    def forward(m, x):
        w = m.weight
        return x @ w.t().contiguous() + x.tanh() @ w.t().contiguous()

    layers = [Model(forward, weight=nn.Parameter(torch.zeros(16, 16))) for _ in range(3)]
    return Model(lambda m, x: m.layers(x), layers=nn.Sequential(*layers)), rows()


@entry("repeated work", "", bytes=4 * 2 * 16)
def a_deviation_computed_twice():
    def forward(m, x):
        mean = x.mean(-1, keepdim=True)
        return m.body((x - mean) / ((x - mean) ** 2).mean(-1, keepdim=True))

    return Model(forward, body=nn.Linear(16, 4)), rows()


@entry("repeated work", "table", bytes=4 * 2 * 4 * 16)
def an_input_that_is_given_twice():
    def forward(m, x):
        return m.table(x)[0] + m.table(x)[1]

    return Model(forward, table=nn.Embedding(10, 16)), torch.zeros(2, 4, dtype=torch.long)


# Casts


@entry("cast and back", "", bytes=8 * 2 * 16 + 4 * 2 * 16)
def double_and_back():
    return Model(lambda m, x: m.body(x.double().float()), body=nn.Linear(16, 4)), rows()


@entry("cast and back", "", bytes=2 * 2 * 16 + 4 * 2 * 16)
def half_and_back_with_a_view_between():
    def forward(m, x):
        return m.body(x.half().view(4, 8).t().float())

    return Model(forward, body=nn.Linear(4, 4)), rows()


@entry("cast and back", "")
def whole_numbers_and_back():
    def forward(m, x):
        return m.table(x.long().int())

    return Model(forward, table=nn.Embedding(10, 16)), torch.zeros(2, 64, dtype=torch.int32)


@entry("cast and back", "", bytes=8 * 2 * 16 + 4 * 2 * 16)
def there_and_back_by_the_type_of_another():
    def forward(m, x):
        return m.body(x.double().type_as(m.body.weight))

    return Model(forward, body=nn.Linear(16, 4)), rows()
