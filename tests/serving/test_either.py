"""Two products of which either is enough: each is really removed alone, then both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.publishing import LoadedRecommender, current_recommender
from recommendations.serving import RecommendationQuery, because_rows, recommend, why
from tests.serving.test_truth import (
    EVENTS,
    is_out_without_its_anchors,
    many_examples,
    removed,
    shopper_who,
    units_of,
)
from tests.shop.models import Book


@many_examples
@given(events=EVENTS, placement=st.sampled_from(["home", "new_for_you", "cart"]), limit=st.integers(1, 20))
def test_either_of_two_is_enough_and_both_are_needed(products, popular, now, events, placement, limit):
    query = RecommendationQuery(placement, shopper_who(events, products, now), limit=limit, now=now)
    for entry in recommend(query).recommendations:
        if entry.reason.tier != "T2":
            continue
        for anchor, at_most in zip(units_of(entry.reason), entry.reason.evidence.ranks_without_each, strict=True):
            assert removed(query, anchor).product_ids.index(entry.card.product_id) < at_most <= limit
        predicted = recommend(query.without_units(anchor.unit for anchor in entry.reason.anchors))
        after = removed(query, *units_of(entry.reason))
        assert after.recommendations == predicted.recommendations
        assert entry.card.product_id not in after.product_ids
        assert why(query, entry.card.product_id).causes == (entry.reason,)


def last_book_is_first_for(*books):
    """The last book is first for whoever met any of these books; else the first books come first."""
    scorer = current_recommender().scorer
    matrix = np.zeros((61, 1), np.float32)
    matrix[60] = 1
    table = NextItemTable(np.zeros(62, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    scorer.score = Score(matrix, -0.1 * np.arange(61, dtype=np.float32), table, MixWeights(0.0, 1.0, 0.0, 0.9))
    said = {True: [20], False: [0]}
    scorer.encode = lambda read: np.array([said[not {*books}.isdisjoint(each.items)] for each in read], np.float32)


@pytest.fixture
def or_shop(products, popular):
    last_book_is_first_for(11, 26)
    return products


def test_two_products_that_each_keep_it_are_both_named(or_shop, now):
    events = [(25, Kind.PURCHASE), (40, Kind.VIEW), (10, Kind.VIEW)]
    query = RecommendationQuery("new_for_you", shopper_who(events, or_shop, now), limit=5, now=now)
    first, *others = recommend(query).recommendations
    assert first.card.title == "Book 60"
    assert first.reason.text == "Because you viewed Book 11 and bought Book 26: either would be enough"
    assert first.reason.evidence.ranks_without_each == (1, 1)
    assert {entry.reason.kind for entry in others} == {"none"}
    assert because_rows(query) == []
    for anchor in units_of(first.reason):
        assert removed(query, anchor).product_ids[0] == first.card.product_id
    assert is_out_without_its_anchors(query, first)


def test_a_product_that_must_not_be_named_is_in_no_pair(or_shop, now, monkeypatch):
    monkeypatch.setattr(LoadedRecommender, "can_be_named", lambda loaded, unit: unit != 26)
    views = [(25, Kind.VIEW), (40, Kind.VIEW), (10, Kind.VIEW)]
    found = recommend(RecommendationQuery("home", shopper_who(views, or_shop, now), limit=5, now=now))
    assert {entry.reason.kind for entry in found.recommendations} == {"none"}


def test_a_pair_with_a_product_that_is_sold_out_is_not_printed(or_shop, now):
    Book.objects.filter(pk=or_shop[25].product_id).update(in_stock=False)
    views = [(25, Kind.VIEW), (40, Kind.VIEW), (10, Kind.VIEW)]
    found = recommend(RecommendationQuery("home", shopper_who(views, or_shop, now), limit=5, now=now))
    assert found.recommendations[0].card.title == "Book 60"
    assert {entry.reason.kind for entry in found.recommendations} == {"none"}


def test_of_two_products_the_popular_list_decides_what_is_left_without_both(products, popular, now):
    found = 0
    for first in range(20):
        shopper = shopper_who([(first, Kind.VIEW), (first + 25, Kind.VIEW)], products, now)
        query = RecommendationQuery("home", shopper, limit=20, now=now)
        stranger = removed(query, products[first], products[first + 25]).product_ids
        for entry in recommend(query).recommendations:
            if entry.reason.tier == "T2":
                found += 1
                assert entry.card.product_id not in stranger
                for anchor in units_of(entry.reason):
                    assert entry.card.product_id in removed(query, anchor).product_ids
    assert found
