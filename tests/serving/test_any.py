"""Three of which any one is enough, looked for on request: fewer are really removed and it stays, then all three."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.catalog import Promotion
from recommendations.ml.kinds import Kind
from recommendations.serving import RecommendationQuery, recommend, why
from tests.serving.test_either import last_book_is_first_for
from tests.serving.test_truth import (
    EVENTS,
    LEARNED,
    SOLD_OUT,
    learn,
    many_examples,
    removed,
    sell_out,
    shopper_who,
    units_of,
)
from tests.shop.recommended_products import BookCatalog


@many_examples
@given(
    events=EVENTS,
    placement=st.sampled_from(["home", "new_for_you", "cart"]),
    limit=st.integers(4, 30),
    sold_out=SOLD_OUT,
    learned=LEARNED,
)
def test_fewer_leave_it_there_and_all_three_take_it_out(
    products, popular, now, events, placement, limit, sold_out, learned
):
    learn(*learned)
    sell_out(sold_out, products)
    query = RecommendationQuery(placement, shopper_who(events, products, now), limit=limit, now=now)
    silent = [entry.card.product_id for entry in recommend(query).recommendations if entry.reason.kind == "none"]
    for product_id in silent[:8]:
        for cause in why(query, product_id, further=True).causes:
            units = units_of(cause)
            if len(units) == 1:  # the card would have named another, which is sold out
                continue
            assert (cause.tier, len(units)) == ("T2", 3)
            for some in [*combinations(units, 1), *combinations(units, 2)]:
                assert product_id in removed(query, *some).product_ids
            predicted = recommend(query.without_units(anchor.unit for anchor in cause.anchors))
            assert removed(query, *units).recommendations == predicted.recommendations
            assert product_id not in predicted.product_ids


def three_each_enough(products, now, shopper):
    """A list whose first is the last book, for whoever met book 11, 26 or 31; else the first books come first."""
    last_book_is_first_for(11, 26, 31)
    events = [(30, Kind.SAVE), (25, Kind.PURCHASE), (40, Kind.VIEW), (10, Kind.VIEW)]
    return RecommendationQuery("new_for_you", shopper_who(events, products, now, shopper), limit=5, now=now)


@pytest.fixture
def query(products, popular, now):
    return three_each_enough(products, now, None)


def test_three_are_named_when_somebody_asks(query):
    first = recommend(query).recommendations[0]
    assert (first.card.title, first.reason.kind) == ("Book 60", "none")
    assert why(query, first.card.product_id).causes == ()
    (cause,) = why(query, first.card.product_id, further=True).causes
    assert cause.text == "Because you viewed Book 11, bought Book 26 and saved Book 31: any one of them would be enough"
    assert cause.evidence.ranks_with_one == (1, 1, 1)
    assert len(cause.evidence.witnesses) >= 5


def test_what_the_shop_promotes_is_not_looked_into(query, monkeypatch):
    first = recommend(query).product_ids[0]
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: [Promotion(first)])
    assert why(query, first, further=True).causes == ()


def test_nothing_is_found_for_what_rests_on_nothing(query):
    assert why(query, recommend(query).product_ids[1], further=True).causes == ()
