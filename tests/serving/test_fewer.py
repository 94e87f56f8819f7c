"""Less like this: of the category only one product in four may be shown, and all that is said stays true."""

from collections import Counter
from datetime import timedelta
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Product, Shopper
from recommendations.models.hidden_product import stays_among_fewer
from recommendations.serving import RecommendationQuery, because_rows, recommend
from tests.serving.test_truth import (
    EVENTS,
    is_out_without_its_anchors,
    many_examples,
    removed,
    shopper_who,
    without,
    words,
)


def shelf(product):
    return tuple(product.category)


def shelves_of(found, products):
    by_id = {product.product_id: shelf(product) for product in products}
    return Counter(by_id[product_id] for product_id in found.product_ids)


def test_one_in_four_stays_and_always_the_same_one():
    stays = [stays_among_fewer(str(number)) for number in range(4_000)]
    assert stays == [crc32(str(number).encode()) % 4 == 0 for number in range(4_000)]
    assert 900 < sum(stays) < 1_100


@pytest.mark.parametrize("placement", ["home", "new_for_you", "cart"])
def test_the_share_of_its_category_in_the_first_twenty_falls_by_half(products, popular, now, placement):
    before, after = Counter(), Counter()
    for place in range(15):
        events = [(place, Kind.VIEW), (place + 20, Kind.VIEW), (place + 33, Kind.PURCHASE)]
        query = RecommendationQuery(placement, shopper_who(events, products, now), limit=20, now=now)
        first = recommend(query).product_ids[0]
        wanted_less = shelf(Product.objects.get(product_id=first))
        before[True] += shelves_of(recommend(query), products)[wanted_less]
        controls.hide(query.shopper, first, fewer_like_it=True, now=now)
        found = recommend(query)
        assert first not in found.product_ids
        assert len(found.product_ids) == 20
        after[True] += shelves_of(found, products)[wanted_less]
    assert before[True] > 60
    assert after[True] <= before[True] / 2


def test_a_stranger_without_history_sees_fewer_too(products, popular, now):
    shopper = Shopper.objects.create()
    query = RecommendationQuery("home", shopper, limit=20, now=now)
    before = recommend(query)
    assert {entry.source for entry in before.recommendations} == {"popular"}
    controls.hide(shopper, products[0].product_id, fewer_like_it=True, now=now)
    after = recommend(query)
    left = [key for key in after.product_ids if shelf(Product.objects.get(product_id=key)) == shelf(products[0])]
    assert all(map(stays_among_fewer, left))
    assert not all(map(stays_among_fewer, before.product_ids))  # else nothing would be seen of it
    assert len(after.product_ids) == 20


def test_new_products_are_fewer_too(products, now):
    shopper = Shopper.objects.create()
    controls.hide(shopper, products[0].product_id, fewer_like_it=True, now=now)
    found = recommend(RecommendationQuery("home", shopper, limit=50, now=now))
    assert {entry.source for entry in found.recommendations} == {"new"}
    of_it = [key for key in found.product_ids if shelf(Product.objects.get(product_id=key)) == shelf(products[0])]
    assert of_it and all(stays_among_fewer(key) for key in of_it)


def test_what_was_bought_and_what_is_like_the_page_stay_whole(products, popular, now):
    shopper = shopper_who([(place, Kind.PURCHASE) for place in range(12)], products, now)
    again, alike = (
        RecommendationQuery("buy_again", shopper, limit=20, now=now),
        RecommendationQuery("similar", shopper, limit=20, product_id=products[3].product_id, now=now),
    )
    before = [recommend(query).product_ids for query in (again, alike)]
    hidden = products[57].product_id
    controls.hide(shopper, hidden, fewer_like_it=True, now=now)
    for query, found in zip((again, alike), before, strict=True):
        assert {*found} - {hidden} <= {*recommend(query).product_ids}


def test_it_ends_and_is_undone(products, popular, now):
    query = RecommendationQuery("home", shopper_who([(3, Kind.VIEW)], products, now), limit=10, now=now)
    before = recommend(query).recommendations
    product_id = before[0].card.product_id
    controls.hide(query.shopper, product_id, fewer_like_it=True, now=now)
    assert recommend(query).recommendations != before
    assert controls.show_again(query.shopper, product_id)
    assert recommend(query).recommendations == before
    controls.hide(query.shopper, product_id, fewer_like_it=True, now=now - timedelta(days=181))
    assert recommend(query).recommendations == before


@many_examples
@given(events=EVENTS, place=st.integers(0, 59), limit=st.integers(1, 12), data=st.data())
def test_both_promises_hold(products, popular, now, events, place, limit, data):
    shopper = shopper_who(events, products, now)
    HiddenProduct.objects.create(
        shopper=shopper, product=products[place], fewer_like_it=True, until=now + timedelta(days=1)
    )
    query = RecommendationQuery("home", shopper, limit=limit, now=now)
    found = recommend(query).recommendations
    for entry in found:
        if entry.reason.kind == "because":
            assert is_out_without_its_anchors(query, entry)
    met, kind = data.draw(st.sampled_from(sorted(set(events))))
    unit = words(met, products) if kind == Kind.SEARCH else products[met]
    assert removed(query, unit).product_ids == recommend(without(query, unit)).product_ids


def test_rows_obey(products, popular, now):
    query = RecommendationQuery("new_for_you", shopper_who([(3, Kind.VIEW), (27, Kind.VIEW)], products, now), now=now)
    shown = because_rows(query)[0].recommendations[0].card.product_id
    controls.hide(query.shopper, shown, fewer_like_it=True, now=now)
    mine = shelf(Product.objects.get(product_id=shown))
    for row in because_rows(query):
        for entry in row.recommendations:
            product_id = entry.card.product_id
            assert shelf(Product.objects.get(product_id=product_id)) != mine or stays_among_fewer(product_id)
