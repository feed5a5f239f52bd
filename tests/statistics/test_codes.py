"""Packed codes against sums of products."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from cgraph.statistics.codes import Agreements, Patterns, UnitPatterns, _hamming_by_products

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))


@given(SHAPES, st.booleans(), st.integers(0, 99))
def test_agreements(shape, is_channels_last, seed):
    codes = [torch.from_numpy(np.random.default_rng(seed + i).random(shape) < 0.5) for i in (0, 1)]
    agreements = Agreements()
    for code in codes:
        if is_channels_last:
            code = code.contiguous(memory_format=torch.channels_last)
        agreements.add(code)
    c = torch.cat([code.flatten(1) for code in codes], dim=1).double().numpy()
    assert agreements.n_units == c.shape[1]
    np.testing.assert_array_equal(agreements.kernel, c @ c.T + (1 - c) @ (1 - c).T)
    np.testing.assert_array_equal(
        np.triu(_hamming_by_products(torch.from_numpy(c > 0)).numpy()),
        c.shape[1] - np.triu(agreements.kernel) - np.tril(np.full((len(c),) * 2, c.shape[1]), -1),
    )


@given(
    st.integers(1, 200),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64]),
)
def test_values_are_compared_with_zero_as_they_are_packed(width, dtype):
    generator = torch.Generator().manual_seed(width)
    values = (torch.randn(5, width, generator=generator) * 3).to(dtype)
    values[0, : width // 2] = 0
    if dtype.is_floating_point:
        values[1, : width // 3] = float("nan")
        values[2, : width // 4] = -0.0
        values[3, : width // 4] = float("inf")
    agreements = Agreements()
    agreements.add(values)
    on = values.double().numpy() > 0
    expected = [[int((a == b).sum()) for b in on] for a in on]
    np.testing.assert_array_equal(agreements.kernel, expected)


@given(SHAPES, st.integers(0, 99))
def test_patterns(shape, seed):
    code = np.random.default_rng(seed).random(shape) < 0.5
    patterns, units = Patterns(), UnitPatterns()
    for _ in range(2):
        patterns.add(torch.from_numpy(code))
        patterns.add(torch.from_numpy(~code))
        patterns.end_batch()
    units.add(torch.from_numpy(code))
    flat = code.reshape(len(code), -1)
    assert patterns.n_samples == 2 * len(code)
    assert patterns.n_distinct == len(np.unique(flat, axis=0))
    assert units.n_units == flat.shape[1]
    assert units.n_distinct == len(np.unique(flat.T, axis=0))
