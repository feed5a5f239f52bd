"""Choices that open further choices, against all of them written out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces.places import check, count, draw, next_to, places_of

LAYER = ("a", "b")
DEPTHS = [("x", "y", "z"), {str(n): [LAYER] * n for n in range(1, 4)}, ("end",)]

OPTIONS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True).map(tuple)
TREES = st.recursive(
    st.lists(OPTIONS, max_size=2),
    lambda inner: st.lists(
        OPTIONS | st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
        max_size=3,
    ),
    max_leaves=5,
)


def every(choices):
    """All ways to choose, written out."""
    if not choices:
        return [()]
    first, *others = choices
    opened = first if isinstance(first, dict) else {option: [] for option in first}
    return [
        (option, *inner, *rest)
        for option, places in opened.items()
        for inner in every(places)
        for rest in every(others)
    ]


@given(TREES)
def test_the_count_is_that_of_all_ways_and_each_of_them_is_read(choices):
    places, ways = places_of(choices), every(choices)
    assert count(places) == len(ways)
    for words in ways[:50]:
        check(places, words, "tree")
    drawn = draw(places, np.random.default_rng(0))
    assert tuple(drawn) in ways


@given(TREES)
def test_to_be_next_to_each_other_goes_both_ways(choices):
    places, ways = places_of(choices), every(choices)
    near = {words: [tuple(n) for n in next_to(places, words)] for words in ways[:40]}
    for words, found in near.items():
        assert words not in found
        assert len(set(found)) == len(found)
        assert set(found) <= set(ways)
        for other in found[:20]:
            assert words in [tuple(n) for n in next_to(places, other)]


def test_a_deeper_one_keeps_its_layers_and_adds_any():
    near = [tuple(n) for n in next_to(places_of(DEPTHS), ["x", "2", "a", "b", "end"])]
    assert near == [
        ("y", "2", "a", "b", "end"),
        ("z", "2", "a", "b", "end"),
        ("x", "1", "a", "end"),
        ("x", "3", "a", "b", "a", "end"),
        ("x", "3", "a", "b", "b", "end"),
        ("x", "2", "b", "b", "end"),
        ("x", "2", "a", "a", "end"),
    ]


def test_draws_are_uniform_whatever_an_option_opens():
    places, rng = places_of(DEPTHS), np.random.default_rng(1)
    counts = Counter(tuple(draw(places, rng)) for _ in range(8400))
    assert len(counts) == count(places) == 42
    assert sum((n - 200) ** 2 / 200 for n in counts.values()) < 75  # 41 degrees of freedom


def test_numbers_beyond_64_bits_are_exact_and_drawn_from():
    places = places_of([tuple(map(str, range(7)))] * 40)
    assert count(places) == 7**40
    drawn = Counter(draw(places, np.random.default_rng(s))[0] for s in range(700))
    assert len(drawn) == 7
    one = places_of([{"few": [], "many": [tuple(map(str, range(7)))] * 40}])
    assert count(one) == 7**40 + 1
    assert {draw(one, np.random.default_rng(s))[0] for s in range(20)} == {"many"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x", "2", "a"], "have one of a, b as option 4 to be one of deep, got none"),
        (["x", "2", "a", "c", "end"], "have one of a, b as option 4 to be one of deep, got 'c'"),
        (["x", "1", "a", "b", "end"], "have one of end as option 4"),
        (["x", "1", "a", "end", "b"], "have 4 options to be one of deep, got 5"),
    ],
    ids=["too few", "a stranger", "too deep", "too many"],
)
def test_what_is_no_choice_is_refused_with_the_place(words, message):
    with pytest.raises(ArchitectureError, match=message):
        check(places_of(DEPTHS), words, "deep")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ("ab", "choices must be a sequence of places, got 'ab'"),
        ([()], r"choices\[0\] must be different options, one at least, got \(\)"),
        ([("a", "a")], r"choices\[0\] must be different options"),
        ([("a|b",)], r"choices\[0\] must hold strings without '|'"),
        ([{"1": [()]}], r"choices\[0\]\['1'\]\[0\] must be different options"),
        (["ab"], r"choices\[0\] must be different options, one at least, got 'ab'"),
        ([3], r"choices\[0\] must be different options, one at least, got 3"),
    ],
    ids=["a word", "empty", "twice", "separator", "empty inside", "a word inside", "a number"],
)
def test_choices_that_are_none_are_refused_by_their_place(choices, message):
    with pytest.raises(ArgumentError, match=message):
        places_of(choices)
