"""A search in a reason is told, removed and put back like a product: on the pages and by REST, in both languages."""

import html as markup
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RemovedProduct
from recommendations.serving import RecommendationQuery, because_rows, recommend
from tests.api.conftest import URL
from tests.pages.test_pages import browser, submit, visitor, why_url  # noqa: F401
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.serving.test_searches import first_are, has_search

YOURS = "/recommendations/yours/"
# {0} and {1} are the ids of two products.
SEARCHES = ["{0}", 'a "red" book {0}', "<b>Book</b> {0}", "红茶 Book {0}", "{0} & {1}'s + 15%"]


@pytest.fixture(params=SEARCHES)
def asked(request, version, popular, products, visitor, now):  # noqa: F811
    """The text of a search on which book 60 rests; the first is called like a product viewed."""
    first_are(1, has_search)
    text = request.param.format(products[12].product_id, products[13].product_id)
    for age, about in enumerate([{"product": products[12]}, {"query": text}, {"product": products[40]}]):
        kind = Kind.SEARCH if "query" in about else Kind.VIEW
        when = now - timedelta(minutes=9 - age)
        Interaction.objects.create(
            shopper=visitor, kind=kind, source=Interaction.Source.SERVER, occurred_at=when, event_key=age, **about
        )
    return text


def listed(visitor):  # noqa: F811
    return recommend(RecommendationQuery("home", visitor, limit=5))


def text_of(html):
    return re.sub(r"\s+", " ", markup.unescape(re.sub(r"<[^>]*>", "", html)))


def query_fields(html):
    return [markup.unescape(found) for found in re.findall(r'name="query" value="([^"]*)"', html)]


def test_on_the_pages(asked, visitor, browser, products):  # noqa: F811
    found = listed(visitor)
    assert found.recommendations[0].reason.anchors[0].unit == ("query", asked)
    url = why_url(found, found.product_ids[0])
    html = browser.get(url).content.decode()
    assert f"Because you searched for “{asked}”." in text_of(html)
    assert f"Without the search “{asked}” in your history it would not be among the first 5" in text_of(html)
    assert f"Remove the search “{asked}” from my history" in text_of(html)
    assert "<b>" not in html and query_fields(html) == [asked]
    predicted = re.findall(r">([^<]+)</a>", re.search(r"<ol class=.*?</ol>", html, re.DOTALL)[0])

    answer = submit(browser, url, "forget", query=asked)
    assert [redirected for redirected, _ in answer.redirect_chain] == [f"{YOURS}?removed_search=1"]  # none of its words
    html = answer.content.decode()
    assert f"the search “{asked}” is removed." in text_of(html)
    assert [entry.card.title for entry in listed(visitor).recommendations] == predicted
    assert products[12].product_id in [unit.product_id for unit in controls.history_of(visitor)]
    html = submit(browser, YOURS, "undo", query=asked).content.decode()
    assert "is removed" not in text_of(html) and query_fields(html) == [asked]
    assert listed(visitor).recommendations == found.recommendations


def test_by_rest(asked, visitor, client):  # noqa: F811
    client.cookies["recommendations_shopper"] = "key"
    found = listed(visitor)
    told = client.get(f"{URL}why/", {"token": found.token, "product": found.product_ids[0]}).json()
    (anchor,) = told["causes"][0]["anchors"]
    assert anchor == {"type": "query", "id": asked, "title": asked, "event": "searched"}
    removal = client.delete(f"{URL}history/", query_params={"query": asked})
    assert removal.status_code == 204
    assert listed(visitor).product_ids == told["causes"][0]["without"]
    assert [(one["type"], one["id"]) for one in client.get(f"{URL}history/").json()["removed"]] == [("query", asked)]
    restored = client.post(f"{URL}history/restore/", {"query": asked}, content_type="application/json").json()
    assert ("query", asked) in [(one["type"], one["id"]) for one in restored["history"]]
    assert listed(visitor).recommendations == found.recommendations


@pytest.mark.parametrize("asked", SEARCHES[2:4], indirect=True)
def test_in_chinese(asked, visitor, browser):  # noqa: F811
    with translation.override("zh-hans"):
        found = listed(visitor)
        url = why_url(found, found.product_ids[0])
        text = text_of(browser.get(url).content.decode())
        assert f"因为您搜索过「{asked}」。" in text
        assert f"从我的历史记录中移除「搜索“{asked}”」" in text
        removed = submit(browser, url, "forget", query=asked).content.decode()
        assert f"已移除「搜索“{asked}”」。" in text_of(removed)


def test_a_search_is_not_taken_for_the_product_it_is_called_like(visitor, browser, books, did):  # noqa: F811
    did(visitor, books[:1])
    name = str(books[0].pk)
    Interaction.objects.create(shopper=visitor, kind=Kind.SEARCH, query=name, source=1, event_key=99)
    submit(browser, YOURS, "forget", product=name)
    html = submit(browser, YOURS, "forget", query=name).content.decode()
    assert f"the search “{name}” is removed." in text_of(html)
    assert RemovedProduct.objects.count() == 2
    submit(browser, YOURS, "undo", query=name)
    assert RemovedProduct.objects.get().product == Product.objects.get(product_id=name)


@pytest.mark.parametrize("asked", SEARCHES[:2], indirect=True)
def test_a_row_from_a_search_links_to_that_search(asked, visitor, browser):  # noqa: F811
    first_are(6, has_search)
    (row,) = because_rows(RecommendationQuery("home", visitor))
    html = render_to_string("recommendations/because_rows.html", {"rows": [row]})
    link = markup.unescape(re.search(r'class="recommendations-why"[^>]* href="([^"]+)"', html)[1])
    assert parse_qs(urlsplit(link).query)["searched"] == [asked]
    assert f"Because you searched for “{asked}”." in text_of(browser.get(link).content.decode())
