"""Models in, computational graphs out: one pass is recorded on tensors that hold no data."""
