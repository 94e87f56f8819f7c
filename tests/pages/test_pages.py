"""The shoppers' pages: plain forms, no JavaScript, no login."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from recommendations.ml.kinds import Kind
from recommendations.models import RemovedProduct, Shopper
from recommendations.models.shopper import hash_key
from recommendations.serving import RecommendationQuery, Token, recommend
from recommendations.serving.tokens import seal
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.shop.recommended_products import BookCatalog

COOKIE = "recommendations_shopper"


@pytest.fixture
def visitor(db):
    return Shopper.objects.create(key_hash=hash_key("key"))


@pytest.fixture
def browser(visitor):
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = "key"
    return client


def submit(browser, page, action, **values):
    """Send the form as the page gives it, with its CSRF token."""
    html = browser.get(page).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)[1]
    return browser.post(reverse(f"recommendations:{action}"), {"csrfmiddlewaretoken": token, **values}, follow=True)


def listed(visitor, **options):
    return recommend(RecommendationQuery("home", visitor, **options))


def why_url(found, product_id):
    return reverse("recommendations:why", query={"token": found.token, "product": product_id})


def a_cause(found, tier="T1"):
    return next(entry for entry in found.recommendations if entry.reason.tier == tier)


def removable(html):
    """What the page's forms take out of the history."""
    forms = re.findall(rf'<form[^>]*action="{reverse("recommendations:forget")}">(.*?)</form>', html, re.DOTALL)
    return [re.search(r'name="product" value="([^"]+)"', form)[1] for form in forms]


def test_the_stylesheet_styles_nothing_outside_our_pages():
    rules = Path(finders.find("recommendations/pages.css")).read_text()
    selectors = re.findall(r"^([^/{]+) {", rules, re.MULTILINE)
    assert all(one.strip().startswith(".recommendations-") for names in selectors for one in names.split(","))


@pytest.mark.parametrize("name", ["how", "yours", "why", "export", "fragment"])
def test_a_page_that_can_be_read_can_be_asked_for_by_head(version, popular, browser, name):
    address = reverse(f"recommendations:{name}", query={"placement": "home", "limit": 4})
    answer = browser.head(address)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_stranger_reads_that_nothing_is_remembered(db, client):
    html = client.get(reverse("recommendations:yours")).content.decode()
    assert "Nothing yet" in html
    assert Shopper.objects.count() == 0
    assert COOKIE not in client.cookies


def test_the_history_shows_each_product_once_with_its_strongest_event(books, visitor, browser, did):
    did(visitor, [books[0], books[1], books[0]])
    did(visitor, [books[0]], Kind.PURCHASE)
    html = browser.get(reverse("recommendations:yours")).content.decode()
    assert html.count(">Book 1</a>") == 1
    assert re.search(r"Book 1</a>\s*<small>bought", html)
    assert re.search(r"Book 2</a>\s*<small>viewed", html)


def test_remove_and_undo_by_plain_forms(version, popular, books, visitor, browser, did):
    did(visitor, books[10:13])
    before = listed(visitor)
    page = reverse("recommendations:yours")
    html = submit(browser, page, "forget", product=str(books[10].pk)).content.decode()
    assert "Book 11 is removed." in html
    assert RemovedProduct.objects.get().shopper == visitor
    assert listed(visitor).product_ids != before.product_ids
    html = submit(browser, page, "undo", product=str(books[10].pk)).content.decode()
    assert "is removed" not in html
    assert listed(visitor).product_ids == before.product_ids


def test_why_names_the_cause_and_the_list_without_it_comes_true(version, popular, books, visitor, browser, did):
    did(visitor, books[10:13])
    found = listed(visitor)
    entry = a_cause(found)
    url = why_url(found, entry.card.product_id)
    html = browser.get(url).content.decode()
    assert entry.reason.text in html
    predicted = re.search(r'<ol class="recommendations-predicted">(.*?)</ol>', html, re.DOTALL)[1]
    titles = re.findall(r">([^<]+)</a>", predicted)
    submit(browser, url, "forget", product=removable(html)[0])
    assert [shown.card.title for shown in listed(visitor).recommendations] == titles


def test_why_names_two_of_which_either_is_enough_and_the_list_without_both_comes_true(
    version, popular, books, visitor, browser, did
):
    did(visitor, books[4:7])
    found = listed(visitor)
    entry = a_cause(found, "T2")
    url = why_url(found, entry.card.product_id)
    html = browser.get(url).content.decode()
    assert f"{entry.reason.text}." in html
    assert "We made the list again without each and without both to check." in html
    assert "What you would see without both" in html
    predicted = re.search(r'<ol class="recommendations-predicted">(.*?)</ol>', html, re.DOTALL)[1]
    titles = re.findall(r">([^<]+)</a>", predicted)
    anchors = [anchor.id for anchor in entry.reason.anchors]
    assert removable(html) == anchors
    for anchor in anchors:
        submit(browser, url, "forget", product=anchor)
    assert [shown.card.title for shown in listed(visitor).recommendations] == titles
    assert entry.card.title not in titles


