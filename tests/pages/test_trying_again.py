"""While the database does not answer, the shopper's pages say so, and claim nothing."""

from html import unescape

import pytest
from django.db import OperationalError
from django.template import Template
from django.urls import resolve, reverse

from recommendations.models import HiddenProduct, RecommenderVersion, RemovedProduct, Shopper
from recommendations.models.shopper import ShopperQuerySet
from recommendations.pages import how
from recommendations.serving import RecommendationQuery, inspection, recommend
from recommendations.serving.recommending import HISTORY
from tests.pages.test_pages import browser, submit, visitor  # noqa: F401
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.shop.recommended_products import BookCatalog

YOURS = "/recommendations/yours/"
PAGES = ("yours", "export")
FORMS = ("forget", "undo", "hide", "show_again", "erase", "personalisation")


@pytest.fixture(autouse=True)
def as_in_a_shop(settings):
    settings.RECOMMENDATIONS = {"STRICT": False}


@pytest.fixture
def outage(monkeypatch):
    """outage(): from now on who asks can't be looked up."""

    def fail(*args):
        raise OperationalError("the server closed the connection")

    return lambda: monkeypatch.setattr(ShopperQuerySet, "of_key", fail)


@pytest.fixture
def lists_rest(outage, monkeypatch):
    """lists_rest(browser): a list was not made, since the database did not answer; now it does."""

    def happen(browser):  # noqa: F811
        outage()
        assert browser.get("/recommendations/v1/lists/?placement=home").status_code == 200
        monkeypatch.undo()

    return happen


def test_why_does_not_take_a_failing_database_for_another_shopper(
    version,
    popular,
    books,
    visitor,  # noqa: F811
    browser,  # noqa: F811
    did,
    outage,
    monkeypatch,
):
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor))
    asked = {"token": found.token, "product": found.product_ids[0]}
    page, endpoint = reverse("recommendations:why"), "/recommendations/v1/why/"
    outage()
    assert [browser.get(address, asked).status_code for address in (page, endpoint)] == [503, 503]
    monkeypatch.undo()
    assert [browser.get(address, asked).status_code for address in (page, endpoint)] == [200, 200]


@pytest.mark.usefixtures("version", "popular")
def test_why_tells_of_the_shoppers_own_list_though_lists_rest(books, visitor, browser, did):  # noqa: F811
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor))
    entry = next(entry for entry in found.recommendations if entry.reason.kind == "because")
    HISTORY.failed()
    html = browser.get(reverse("recommendations:why"), {"token": found.token, "product": entry.card.product_id})
    assert entry.reason.text in unescape(html.content.decode())


@pytest.mark.usefixtures("version", "popular")
def test_why_predicts_no_list_that_it_could_not_make(books, visitor, browser, did, monkeypatch):  # noqa: F811
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor))
    cause = next(entry for entry in found.recommendations if entry.reason.kind == "because").card.product_id
    real = inspection.read_memory

    def slow(shopper, now, without=(), without_queries=()):
        if without:
            raise OperationalError("canceling statement due to statement timeout")
        return real(shopper, now)

    monkeypatch.setattr(inspection, "read_memory", slow)
    for address in (reverse("recommendations:why"), "/recommendations/v1/why/"):
        assert browser.get(address, {"token": found.token, "product": cause}).status_code == 503


@pytest.mark.parametrize("address", ["/recommendations/why/", "/recommendations/v1/why/"])
@pytest.mark.usefixtures("version", "popular")
def test_why_asks_to_try_again_when_the_shops_own_code_fails(
    books,
    visitor,  # noqa: F811
    browser,  # noqa: F811
    did,
    monkeypatch,
    settings,
    caplog,
    address,
):
    def fail(*args):
        raise ValueError("the price service is away")

    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor))
    asked = {"token": found.token, "product": found.product_ids[0]}
    monkeypatch.setattr(BookCatalog, "card", fail)
    response = browser.get(address, asked)
    assert (response.status_code, int(response["Retry-After"]) > 0) == (503, True)
    assert "the price service is away" in caplog.text
    settings.RECOMMENDATIONS = {"STRICT": True}
    with pytest.raises(ValueError, match="the price service is away"):
        browser.get(address, asked)


def test_how_asks_to_try_again(client, db, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(how, "_told", fail)
    RecommenderVersion.objects.create(status="published")
    assert client.get(reverse("recommendations:how")).status_code == 503


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_to_try_again(visitor, browser, outage, caplog, page):  # noqa: F811
    outage()
    response = browser.get(reverse(f"recommendations:{page}"))
    html = response.content.decode()
    assert (response.status_code, int(response["Retry-After"]) > 0) == (503, True)
    assert "no-store" in response["Cache-Control"]
    assert "Please try again in a moment" in html and "Nothing yet" not in html
    assert f'href="{YOURS}"' in html
    assert "the server closed the connection" in caplog.text


@pytest.mark.parametrize("form", FORMS)
def test_a_form_claims_nothing(books, visitor, browser, did, outage, form):  # noqa: F811
    did(visitor, books[:2])
    submit(browser, YOURS, "forget", product=str(books[0].pk))
    submit(browser, YOURS, "hide", product=str(books[0].pk))
    before = list(Shopper.objects.values())
    browser.handler.enforce_csrf_checks = False
    outage()
    response = browser.post(reverse(f"recommendations:{form}"), {"product": str(books[0].pk)})
    assert response.status_code == 503
    assert "recommendations_off" not in response.cookies
    assert "do it again" in response.content.decode()
    assert list(Shopper.objects.values()) == before
    assert (RemovedProduct.objects.count(), HiddenProduct.objects.count()) == (1, 1)


def test_afterwards_a_removal_is_one_at_once_though_lists_rest(books, visitor, browser, did, lists_rest):  # noqa: F811
    did(visitor, books[:1])
    lists_rest(browser)
    html = submit(browser, YOURS, "forget", product=str(books[0].pk)).content.decode()
    assert "Book 1 is removed" in html
    assert RemovedProduct.objects.count() == 1


def test_the_shops_own_frame_is_not_asked_for(visitor, browser, outage, monkeypatch):  # noqa: F811
    """It may hold what asks the database, as a basket does."""
    real, names = Template.render, []
    monkeypatch.setattr(Template, "render", lambda self, context: names.append(self.name) or real(self, context))
    outage()
    browser.get(YOURS)
    assert names == ["recommendations/pages/try_again.html"]


@pytest.mark.parametrize(
    "page", ["yours", "forget", "undo", "hide", "show_again", "personalisation", "export", "erase"]
)
def test_pages_about_the_shopper_are_outside_of_atomic_requests(page):
    assert resolve(reverse(f"recommendations:{page}")).func._non_atomic_requests
