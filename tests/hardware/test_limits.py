from pathlib import Path

import numpy as np
import pytest

from cgraph.errors import ArgumentError
from cgraph.hardware.limits import (
    Limit,
    keep,
    parse_measured_limit,
    parse_parameter_limit,
)
from cgraph.hardware.measured import measured_column, read_measured

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("text", "most", "dtype"),
    [
        ("0.5MB@int8", 500_000, "int8"),
        ("300 KiB@fp16", 307_200, "fp16"),
        ("1MB", 1_000_000, "float32"),
        (".25 MB @ int8", 250_000, "int8"),
        ("1kB@int4", 1_000, "int4"),
    ],
)
def test_limits_on_parameters(text, most, dtype):
    parsed = parse_parameter_limit(text)
    assert (parsed.limit.most, parsed.dtype, parsed.limit.unit) == (most, dtype, "bytes")


def test_a_parameter_limit_counts_bytes_of_the_type():
    parsed = parse_parameter_limit("1kB@fp16")
    assert parsed.bytes_of([500, 501]).tolist() == [1000, 1002]
    assert parsed.allows([500, 501]).tolist() == [True, False]
    assert parse_parameter_limit("1kB@int4").bytes_of([500, 501]).tolist() == [250, 251]


@pytest.mark.parametrize(
    ("text", "quantity", "most", "words"),
    [
        ("raspi4=20ms", "latency", 20.0, "latency on raspi4 <= 20 ms"),
        ("edgegpu = 0.01 s", "latency", 10.0, "latency on edgegpu <= 10 ms"),
        ("eyeriss=2mJ", "energy", 2.0, "energy on eyeriss <= 2 mJ"),
    ],
)
def test_limits_on_what_was_measured(text, quantity, most, words):
    parsed = parse_measured_limit(text, quantity)
    assert (parsed.limit.most, parsed.quantity) == (most, quantity)
    assert str(parsed.limit) == words


@pytest.mark.parametrize("text", ["", "MB", "1", "-1MB", "1XB@int8"])
def test_other_words_are_quoted(text):
    with pytest.raises(ArgumentError, match="as in '0.5MB@int8', got '" + text):
        parse_parameter_limit(text)


def test_what_does_not_read_as_a_limit_is_quoted():
    with pytest.raises(ArgumentError, match=r"dtype must be one of .*, got 'int5'"):
        parse_parameter_limit("1MB@int5")
    for text in ("raspi4", "=20ms", "raspi4=20", "raspi4=20mJ"):
        with pytest.raises(ArgumentError, match=f"as in 'raspi4=20ms', got '{text}'"):
            parse_measured_limit(text)
    with pytest.raises(ArgumentError, match="quantity must be one of latency, energy, got 'size'"):
        parse_measured_limit("raspi4=1ms", "size")


def test_a_value_that_is_not_known_keeps_no_limit():
    limit = Limit("latency", 1.0, "ms")
    assert limit.allows([0.5, np.nan, 1.0, 2.0]).tolist() == [True, False, True, False]
    assert keep([np.nan, 1.0], limit, ["a", "b"]).tolist() == [1]


def test_a_limit_that_nobody_keeps_says_how_close_the_nearest_come():
    limit = Limit("latency on board", 1.0, "ms")
    with pytest.raises(ArgumentError, match=r"got 2 ms \('b'\), 3 ms \('a'\) at the nearest"):
        keep([3.0, 2.0, np.nan], limit, ["a", "b", "c"])
    with pytest.raises(ArgumentError, match="got no network with a known value"):
        keep([np.nan], limit, ["a"])


def test_a_limit_on_the_whole_benchmark():
    path = SHARED / "nasbench201_hardware.parquet"
    if not path.is_file():
        pytest.skip("nasbench201_hardware.parquet absent")
    parsed = parse_measured_limit("raspi4=20ms")
    values = measured_column(read_measured(path), parsed.device, parsed.quantity)
    kept = keep(values, parsed.limit, [str(i) for i in values.index])
    assert len(kept) == int((values <= 20).sum())
    with pytest.raises(ArgumentError, match=r"latency on raspi4 must be <= 0\.001 ms .* 0\.01"):
        keep(values, parse_measured_limit("raspi4=1us").limit, [str(i) for i in values.index])
