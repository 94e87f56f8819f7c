"""What the shop promotes takes the first places, says so, and changes nothing about the truth of the others' causes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations.catalog import Promotion
from recommendations.exceptions import NotConfigured
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Product, RemovedProduct
from recommendations.serving import RecommendationQuery, because_rows, recommend, why
from recommendations.serving.looking import Inspection
from recommendations.serving.looking.paths import path
from tests.examples import examples
from tests.serving.test_cost_and_faults import selects
from tests.serving.test_truth import EVENTS, removed, shopper_who, units_of, without, words
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def promote(monkeypatch):
    """promote(book or Promotion, ...): what the shop promotes from now on, everywhere."""

    def declare(*told):
        promotions = [entry if isinstance(entry, Promotion) else Promotion(entry) for entry in told]
        monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: promotions)

    return declare


def ids(books):
    return [str(book.pk) for book in books]


def listed(shopper=None, placement="home", limit=10, **options):
    return recommend(RecommendationQuery(placement, shopper, limit=limit, **options)).recommendations


def products(shown):
    return [entry.card.product_id for entry in shown]


@pytest.mark.parametrize("has_history", [True, False])
def test_promotions_take_the_first_places_and_say_so(version, popular, shopper, books, did, promote, has_history):
    if has_history:
        did(shopper, books[10:13])
    before = listed(shopper, limit=60)
    last = [Book.objects.get(pk=entry.card.product_id) for entry in before[-2:]]
    promote(last[1], Promotion(last[0].pk, paid=True))
    shown = listed(shopper)
    assert products(shown) == [*ids(reversed(last)), *products(before[:8])]
    assert [entry.rank for entry in shown] == list(range(1, 11))
    assert [entry.reason.text for entry in shown[:2]] == ["Promoted by the shop", "Sponsored"]
    assert {(entry.source, entry.reason.tier, entry.score, entry.place) for entry in shown[:2]} == {
        ("promoted", "P", None, 0)
    }
    assert [entry.place for entry in shown[2:]] == list(range(1, 9))


def test_what_would_be_shown_anyway_is_first_and_no_promotion(version, popular, shopper, books, did, promote):
    did(shopper, books[10:13])
    before = listed(shopper)
    assert before[6].reason.kind == "because"
    promote(before[6].card.product_id)
    shown = listed(shopper)
    assert products(shown) == products([before[6], *before[:6], *before[7:]])
    assert (shown[0].source, shown[0].reason.kind, shown[0].place) == ("recommender", "none", 7)
    assert why(RecommendationQuery("home", shopper), products(shown)[0]).causes == ()


def test_what_is_paid_for_says_so_wherever_it_would_be(version, popular, promote):
    first = listed()[0].card.product_id
    promote(first)
    assert listed()[0].reason.text == "Popular this week"
    promote(Promotion(first, paid=True))
    assert listed()[0].reason.text == "Sponsored"


@pytest.mark.parametrize("promotes", [True, False])
def test_what_is_paid_for_says_so_where_it_has_no_place_of_its_own(
    version, popular, shopper, books, did, promote, promotes
):
    did(shopper, books[10:13])
    before = listed(shopper, limit=5)
    paid = [before[k].card.product_id for k in (1, 3, 4)]
    promote(*[Promotion(key, paid=True) for key in paid])
    shown = listed(shopper, limit=5, promotes=promotes)  # one place in five
    assert sorted(products(shown)) == sorted(products(before))
    assert {entry.card.product_id for entry in shown if entry.reason.text == "Sponsored"} == set(paid)
    assert {entry.card.product_id for entry in shown if entry.is_promoted} == set(paid)
    two = [entry for entry in listed(shopper, limit=2) if entry.card.product_id in paid]
    assert [entry.reason.text for entry in two] == ["Sponsored"]


@pytest.mark.parametrize(("limit", "most"), [(1, 0), (2, 0), (3, 1), (10, 3), (11, 3), (12, 4)])
def test_a_third_of_the_list_at_most(version, popular, books, promote, limit, most):
    promote(*books[50:60])
    shown = listed(limit=limit)
    assert [entry.is_promoted for entry in shown] == [True] * most + [False] * (limit - most)
    assert products(shown)[:most] == ids(books[50 : 50 + most])


def test_what_a_shopper_may_not_be_shown_makes_room_for_the_next(version, popular, shopper, books, did, promote):
    sold_out, hidden, bought, viewed, last = books[50:55]
    Book.objects.filter(pk=sold_out.pk).update(in_stock=False)
    row = Product.objects.get(product_id=str(hidden.pk))
    HiddenProduct.objects.create(shopper=shopper, product=row, until=timezone.now() + timedelta(days=9))
    did(shopper, [bought], Kind.PURCHASE)
    did(shopper, [viewed])
    promote(sold_out, hidden, bought, viewed, last, "unknown")

    def promoted(placement):
        return [entry.card.product_id for entry in listed(shopper, placement) if entry.is_promoted]

    assert promoted("home") == ids([bought, last])
    assert promoted("new_for_you") == ids([last])
    assert promoted("buy_again") == ids([bought])


@pytest.mark.parametrize("placement", ["similar", "bought_together"])
def test_lists_about_a_product_have_no_promotions(version, books, promote, placement):
    before = listed(None, placement, product_id=str(books[3].pk))
    promote(*books[50:])
    assert [replace(entry, score=None) for entry in listed(None, placement, product_id=str(books[3].pk))] == [
        replace(entry, score=None) for entry in before
    ]


def test_the_shop_is_told_the_placement_and_the_request(version, popular, books, monkeypatch, rf):
    seen = []

    def promoted(self, placement, request):
        seen.append((placement, request))
        return [Promotion(books[55])] if placement == "home" else ()

    monkeypatch.setattr(BookCatalog, "promoted", promoted)
    request = rf.get("/")
    assert listed(request=request)[0].source == "promoted"
    assert not [entry for entry in listed(None, "new_for_you") if entry.is_promoted]
    assert seen == [("home", request), ("new_for_you", None)]


def test_rows_hold_nothing_that_is_promoted_and_lose_nothing_else(version, popular, shopper, books, did, promote):
    did(shopper, [books[3], books[9], books[27], books[44]])
    query = RecommendationQuery("new_for_you", shopper, limit=40)
    before = [products(row.recommendations) for row in because_rows(query)]
    promote(*before[0][:2])
    for row in because_rows(query):
        assert not set(products(row.recommendations)) & set(before[0][:2])
        for entry in row.recommendations:
            told = why(query, entry.card.product_id, row.anchor.id)
            assert told.reason.anchors == (row.anchor,)


def test_a_failing_promoted_costs_the_page_nothing_but_is_logged(version, popular, monkeypatch, caplog):
    before = products(listed())

    def promoted(self, placement, request):
        raise LookupError("no such campaign")

    monkeypatch.setattr(BookCatalog, "promoted", promoted)
    with pytest.raises(LookupError, match="no such campaign"):
        listed()
    with override_settings(RECOMMENDATIONS={"STRICT": False}):
        assert products(listed()) == before
    assert len([record for record in caplog.records if record.name == "recommendations"]) == 1


def test_what_is_no_promotion_is_named(version, popular, monkeypatch):
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: ["7"])
    with pytest.raises(NotConfigured, match=r"BookCatalog.promoted gave '7': expected Promotion\(product\)"):
        listed()


def test_promotions_cost_no_select(version, popular, shopper, books, did, promote):
    did(shopper, books[10:13])
    promote(*books[50:])
    assert selects(RecommendationQuery("home", shopper)) == (2, 1)


few_examples = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CAMPAIGN = st.lists(st.integers(0, 59), min_size=1, max_size=8, unique=True)


@few_examples
@given(events=EVENTS, campaign=CAMPAIGN, limit=st.integers(3, 12), data=st.data())
def test_the_list_predicted_without_x_is_served_with_promotions_too(
    version, popular, now, promote, events, campaign, limit, data
):
    rows = list(Product.objects.order_by("pk"))
    promote(*(rows[place].product_id for place in campaign))
    query = RecommendationQuery(
        data.draw(st.sampled_from(["home", "new_for_you", "cart", "buy_again"])),
        shopper_who(events, rows, now),
        limit=limit,
        now=now,
    )
    place, kind = data.draw(st.sampled_from(sorted(set(events))))
    unit = words(place, rows) if kind == Kind.SEARCH else rows[place]
    predicted = recommend(without(query, unit)).recommendations
    served = removed(query, unit).recommendations
    assert [(entry.card.product_id, entry.reason) for entry in served] == [
        (entry.card.product_id, entry.reason) for entry in predicted
    ]


@few_examples
@given(events=EVENTS, campaign=CAMPAIGN, limit=st.integers(3, 12))
def test_every_because_beside_promotions_is_true_after_a_real_removal(
    version, popular, now, promote, events, campaign, limit
):
    rows = list(Product.objects.order_by("pk"))
    promoted = {rows[place].product_id for place in campaign}
    promote(*(rows[place].product_id for place in campaign))
    query = RecommendationQuery("home", shopper_who(events, rows, now), limit=limit, now=now)
    for entry in recommend(query).recommendations:
        if entry.reason.kind != "because":
            continue
        assert entry.card.product_id not in promoted
        assert entry.reason.evidence.rank_before <= entry.rank
        anchors = units_of(entry.reason)
        assert entry.card.product_id not in removed(query, *anchors).product_ids
        for anchor in anchors if len(anchors) > 1 else ():
            assert entry.card.product_id in removed(query, anchor).product_ids
    assert not RemovedProduct.objects.exists()


def test_the_staffs_path_tells_what_promotions_did(version, popular, shopper, books, did, promote):
    did(shopper, books[10:13])
    query = RecommendationQuery("home", shopper, limit=9)
    before, others = recommend(query).product_ids, recommend(replace(query, limit=60)).product_ids[20:]
    promote(*others[:3])
    found = Inspection(query)
    shown = found.served.product_ids
    pushed = [path(found, key) for key in before if key not in shown]
    assert pushed and all(one.rank is None and one.is_pushed_out and one.pinned == 3 for one in pushed)
    first, last = path(found, shown[0]), path(found, shown[-1])
    assert (first.is_promoted, first.rank, first.pinned) == (True, 1, 3)
    assert (last.is_promoted, last.is_pushed_out, last.rank) == (False, False, 9)
    far = path(found, others[-1])
    assert (far.rank, far.is_pushed_out) == (None, False)  # others score higher
