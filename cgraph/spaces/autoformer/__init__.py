"""Vision transformers of AutoFormer: width, depth, heads and MLP ratio of each layer."""
