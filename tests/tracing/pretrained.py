"""Hugging Face models from small configurations, and graph networks; imported when made."""

import torch


def _ids(length=8):
    return torch.zeros(1, length, dtype=torch.long)


def _pixels(size=32):
    return torch.randn(1, 3, size, size)


def _text(name, **changes):
    """A maker of the model `name` with a small text configuration."""
    common = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "vocab_size": 100,
    }
    return _maker(name, {"input_ids": _ids()}, **{**common, **changes})


def _maker(name, inputs, **configuration):
    def make():
        import transformers

        model = getattr(transformers, name)
        return model(model.config_class(**configuration)), inputs

    return make


_VISION = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}


def _clip():
    import transformers

    text = {**_VISION, "vocab_size": 100, "max_position_embeddings": 16, "projection_dim": 16}
    text |= {"bos_token_id": 0, "eos_token_id": 1}
    configuration = transformers.CLIPConfig(
        text_config=text, vision_config={**_VISION, "projection_dim": 16}, projection_dim=16
    )
    inputs = {"input_ids": _ids(), "pixel_values": _pixels()}
    return transformers.CLIPModel(configuration), inputs


_SPEECH = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "vocab_size": 100,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}

PRETRAINED = {
    "bert": _text("BertModel"),
    "gpt2": _maker(
        "GPT2LMHeadModel",
        {"input_ids": _ids()},
        n_embd=32,
        n_layer=2,
        n_head=2,
        vocab_size=100,
        n_positions=16,
        bos_token_id=0,
        eos_token_id=1,
    ),
    "vit": _maker("ViTModel", {"pixel_values": _pixels()}, **_VISION),
    "convnext": _maker(
        "ConvNextModel",
        {"pixel_values": _pixels()},
        hidden_sizes=[8, 16, 16, 16],
        depths=[1, 1, 1, 1],
    ),
    "t5": _maker(
        "T5Model",
        {"input_ids": _ids(), "decoder_input_ids": _ids(6)},
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        vocab_size=100,
    ),
    "llama": _text("LlamaForCausalLM", num_key_value_heads=1),
    "mamba": _maker(
        "MambaModel", {"input_ids": _ids()}, hidden_size=32, num_hidden_layers=2, vocab_size=100
    ),
    # Products of groups of matrices, which PyTorch does not do on empty tensors of 32 bits.
    "mixtral": _text(
        "MixtralModel", num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2
    ),
    "wav2vec2": _maker(
        "Wav2Vec2Model",
        {"input_values": torch.randn(1, 400)},
        **{**_VISION, "conv_dim": (8, 8), "conv_kernel": (8, 3), "conv_stride": (4, 2)},
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    ),
    "videomae": _maker(
        "VideoMAEModel",
        {"pixel_values": torch.randn(1, 4, 3, 32, 32)},
        **_VISION,
        num_frames=4,
        tubelet_size=2,
    ),
    "decision_transformer": _maker(
        "DecisionTransformerModel",
        {
            "states": torch.randn(1, 4, 5),
            "actions": torch.randn(1, 4, 2),
            "rewards": torch.randn(1, 4, 1),
            "returns_to_go": torch.randn(1, 4, 1),
            "timesteps": torch.zeros(1, 4, dtype=torch.long),
            "attention_mask": torch.ones(1, 4),
        },
        state_dim=5,
        act_dim=2,
        hidden_size=32,
        n_layer=1,
        n_head=2,
        n_positions=64,
        vocab_size=10,
        bos_token_id=0,
        eos_token_id=1,
    ),
    "yolos": _maker(
        "YolosModel",
        {"pixel_values": _pixels()},
        **{**_VISION, "image_size": [32, 32]},
        num_detection_tokens=4,
    ),
    "whisper": _maker(
        "WhisperModel",
        {"input_features": torch.randn(1, 8, 32), "decoder_input_ids": _ids(4)},
        **_SPEECH,
        num_mel_bins=8,
        max_source_positions=16,
        max_target_positions=16,
    ),
    "clip": _clip,
    "swin": _maker(
        "SwinModel",
        {"pixel_values": _pixels()},
        embed_dim=8,
        depths=[2, 2],
        num_heads=[1, 2],
        image_size=32,
        patch_size=2,
        window_size=4,
    ),
}


def _graph_network(name, fake):
    def make():
        import torch_geometric.nn

        model = getattr(torch_geometric.nn, name)(8, 16, 2, 4)
        edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        return model, (torch.randn(4, 8), edges), fake

    return make


# Self-loops are added where there are none: that depends on the edges.
GRAPH_NETWORKS = {
    "gcn": _graph_network("GCN", fake=False),
    "gat": _graph_network("GAT", fake=False),
    "gin": _graph_network("GIN", fake=True),
    "sage": _graph_network("GraphSAGE", fake=True),
}
