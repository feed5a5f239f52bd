"""Models of many kinds, small: each entry makes a model in eval mode and its inputs."""

import torch
from torch import nn
from torch.nn import functional

ZOO = {}


def entry(function):
    ZOO[function.__name__] = function
    return function


def images(size=32, channels=3):
    return torch.randn(1, channels, size, size)


def unit(c_in, c_out, k=3, s=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, k, s, k // 2, groups=groups, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class Model(nn.Module):
    """A model whose forward is a function of itself and the inputs."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


# Vision


@entry
def alexnet():
    body = nn.Sequential(
        nn.Conv2d(3, 8, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1)
    )
    head = nn.Sequential(nn.Dropout(), nn.Linear(16 * 8 * 8, 16), nn.ReLU(), nn.Linear(16, 10))
    return nn.Sequential(body, nn.Flatten(), head), (images(),)


@entry
def vgg():
    return nn.Sequential(unit(3, 8), unit(8, 8), nn.MaxPool2d(2), unit(8, 16)), (images(),)


@entry
def resnet():
    class Block(nn.Module):
        def __init__(self, c_in, c_out, s):
            super().__init__()
            self.a, self.b = unit(c_in, c_out, s=s), nn.Conv2d(c_out, c_out, 3, padding=1)
            self.short = nn.Identity() if s == 1 else nn.Conv2d(c_in, c_out, 1, s)

        def forward(self, x):
            y = self.b(self.a(x))
            y += self.short(x)
            return functional.relu(y, inplace=True)

    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
    return nn.Sequential(unit(3, 8), Block(8, 8, 1), Block(8, 16, 2), *head), (images(),)


@entry
def densenet():
    def forward(m, x):
        found = [m.stem(x)]
        for layer in m.layers:
            found.append(layer(torch.cat(found, 1)))
        return torch.cat(found, 1).mean((2, 3))

    layers = nn.ModuleList([unit(8 + 4 * i, 4) for i in range(3)])
    return Model(forward, stem=unit(3, 8), layers=layers), (images(),)


@entry
def inception():
    def forward(m, x):
        return torch.cat([branch(x) for branch in m.branches], 1)

    pool = nn.Sequential(nn.AvgPool2d(3, 1, 1), unit(3, 4, 1))
    branches = nn.ModuleList([unit(3, 4, 1), unit(3, 4, 3), unit(3, 4, 5), pool])
    return Model(forward, branches=branches), (images(),)


@entry
def mobilenet():
    return nn.Sequential(unit(3, 8), unit(8, 8, groups=8), unit(8, 16, 1)), (images(),)


@entry
def shufflenet():
    def forward(m, x):
        left, right = m.stem(x).chunk(2, 1)
        return functional.channel_shuffle(torch.cat([left, m.right(right)], 1), 2)

    return Model(forward, stem=unit(3, 8), right=unit(4, 4, groups=4)), (images(),)


@entry
def squeeze_and_excite():
    def forward(m, x):
        y = m.stem(x)
        return y * m.gate(y.mean((2, 3)))[:, :, None, None]

    gate = nn.Sequential(nn.Linear(8, 2), nn.SiLU(), nn.Linear(2, 8), nn.Sigmoid())
    return Model(forward, stem=unit(3, 8), gate=gate), (images(),)


@entry
def channels_last():
    def forward(m, x):
        y = m.patch(x.permute(0, 3, 1, 2))
        return m.head((y + m.group(y)).permute(0, 2, 3, 1).flatten(1))

    parts = {"patch": nn.Conv2d(3, 4, 4, 4), "group": nn.GroupNorm(2, 4)}
    return Model(forward, **parts, head=nn.Linear(16, 3)), (torch.randn(2, 8, 8, 3),)


@entry
def unet():
    def forward(m, x):
        a = m.down(x)
        b = m.up(m.middle(functional.max_pool2d(a, 2)))
        return m.out(torch.cat([a, b], 1))

    up = nn.ConvTranspose2d(16, 8, 2, 2)
    parts = {"down": unit(3, 8), "middle": unit(8, 16), "up": up, "out": nn.Conv2d(16, 2, 1)}
    return Model(forward, **parts), (images(),)


@entry
def autoencoder():
    encoder = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.GELU(), nn.Flatten(), nn.Linear(256, 8))
    decoder = [nn.Linear(8, 256), nn.Unflatten(1, (4, 8, 8))]
    decoder += [nn.ConvTranspose2d(4, 1, 3, 2, 1, output_padding=1, groups=1)]
    return nn.Sequential(encoder, *decoder), (images(16, 1),)


@entry
def super_resolution():
    body = nn.Sequential(nn.Conv2d(3, 12, 3, padding="same"), nn.PixelShuffle(2))
    return Model(lambda m, x: m.body(x) + functional.interpolate(x, scale_factor=2), body=body), (
        images(8),
    )


@entry
def spatial_transformer():
    def forward(m, x):
        theta = m.where(x.flatten(1)).view(-1, 2, 3)
        grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
        return functional.grid_sample(x, grid, align_corners=False)

    return Model(forward, where=nn.Linear(64, 6)), (images(8, 1),)


@entry
def video():
    return nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.InstanceNorm3d(4), nn.MaxPool3d(2)), (
        torch.randn(1, 3, 4, 8, 8),
    )


@entry
def waveform():
    layers = [nn.Conv1d(1, 4, 8, 4), nn.GroupNorm(2, 4), nn.ConvTranspose1d(4, 1, 8, 4, groups=1)]
    return nn.Sequential(*layers, nn.Tanh()), (torch.randn(1, 1, 64),)


@entry
def mixer():
    def forward(m, x):
        y = m.patch(x).flatten(2).transpose(1, 2)
        y = y + m.tokens(m.norm(y).transpose(1, 2)).transpose(1, 2)
        return (y + m.channels(m.norm(y))).mean(1)

    def mlp(n):
        return nn.Sequential(nn.Linear(n, 8), nn.GELU(), nn.Linear(8, n))

    parts = {"patch": nn.Conv2d(3, 16, 8, 8), "norm": nn.LayerNorm(16)}
    return Model(forward, **parts, tokens=mlp(16), channels=mlp(16)), (images(),)


@entry
def siamese():
    def forward(m, a, b):
        return functional.pairwise_distance(m.tower(a).flatten(1), m.tower(b).flatten(1))

    return Model(forward, tower=unit(3, 4)), (images(8), images(8))


# Sequences


@entry
def language_model():
    def forward(m, ids):
        return m.out(m.rnn(m.table(ids))[0])

    model = Model(forward, table=nn.Embedding(20, 8), rnn=nn.LSTM(8, 8, 2), out=nn.Linear(8, 20))
    model.out.weight = model.table.weight
    return model, (torch.zeros(5, 2, dtype=torch.long),)


@entry
def lstm_with_projection():
    return nn.LSTM(8, 16, 2, bidirectional=True, proj_size=4, batch_first=True), (
        torch.randn(2, 5, 8),
    )


@entry
def gru():
    return nn.GRU(8, 16, 2), (torch.randn(5, 2, 8),)


@entry
def rnn():
    return nn.RNN(8, 16, nonlinearity="relu"), (torch.randn(5, 2, 8),)


@entry
def cells():
    def forward(m, x):
        h, c = torch.zeros(2, 2, 6).unbind()
        for step in x:
            h, c = m.lstm(step, (h, c))
            h = m.gru(h, c)
        return {"h": h, "c": c}

    return Model(forward, lstm=nn.LSTMCell(4, 6), gru=nn.GRUCell(6, 6)), (torch.randn(3, 2, 4),)


@entry
def transformer():
    return nn.Transformer(16, 2, 1, 1, 32, batch_first=True), (
        torch.randn(1, 5, 16),
        torch.randn(1, 4, 16),
    )


@entry
def encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (torch.randn(2, 5, 16),)


@entry
def attention():
    return nn.MultiheadAttention(16, 2), tuple(torch.randn(n, 2, 16) for n in (4, 5, 5))


@entry
def grouped_query_attention():
    def forward(m, x):
        q, k, v = m.qkv(x).unflatten(-1, (8, 4)).transpose(1, 2).split([4, 2, 2], 1)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return y.transpose(1, 2).flatten(2)

    return Model(forward, qkv=nn.Linear(16, 32)), (torch.randn(1, 5, 16),)


@entry
def cache():
    def forward(m, x, position=2):
        m.keys[:, position] = m.key(x)
        return torch.einsum("bc,btc->bt", x, m.keys).softmax(-1)

    return Model(forward, keys=torch.zeros(2, 4, 8), key=nn.Linear(8, 8)), (torch.randn(2, 8),)


@entry
def linear_attention():
    def forward(m, x):
        q, k, v = m.qkv(x).chunk(3, -1)
        return torch.einsum("bnd,bde->bne", q.softmax(-1), torch.einsum("bnd,bne->bde", k, v))

    return Model(forward, qkv=nn.Linear(8, 24)), (torch.randn(2, 5, 8),)


@entry
def state_space():
    def forward(m, x):
        state, out = torch.zeros(x.shape[0], 8), []
        for t in range(x.shape[1]):
            state = torch.addcmul(m.b(x[:, t]), state, m.a.exp().neg().exp())
            out.append(m.c(state))
        return torch.stack(out, 1)

    parts = {"a": nn.Parameter(torch.randn(8)), "b": nn.Linear(4, 8), "c": nn.Linear(8, 4)}
    return Model(forward, **parts), (torch.randn(2, 3, 4),)


# Others


@entry
def deep_sets():
    def forward(m, sets):
        return [m.rho(torch.stack([m.phi(x) for x in s]).sum(0)) for s in sets]

    return Model(forward, phi=nn.Linear(3, 8), rho=nn.Linear(8, 2)), (
        [[torch.randn(2, 3)] * 2, [torch.randn(2, 3)]],
    )


@entry
def fourier_features():
    def forward(m, x):
        y = x @ m.frequencies
        return m.mlp(torch.cat([y.sin(), y.cos()], -1))

    return Model(forward, frequencies=torch.randn(2, 4), mlp=nn.Linear(8, 3)), (torch.randn(5, 2),)


@entry
def residual_flow():
    def forward(m, x, steps=3):
        for i in range(steps):
            x = x + m.field(x) / (i + 1)
        return x

    field = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4))
    return Model(forward, field=field), (torch.randn(2, 4),)


@entry
def variational():
    def forward(m, x):
        mean, log = m.encoder(x).chunk(2, -1)
        return m.decoder(mean + torch.randn_like(mean) * log.exp()), mean, log

    return Model(forward, encoder=nn.Linear(8, 8), decoder=nn.Linear(4, 8)), (torch.randn(2, 8),)


@entry
def bilinear():
    return nn.Bilinear(4, 5, 3), (torch.randn(2, 4), torch.randn(2, 5))


@entry
def spectral():
    def forward(m, x):
        return torch.fft.irfft(torch.fft.rfft(x) * m.filter, n=x.shape[-1])

    return Model(forward, filter=nn.Parameter(torch.randn(5, dtype=torch.cfloat))), (
        torch.randn(2, 8),
    )


@entry
def weight_normed():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3))
    return nn.Sequential(layer, nn.LeakyReLU(0.1)), (torch.randn(1, 4, 8),)


@entry
def matrix_products():
    def forward(m, x):
        y = torch.baddbmm(x, x, x.mT) + torch.tensordot(x, m.w, 1) + torch.addmm(m.w, m.w, m.w)
        return y + (m.w @ x) + torch.linalg.multi_dot([m.w, m.w, m.w]) + torch.mv(m.w, m.w[0])

    return Model(forward, w=nn.Parameter(torch.randn(4, 4))), (torch.randn(2, 4, 4),)


@entry
def routing():
    def forward(m, x, expert):
        return m.experts[expert["index"]](x) if expert else x

    experts = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    return Model(forward, experts=experts), (torch.randn(2, 4), {"index": 1})
