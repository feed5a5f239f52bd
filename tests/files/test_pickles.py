"""The machine of plain data, against Python's own."""

import io
import pickle
import random
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cgraph.files.pickles import ForeignClassError, load_plain
from cgraph.files.source import BrokenFileError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
KEYS = (
    st.none() | st.booleans() | st.floats() | st.text() | st.binary() | st.integers(-(2**60), 2**60)
)
LEAVES = KEYS | st.integers() | st.complex_numbers() | st.binary().map(bytearray)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS | st.tuples(KEYS, KEYS), inner)
        | st.dictionaries(KEYS, inner).map(OrderedDict)
        | st.sets(KEYS)
        | st.frozensets(KEYS)
    ),
    max_leaves=20,
)
DTYPES = (
    st.booleans().map(lambda _: np.dtype(bool))
    | arrays.integer_dtypes(endianness="=")
    | arrays.unsigned_integer_dtypes(endianness="=")
    | arrays.floating_dtypes(sizes=(16, 32, 64))
    | arrays.complex_number_dtypes(sizes=(64, 128))
)
SHAPES = arrays.array_shapes(min_dims=0, min_side=0, max_side=4)


def read(content):
    return load_plain(io.BytesIO(content))


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_plain_values_come_back(value):
    for protocol in PROTOCOLS:
        content = pickle.dumps(value, protocol)
        # Not a number is not itself: what is written again is compared.
        assert pickle.dumps(read(content), protocol) == pickle.dumps(
            pickle.loads(content), protocol
        )


@settings(deadline=None, max_examples=60)
@given(
    arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)), st.booleans()
)
def test_arrays_come_back(array, is_fortran):
    array = np.asfortranarray(array) if is_fortran else array
    for protocol in PROTOCOLS:
        content = pickle.dumps([array, array[..., ::2] if array.ndim else array], protocol)
        for found, expected in zip(read(content), pickle.loads(content), strict=True):
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes()
            assert found.flags.f_contiguous == expected.flags.f_contiguous


@settings(deadline=None, max_examples=30)
@given(DTYPES.flatmap(arrays.from_dtype))
def test_numbers_of_numpy_come_back(number):
    for protocol in PROTOCOLS:
        found = read(pickle.dumps(number, protocol))
        assert type(found) is type(number)
        assert found.tobytes() == number.tobytes()


def test_what_is_shared_stays_shared():
    shared = [1]
    shared.append(shared)
    found = read(pickle.dumps([shared, shared]))
    assert found[0] is found[1] is found[0][1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_curves_come_back(protocol):
    """Values by epoch and by name, which are read in runs."""
    names = [f"x-valid@{epoch}" for epoch in range(300)]
    value = [{k: k / 7 for k in range(300)}, dict.fromkeys(names, 0.5), dict.fromkeys(names, 1.5)]
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("value", [np.array([None, 1]), np.array(["a"]), np.dtype("O"), object()])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_not_plain_is_refused(value, protocol):
    with pytest.raises(BrokenFileError):
        read(pickle.dumps([value], protocol))


def test_a_foreign_name_is_quoted():
    with pytest.raises(ForeignClassError, match=r"^random.Random$"):
        read(pickle.dumps(random.Random(1)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_cut_off_is_said_so(protocol):
    content = pickle.dumps({"a": [1.5, "b", (2, 3)], "c": np.arange(3)}, protocol)
    for n in range(len(content)):
        with pytest.raises(BrokenFileError):
            read(content[:n])
