"""The models of transformers: one for each model type, with the default configuration.

Shapes of inputs are read off the configuration: what a field of it does not say is a text of 32
tokens, an image of 224 pixels, or a second of sound.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cgraph.errors import MissingPackageError
from cgraph.spaces.zoo.models import Arguments, ZooModel

if TYPE_CHECKING:
    import torch
    from torch import nn

N_TOKENS = 32
N_SAMPLES = 16_000
N_FRAMES = 3_000
N_PIXELS = 224


def transformers_models() -> list[ZooModel]:
    """The model types of the installed transformers, by name.

    Raises
    ------
    MissingPackageError
        If transformers is not installed.
    """
    try:
        configurations = import_module("transformers.models.auto.configuration_auto")
        kinds = import_module("transformers.models.auto.modeling_auto").MODEL_MAPPING_NAMES
    except ImportError as error:
        raise MissingPackageError("transformers", "zoo:transformers", "zoo") from error
    return [
        ZooModel(
            name, configurations.model_type_to_module_name(name), partial(_build, name), _inputs
        )
        for name in sorted(kinds)
        if name in configurations.CONFIG_MAPPING_NAMES
    ]


def _build(name: str) -> nn.Module:
    transformers = import_module("transformers")
    transformers.logging.set_verbosity_error()
    kind = import_module("transformers.models.auto.modeling_auto").MODEL_MAPPING_NAMES[name]
    config = transformers.CONFIG_MAPPING[name]()
    model: nn.Module = getattr(transformers, kind if isinstance(kind, str) else kind[0])(config)
    return model


def _inputs(model: nn.Module) -> Iterator[Arguments]:
    """What a model may take: its main input in each of its shapes, and all that must be there."""
    config = model.config
    parameters = inspect.signature(model.forward).parameters
    required = [
        name
        for name, p in parameters.items()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    main = str(getattr(model, "main_input_name", "input_ids"))
    if main not in parameters and required:
        main = required[0]
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in parameters:
        required.append("decoder_input_ids")
    others = [name for name in dict.fromkeys(required) if name != main]
    pairs = [name for name in ("input_ids", "pixel_values", "input_features") if name in parameters]
    chosen = [others, list(dict.fromkeys([*others, *pairs]))] if pairs else [others]
    for names in chosen:
        for shape in _tensors(main, config):
            rest = {name: next(_tensors(name, config), None) for name in names if name != main}
            if all(value is not None for value in rest.values()):
                yield (), {main: shape, **rest}


def _tensors(name: str, config: Any) -> Iterator[torch.Tensor]:
    """An argument in the shapes that it has in one model or another."""
    import torch

    make = _MAKERS.get(name)
    if make is None:
        return
    for shape, dtype in make(config):
        yield torch.ones(shape, dtype=getattr(torch, dtype))


Made = Iterator[tuple[tuple[int, ...], str]]


def _tokens(_: Any) -> Made:
    yield (1, N_TOKENS), "int64"


def _images(config: Any) -> Made:
    size = _field(config, ("image_size", "img_size", "input_size"), N_PIXELS)
    height, width = (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1]))
    channels = _field(config, ("num_channels", "in_channels", "in_chans"), 3)
    for high, wide in dict.fromkeys([(height, width), (N_PIXELS, N_PIXELS), (512, 512)]):
        yield (1, channels, high, wide), "float32"
    n_frames = _field(config, ("num_frames", "frames_per_clip"), 8)
    yield (1, n_frames, channels, height, width), "float32"
    yield (1, channels, n_frames, height, width), "float32"


def _sounds(config: Any) -> Made:
    mels = _field(config, ("num_mel_bins", "n_mels", "feature_size"), 80)
    yield (1, N_SAMPLES), "float32"
    yield (1, 1, N_SAMPLES), "float32"
    yield (1, _field(config, ("max_length",), 1024), mels), "float32"
    yield (1, N_TOKENS, mels), "float32"


def _spectra(config: Any) -> Made:
    mels = _field(
        config, ("num_mel_bins", "n_mels", "feature_size", "input_dim", "input_feat_size"), 80
    )
    n_frames = 2 * _field(config, ("max_source_positions",), N_FRAMES // 2)
    for n in dict.fromkeys([n_frames, N_FRAMES, 512]):
        yield (1, mels, n), "float32"
        yield (1, n, mels), "float32"
    for width in (128, 160, 64):
        yield (1, 512, width), "float32"
        yield (1, width, N_FRAMES), "float32"
    yield (1, 1, 1001, 64), "float32"


def _series(config: Any) -> Made:
    length = _field(config, ("context_length", "prediction_length"), 64)
    lags = _field(config, ("lags_sequence",), [0])
    channels = _field(config, ("num_input_channels", "input_size"), 1)
    yield (1, length + max(lags)), "float32"
    yield (1, length + max(lags), channels), "float32"
    yield (1, length, channels), "float32"


def _time_features(config: Any) -> Made:
    length = _field(config, ("context_length", "prediction_length"), 64)
    lags = _field(config, ("lags_sequence",), [0])
    n = _field(config, ("num_time_features",), 0) + _field(
        config, ("num_dynamic_real_features",), 0
    )
    yield (1, length + max(lags), max(int(n), 1)), "float32"


def _future(config: Any) -> Made:
    n = _field(config, ("num_time_features",), 0)
    yield (
        (1, _field(config, ("prediction_length", "context_length"), 64), max(int(n), 1)),
        "float32",
    )


def _hidden(config: Any) -> Made:
    yield (1, N_TOKENS, _field(config, ("hidden_size", "d_model"), 768)), "float32"


def _visual(config: Any) -> Made:
    yield (1, 36, _field(config, ("visual_feat_dim", "visual_embedding_dim"), 2048)), "float32"


def _boxes(_: Any) -> Made:
    yield (1, 36, 4), "float32"


def _masks(_: Any) -> Made:
    yield (1, N_TOKENS), "int64"


_MAKERS: dict[str, Callable[[Any], Made]] = {
    "input_ids": _tokens,
    "decoder_input_ids": _tokens,
    "attention_mask": _masks,
    "pixel_values": _images,
    "pixel_values_videos": _images,
    "input_values": _sounds,
    "input_features": _spectra,
    "past_values": _series,
    "past_observed_mask": _series,
    "past_time_features": _time_features,
    "future_time_features": _future,
    "query_embeds": _hidden,
    "hidden_states": _hidden,
    "inputs_embeds": _hidden,
    "visual_feats": _visual,
    "visual_embeds": _visual,
    "visual_pos": _boxes,
}


def _field(config: Any, names: tuple[str, ...], default: Any) -> Any:
    """The first field of that name in a configuration, or in one of those within it."""
    inner = [value for value in vars(config).values() if hasattr(value, "model_type")]
    for each in (config, *inner):
        for name in names:
            value = getattr(each, name, None)
            if value is not None and value != []:
                return value
    return default
