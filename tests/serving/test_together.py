"""The fact "Bought together by 20+ shoppers of X": when it is told, of which X, and what it may never say."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from recommendations.api.lists import reason_as_json
from recommendations.ml.kinds import Kind
from recommendations.models import Product, ProductPair, RemovedProduct
from recommendations.publishing import forget
from recommendations.serving import Fact, RecommendationQuery, recommend, why
from tests.serving.test_cost_and_faults import selects
from tests.shop.models import Book


@pytest.fixture
def pair(version):
    """pair(book, other, shoppers, ago=...): what was counted of two books; the recommender has read it."""

    def store(book, other, shoppers, ago=timedelta(hours=1)):
        one, two = sorted(Product.objects.primary_keys([str(book.pk), str(other.pk)]).values())
        ProductPair.objects.create(product_id=one, other_id=two, shoppers=shoppers, counted_at=timezone.now() - ago)
        forget()

    return store


def facts(shopper, placement="new_for_you", limit=60, **options):
    """product_id -> the fact "bought together" about it."""
    found = recommend(RecommendationQuery(placement, shopper, limit=limit, **options)).recommendations
    reasons = {entry.card.product_id: entry.reason for entry in found}
    return {key: reason for key, reason in reasons.items() if reason.tier == "T4"}


@pytest.fixture
def unexplained(version, shopper, books, did):
    """A long list has no causes: books 1 to 3 were viewed."""
    did(shopper, books[:3])
    return shopper


def test_it_names_what_was_met_and_a_number_rounded_down(unexplained, books, pair):
    pair(books[0], books[20], 26)
    pair(books[4], books[21], 99)  # nobody here met book 5
    (told,) = facts(unexplained).values()
    assert told.text == "Bought together by 20+ shoppers of Book 1"
    assert (told.kind, told.shoppers) == ("fact", 20)
    assert reason_as_json(told) == {
        "kind": "fact",
        "tier": "T4",
        "text": told.text,
        "anchors": [{"type": "product", "id": str(books[0].pk), "title": "Book 1", "event": "viewed"}],
        "verified": True,
        "shoppers": 20,
    }


@pytest.mark.parametrize(
    ("shoppers", "printed"), [(5, 5), (9, 5), (10, 10), (19, 10), (20, 20), (50, 50), (99, 50), (100, 100), (2000, 100)]
)
def test_numbers_are_rounded_down(unexplained, books, pair, shoppers, printed):
    pair(books[0], books[20], shoppers)
    assert [fact.shoppers for fact in facts(unexplained).values()] == [printed]


@pytest.mark.parametrize("given", [{"shoppers": 26}, {"shoppers": 0}, {"shoppers": 4}])
def test_no_other_number_can_be_told(given):
    with pytest.raises(ValueError, match="bought_together with"):
        Fact("bought_together", **given)
    with pytest.raises(ValueError, match="fact 'loved': expected one of bought"):
        Fact("loved")


def test_a_visible_link_comes_first_then_the_most_shoppers(unexplained, books, pair):
    # Shelves go round: book 22 stands beside book 1, not beside 2 and 3.
    pair(books[1], books[21], 90)
    pair(books[0], books[21], 6)
    pair(books[1], books[19], 20)
    pair(books[2], books[19], 30)
    told = facts(unexplained)
    assert told[str(books[21].pk)].text == "Bought together by 5+ shoppers of Book 1"
    assert told[str(books[19].pk)].text == "Bought together by 20+ shoppers of Book 2"  # its shelf too
    Product.objects.update(category=[])
    forget()
    assert facts(unexplained)[str(books[19].pk)].text == "Bought together by 20+ shoppers of Book 3"


def test_what_is_not_for_sale_is_not_named_but_the_next_best_is(unexplained, books, pair):
    pair(books[0], books[20], 90)
    pair(books[1], books[20], 30)
    Book.objects.filter(pk=books[0].pk).update(in_stock=False)
    assert [fact.anchors[0].title for fact in facts(unexplained).values()] == ["Book 2"]


def test_sensitive_products_are_never_named_and_need_twenty_shoppers(unexplained, books, pair):
    pair(books[0], books[20], 90)
    pair(books[2], books[22], 19)
    pair(books[1], books[23], 20)
    shelf = {book.pk: book.shelf for book in books}
    with override_settings(RECOMMENDATIONS={"STRICT": True, "SENSITIVE_CATEGORIES": (shelf[books[0].pk],)}):
        forget()
        named = {fact.anchors[0].title for fact in facts(unexplained).values()}
        assert "Book 1" not in named
        assert named == {"Book 2", "Book 3"}
    with override_settings(RECOMMENDATIONS={"STRICT": True, "SENSITIVE_CATEGORIES": (shelf[books[22].pk],)}):
        forget()
        assert str(books[22].pk) not in facts(unexplained)


def test_a_count_of_more_than_two_days_ago_is_not_printed(unexplained, books, pair):
    pair(books[0], books[20], 90)
    now = timezone.now()
    assert facts(unexplained, now=now + timedelta(hours=46))
    assert not facts(unexplained, now=now + timedelta(hours=48))


def test_a_cause_and_what_was_bought_say_more(version, popular, shopper, books, did, pair):
    did(shopper, books[10:13], Kind.PURCHASE)
    for book in books:
        if book not in (books[10], books[11]):
            pair(books[10], book, 70)
    found = recommend(RecommendationQuery("home", shopper, limit=10)).recommendations
    tiers = {entry.card.product_id: entry.reason.tier for entry in found}
    assert {tiers.pop(str(book.pk), "T5") for book in books[10:13]} == {"T5"}
    assert "T1" in tiers.values()
    assert set(tiers.values()) <= {"T1", "T2", "T4"}
    for entry in found:
        told = why(RecommendationQuery("home", shopper, limit=10), entry.card.product_id)
        assert told.reason.tier == entry.reason.tier


def test_beside_a_product_it_need_not_be_named(unexplained, books, pair):
    listed = recommend(RecommendationQuery("bought_together", product_id=str(books[3].pk))).product_ids
    other = Book.objects.get(pk=listed[0])
    pair(books[3], other, 10)
    pair(books[0], other, 90)
    for asking in (None, unexplained):
        (told,) = facts(asking, "bought_together", product_id=str(books[3].pk)).values()
        assert (told.text, told.anchors) == ("Bought together by 10+ shoppers", ())
    assert facts(unexplained, "similar", product_id=str(books[3].pk)) == {}


def test_what_is_removed_is_named_no_more(unexplained, books, pair):
    pair(books[0], books[20], 90)
    assert len(facts(unexplained)) == 1
    assert facts(unexplained, without=(str(books[0].pk),)) == {}
    removed = Product.objects.get(product_id=str(books[0].pk))
    RemovedProduct.objects.create(shopper=unexplained, product=removed)
    assert facts(unexplained) == {}


def test_it_costs_a_list_no_select(version, popular, shopper, books, did, pair):
    did(shopper, books[10:13])
    before = selects(RecommendationQuery("new_for_you", shopper))
    for book in books[20:]:
        pair(books[10], book, 70)
    assert selects(RecommendationQuery("new_for_you", shopper)) == before == (2, 1)


def test_a_new_count_is_read_by_a_running_process(unexplained, books, pair, monkeypatch):
    from recommendations.publishing import current

    pair(books[0], books[20], 90)
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    assert [fact.shoppers for fact in facts(unexplained).values()] == [50]
    ProductPair.objects.update(shoppers=100, counted_at=timezone.now())
    assert [fact.shoppers for fact in facts(unexplained).values()] == [100]
    ProductPair.objects.all().delete()
    assert facts(unexplained) == {}
