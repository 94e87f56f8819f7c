from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.text import MOST_PRODUCTS, build_index, words_of


def test_words_are_found_however_they_are_written():
    assert words_of("Salsa, MILD Salsas") == ["salsa", "mild", "salsa"]
    assert words_of("ＴＥＡ glass gas") == ["tea", "glass", "gas"]
    assert words_of("绿茶 matcha粉") == ["绿茶", "matcha", "粉"]
    assert words_of("... !") == []


def test_a_search_stands_for_the_products_that_have_its_words():
    index = build_index(["red shoes", "red hat", "blue hat hat"])
    bag = index.bag("Shoe")
    assert (bag.items.tolist(), bag.weights.tolist()) == ([1], [1])
    assert index.bag("red").items.tolist() == [2, 1]  # "shoe" is rarer than "hat", so "red" is less of item 1


def test_weights_are_those_of_tf_idf():
    index = build_index(["red shoes", "red hat", "blue hat hat"])
    red, hat, blue, shoe = log(1 + 3 / 2), log(1 + 3 / 2), log(1 + 3), log(1 + 3)
    second = hat / (red**2 + hat**2) ** 0.5
    third = (1 + log(2)) * hat / (blue**2 + ((1 + log(2)) * hat) ** 2) ** 0.5
    bag = index.bag("hats")
    assert bag.items.tolist() == [3, 2]
    assert bag.weights.tolist() == pytest.approx([third / (second + third), second / (second + third)])
    assert shoe > red


def test_what_matches_nothing_is_empty():
    index = build_index(["red shoes"])
    assert len(index.bag("quantum").items) == len(index.bag("").items) == len(build_index([]).bag("red").items) == 0


def test_a_word_of_every_product_tells_nothing():
    index = build_index([f"pack item{chr(97 + k % 26)}{k}" for k in range(60)])
    assert len(index.bag("pack").items) == 0
    assert len(index.bag("itema0").items) == 1


def test_of_equal_matches_the_popular_ones_count_not_the_oldest():
    texts, known = ["blue shirt", "red shirt"] * 20, np.zeros(41)
    assert sorted(build_index(texts, known).bag("shirt").items.tolist()) == [*range(1, 21)]
    known[16:] = 5
    assert build_index(texts, known).bag("shirt").items.tolist() == [*range(16, 36)]
    assert build_index(["red", *texts], np.append(known, 9)).bag("red").items[0] == 1  # a better match comes first


def test_only_the_best_products_count():
    bag = build_index([f"tea {'x' * k}" for k in range(1, 41)]).bag("tea")
    assert len(bag.items) == MOST_PRODUCTS


@given(st.lists(st.text("abc 绿茶", max_size=12), max_size=8), st.text("abc 绿茶", max_size=6))
def test_weights_are_shares(texts, query):
    bag = build_index(texts).bag(query)
    assert len(set(bag.items.tolist())) == len(bag.items) <= MOST_PRODUCTS
    assert np.all(bag.weights > 0)
    assert len(bag.items) == 0 or bag.weights.sum() == pytest.approx(1)
