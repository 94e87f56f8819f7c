"""Which cards of a row print their reason: the same words at most three times and never on neighbours."""

from datetime import timedelta
from itertools import pairwise

import pytest

from recommendations.catalog import Promotion
from recommendations.ml.kinds import Kind
from recommendations.models import Product, ProductPair
from recommendations.publishing import forget
from recommendations.serving import RecommendationQuery, recommend
from tests.shop.recommended_products import BookCatalog


def printed(placement, shopper=None, **options):
    """What each card prints, "" where nothing."""
    found = recommend(RecommendationQuery(placement, shopper, **options)).recommendations
    return [entry.reason.text if entry.is_labelled else "" for entry in found]


def assert_rare(texts):
    assert not [text for text, after in pairwise(texts) if text and text == after]
    assert max(texts.count(text) for text in set(texts) - {""}) <= 3


def test_a_strangers_list_prints_what_is_popular_three_times(popular):
    texts = printed("home")
    assert texts == ["Popular this week", ""] * 3 + [""] * 4
    found = recommend(RecommendationQuery("home")).recommendations
    assert {entry.reason.text for entry in found} == {"Popular this week"}


def test_new_products_are_called_new_three_times(books, now):
    Product.objects.update(created_at=now - timedelta(days=60))
    fresh = Product.objects.filter(product_id__in=[str(book.pk) for book in books[-9:]])
    fresh.update(created_at=now - timedelta(days=1))
    assert printed("home", now=now, of="book") == ["New", ""] * 3 + [""] * 4


def test_what_was_bought_in_one_month_is_told_three_times_at_home(version, shopper, books, did):
    did(shopper, books[10:22], Kind.PURCHASE)
    texts = printed("home", shopper, limit=60)
    assert any(text.startswith("You bought this in ") for text in texts)
    assert_rare(texts)


def test_months_are_told_apart(version, shopper, books, did):
    for months, book in enumerate(books[10:16]):
        did(shopper, [book], Kind.PURCHASE, ago=timedelta(days=31 * months))
    assert len([text for text in printed("home", shopper, limit=60) if text.startswith("You bought")]) == 6


@pytest.mark.parametrize("is_trained", [True, False])
def test_where_only_what_was_bought_is_shown_each_says_when(request, shopper, books, did, is_trained):
    if is_trained:
        request.getfixturevalue("version")
    did(shopper, books[10:22], Kind.PURCHASE)
    texts = printed("buy_again", shopper)
    assert len(texts) == 10
    assert {text[:18] for text in texts} == {"You bought this in"}


def test_what_the_shop_promotes_always_says_so(version, popular, books, monkeypatch):
    paid = [Promotion(book, paid=True) for book in books[50:54]]
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: paid)
    assert printed("home", limit=12) == ["Sponsored"] * 4 + ["Popular this week", ""] * 3 + ["", ""]


def test_equal_numbers_beside_a_product_are_printed_three_times(version, books, now):
    listed = recommend(RecommendationQuery("bought_together", product_id=str(books[3].pk))).product_ids
    keys = Product.objects.primary_keys([str(books[3].pk), *listed])
    for shoppers, key in zip([10] * 8 + [50], listed, strict=False):
        one, two = sorted((keys[str(books[3].pk)], keys[key]))
        ProductPair.objects.create(product_id=one, other_id=two, shoppers=shoppers, counted_at=now)
    forget()
    texts = printed("bought_together", product_id=str(books[3].pk))
    assert texts.count("Bought together by 10+ shoppers") == 3
    assert_rare(texts)
