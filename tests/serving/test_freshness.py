"""How soon a list knows: what somebody just did, what the shop just put on sale, what it just sold out."""

import pytest
from django.test import Client

from recommendations.ml.kinds import Kind
from recommendations.publishing import current
from recommendations.serving import RecommendationQuery, recommend
from tests.shop.models import Book

LISTS = "/recommendations/v1/lists/?placement=home&limit=60"


@pytest.fixture
def browser(settings):
    settings.RECOMMENDATIONS = {"STRICT": True}
    return Client(HTTP_SEC_FETCH_SITE="same-origin")


def shown(browser, path=LISTS):
    answer = browser.get(path).json()
    return [entry["product"]["id"] for entry in answer["recommendations"]], answer


def sent(browser, **event):
    answer = browser.post("/recommendations/v1/interactions/", event, content_type="application/json")
    assert answer.status_code == 201, answer.content


def asked(shopper, **options):
    return recommend(RecommendationQuery("home", shopper, **options))


def test_an_event_is_in_the_next_request_of_whoever_sent_it(version, popular, books, browser):
    before, answer = shown(browser)
    assert answer["version"] == "" and str(books[5].pk) in before
    sent(browser, kind="view", product=str(books[5].pk))
    after, answer = shown(browser)
    assert answer["version"] == str(version.pk)
    assert str(books[5].pk) not in after
    sent(browser, kind="view", product=str(after[0]))
    assert after[0] not in shown(browser)[0]


def test_a_product_is_listed_within_seconds_of_its_save_without_a_training(
    version, popular, shopper, books, did, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    did(shopper, books[:3])
    asked(shopper)
    with django_capture_on_commit_callbacks(execute=True):
        new = Book.objects.create(name="Fresh from the press", shelf="Novels")
    found = asked(shopper, limit=60)
    sources = {entry.card.product_id: entry.source for entry in found.recommendations}
    assert sources[str(new.pk)] == "new"
    assert asked(None, limit=60).product_ids.count(str(new.pk)) == 1


def test_a_product_that_is_sold_out_is_gone_from_the_next_list(version, popular, shopper, books, did):
    did(shopper, books[10:13])
    first = asked(shopper).product_ids[0]
    # Not even the mirror knows: the shop's own row decides.
    Book.objects.filter(pk=first).update(in_stock=False)
    assert first not in asked(shopper, limit=60).product_ids
    assert first not in asked(None, limit=60).product_ids


def test_a_product_that_is_back_in_stock_is_listed_again(
    version, popular, shopper, books, did, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    did(shopper, books[10:13])
    first = asked(shopper).product_ids[0]
    book = Book.objects.get(pk=first)
    for in_stock in (False, True):
        book.in_stock = in_stock
        with django_capture_on_commit_callbacks(execute=True):
            book.save()
        assert (first in asked(shopper).product_ids) is in_stock


def test_a_purchase_is_in_the_facts_of_the_next_list(version, shopper, books, did):
    did(shopper, books[10:13])
    did(shopper, books[20:21], Kind.PURCHASE)
    bought = {entry.card.product_id: entry.reason for entry in asked(shopper, limit=60).recommendations}
    assert bought[str(books[20].pk)].fact == "bought"
