import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench201 import notation

GOOD = "|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|"
operations = st.tuples(*[st.integers(0, 4)] * 6)


@given(operations)
def test_parse_of_format_is_the_same(cell):
    assert notation.parse(notation.format_operations(cell)) == cell


@given(operations)
def test_codes_are_digits_in_base_five(cell):
    code = int(notation.encode(np.array(cell)))
    assert code == int("".join(map(str, cell)), 5)
    assert notation.codes()[notation.indices()[code]] == code


def test_the_official_order_is_the_authors():
    names = notation.architectures()
    # Asserted by the authors' own generator.
    assert names[0] == (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|"
        "+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    )
    assert names[9] == ("|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    assert names[123] == (
        "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )
    # The whole order, compared once with the published tables.
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    assert digest == "83abc799e45cf34e9d2163654668ab998b9a54d01c39e72ca1f71f2cdf356d84"


def test_the_official_order_is_that_of_the_published_table(accuracy_table):
    assert notation.architectures() == tuple(accuracy_table["arch"])


def test_every_cell_stands_once():
    assert len(set(notation.architectures())) == notation.N_ARCHITECTURES == 15625
    table = notation.operations_table()
    assert table.shape == (15625, 6)
    assert notation.parse(notation.architectures()[77]) == tuple(table[77].tolist())


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("", ["'|' at character 0", "got the end"], id="empty"),
        pytest.param(
            GOOD.replace("avg_pool", "max_pool"),
            ["at character 17 (edge 1 -> 2)", "'max_pool_3x3'", "did you mean 'avg_pool_3x3'"],
            id="operation",
        ),
        pytest.param(
            GOOD.replace("avg_pool_3x3~1", "avg_pool_3x3~0"),
            ["'~1|' at character 29 (after the operation of 1 -> 2)", "'~0|'"],
            id="source",
        ),
        pytest.param(GOOD + " ", ["end at character 63", "' '"], id="tail"),
        pytest.param(
            GOOD[:-9], ["'~1|' at character 53 (after the operation of 1 -> 3)", "'~'"], id="cut"
        ),
        pytest.param(GOOD[:40], ["at character 34 (edge 0 -> 3)", "'skip_c'"], id="cut-inside"),
        pytest.param(" " + GOOD, ["'|' at character 0", "' '"], id="head"),
        pytest.param(17, ["be a string", "17"], id="number"),
    ],
)
def test_a_bad_string_is_explained(text, quoted):
    with pytest.raises(ArchitectureError) as error:
        notation.parse(text)
    for words in quoted:
        assert words in str(error.value)


@given(operations, st.integers(0, 200), st.characters(codec="ascii"))
def test_a_string_with_one_character_changed_is_refused_or_another_cell(cell, place, character):
    text = notation.format_operations(cell)
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    # Only another source or another operation of the space may come of it.
    if changed in notation.architectures():
        assert notation.format_operations(notation.parse(changed)) == changed
    else:
        with pytest.raises(ArchitectureError, match=r"^arch must "):
            notation.parse(changed)


@pytest.mark.parametrize("bad", [(0,) * 5, (0, 0, 0, 0, 0, 5), (-1, 0, 0, 0, 0, 0)])
def test_only_six_operations_are_formatted(bad):
    with pytest.raises(ArchitectureError, match=r"six numbers"):
        notation.format_operations(bad)