def test_why_of_a_popular_product_is_its_fact(version, popular, client):
    found = listed(None)
    html = client.get(why_url(found, found.product_ids[0])).content.decode()
    assert "Popular this week." in html
    assert "Because" not in html


def test_why_says_when_the_list_has_changed(version, popular, client):
    html = client.get(why_url(listed(None), "no such book")).content.decode()
    assert "not in your list any more" in html


@pytest.mark.parametrize("token", ["", "x", "a:b:c"])
def test_why_with_a_token_that_is_not_ours_tells_nothing(version, popular, client, token):
    html = client.get(reverse("recommendations:why", query={"token": token, "product": "1"})).content.decode()
    assert "This link is incomplete, too old, or made for somebody else" in html


def test_why_with_anothers_token_tells_nothing(version, popular, books, visitor, client, did):
    did(visitor, books[10:13])
    found = listed(visitor)
    html = client.get(why_url(found, a_cause(found).card.product_id)).content.decode()
    assert "made for somebody else" in html
    assert "Book 11" not in html


def test_removing_needs_the_csrf_token(books, visitor, browser, did):
    did(visitor, books[:1])
    assert browser.post(reverse("recommendations:forget"), {"product": str(books[0].pk)}).status_code == 403
    assert RemovedProduct.objects.count() == 0


@pytest.mark.parametrize("values", [{}, {"product": "1", "query": "tea"}])
def test_a_form_names_one_thing(db, client, values):
    for action in ("forget", "undo"):
        response = client.post(reverse(f"recommendations:{action}"), values)
        assert response.status_code == 400
        assert "expected the id of a product" in response.content.decode()


def test_removing_as_a_stranger_does_nothing(books, client):
    assert client.post(reverse("recommendations:forget"), {"product": str(books[0].pk)}).status_code == 302
    assert RemovedProduct.objects.count() == 0


def test_pages_are_kept_out_of_every_cache(books, visitor, browser, did):
    did(visitor, books[:1])
    control = browser.get(reverse("recommendations:yours")).headers["Cache-Control"]
    assert "private" in control
    assert "no-store" in control


def test_pages_hold_no_inline_script_or_style(version, popular, books, visitor, browser, did):
    did(visitor, books[10:13])
    found = listed(visitor)
    for url in (reverse("recommendations:yours"), why_url(found, a_cause(found).card.product_id)):
        html = browser.get(url).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", html)


def test_a_long_history_comes_in_pages(books, visitor, browser, did):
    did(visitor, books)
    first = browser.get(reverse("recommendations:yours")).content.decode()
    second = browser.get(reverse("recommendations:yours", query={"page": 2})).content.decode()
    assert first.count('value="Book') == 0
    assert first.count("· ") == 50
    assert second.count("· ") == 10


@pytest.mark.parametrize("placement", ["similar", "bought_together"])
def test_why_of_a_list_about_a_product_says_nothing_of_the_history(
    version, popular, books, visitor, browser, did, placement
):
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery(placement, visitor, product_id=str(books[3].pk)))
    html = browser.get(why_url(found, found.product_ids[0])).content.decode()
    assert "Your history has no part in it." in html
    assert "activity" not in html


def test_why_without_a_cause_names_nothing(version, popular, books, visitor, browser, did):
    did(visitor, books[10:13])
    found = listed(visitor, limit=20)
    entry = next(entry for entry in found.recommendations if entry.reason.kind == "none")
    html = browser.get(why_url(found, entry.card.product_id)).content.decode()
    assert "Chosen from your overall activity." in html
    assert "There is no single product or search of your history that we name here." in html
    assert "Book 11" not in html


def test_why_of_a_model_that_the_shop_no_longer_has_tells_nothing(version, popular, visitor, browser):
    query = RecommendationQuery("home", visitor)
    token = seal(Token(1, "1", "home", None, 10, (), query.now, of="gone"), visitor)
    response = browser.get(reverse("recommendations:why"), {"token": token, "product": "1"})
    assert response.status_code == 200 and "made for somebody else" in response.content.decode()
    answer = browser.get("/recommendations/v1/why/", {"token": token, "product": "1"})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "token"


def test_one_product_of_which_the_shop_makes_no_card_hides_nothing_from_its_shopper(
    books, visitor, browser, did, settings, monkeypatch
):
    settings.RECOMMENDATIONS = {"STRICT": False}
    did(visitor, books[:2])

    def fail(self, product, request):
        raise ValueError("no address")

    monkeypatch.setattr(BookCatalog, "card", fail)
    html = browser.get(reverse("recommendations:yours")).content.decode()
    assert all(book.name in html for book in books[:2])
    told = browser.get("/recommendations/v1/history/").json()["history"]
    assert [entry["title"] for entry in told] == [book.name for book in (books[1], books[0])]
