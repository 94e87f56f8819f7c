import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml import vocabulary as vocabulary_module
from recommendations.ml.vocabulary import Vocabulary


def test_numbers_count_from_one_in_the_order_given():
    vocabulary = Vocabulary(["tea", "7", "article:7"])
    assert [vocabulary.number(p) for p in ("tea", "7", "article:7")] == [1, 2, 3]
    assert vocabulary.product_id(3) == "article:7"
    assert len(vocabulary) == 3


def test_unknown_product_is_item_zero():
    vocabulary = Vocabulary(["tea"])
    assert vocabulary.number("coffee") == 0
    assert vocabulary.numbers(["coffee", "tea"]).tolist() == [0, 1]
    assert vocabulary.numbers([]).dtype == np.int32


@pytest.mark.parametrize("number", [0, -1, 2])
def test_product_id_refuses_a_number_that_is_no_item(number):
    with pytest.raises(IndexError, match=rf"item number {number} is not in 1\.\.1"):
        Vocabulary(["tea"]).product_id(number)


def test_a_product_listed_twice_is_named():
    with pytest.raises(ValueError, match="'tea' is listed twice"):
        Vocabulary(["tea", "milk", "tea"])


def test_a_product_id_that_is_no_text_is_named():
    with pytest.raises(TypeError, match=r"product id 7 is a int; pass str\(product_id\)"):
        Vocabulary([7])


@given(st.lists(st.text(), unique=True))
def test_json_round_trip(product_ids):
    assert Vocabulary.from_json(Vocabulary(product_ids).to_json()) == Vocabulary(product_ids)


@given(st.lists(st.text(st.characters(), max_size=5), unique=True, max_size=20), st.integers(0, 20))
def test_what_is_added_stands_behind_the_others(product_ids, first):
    whole = Vocabulary(product_ids[:first]).extended(product_ids[first:])
    assert whole == Vocabulary(product_ids)
    assert whole.product_ids == product_ids
    assert whole.numbers(product_ids).tolist() == [*range(1, len(product_ids) + 1)]


def test_what_is_added_twice_is_named():
    with pytest.raises(ValueError, match="'tea' is listed twice"):
        Vocabulary(["milk", "tea"]).extended(["tea"])


def test_equal_hashes_are_told_apart(monkeypatch):
    monkeypatch.setattr(vocabulary_module, "hash", len, raising=False)
    vocabulary = Vocabulary(["tea", "ale", "milk", "rum"])
    assert vocabulary.numbers(["rum", "ale", "gin", "tea", "milk", ""]).tolist() == [4, 2, 0, 1, 3, 0]
    with pytest.raises(ValueError, match="'ale' is listed twice"):
        Vocabulary(["tea", "ale", "rum", "ale"])


def test_json_that_is_no_list_is_refused():
    with pytest.raises(ValueError, match="JSON dict, expected a list"):
        Vocabulary.from_json("{}")
