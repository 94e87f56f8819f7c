"""Pages that a cache shares: a place that names nobody, filled by a fragment that is of whoever asks."""

import re
from html import unescape

import pytest
from django.db import connection
from django.template import RequestContext, Template
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from recommendations.exceptions import UnknownPlacement
from tests.pages.test_pages import browser, visitor  # noqa: F401
from tests.serving.conftest import *  # noqa: F403 - the same shop

FRAGMENT = "/recommendations/fragment/"


@pytest.fixture
def place():
    """place(tag): what a template renders of the tag, and its request."""

    def render(tag):
        request = RequestFactory().get("/")
        html = Template("{% load recommendations %}" + tag).render(RequestContext(request))
        return html, request

    return render


def address_in(html):
    return unescape(re.search(r'data-recommendations-lazy="([^"]+)"', html)[1])


def test_the_place_asks_nothing_and_is_of_nobody(db, place):
    with CaptureQueriesContext(connection) as asked:
        html, request = place('{% recommendations placement="home" limit=4 heading="Für Sie" lazy=True %}')
    assert not [query for query in asked if "SAVEPOINT" not in query["sql"]]
    language = translation.get_supported_language_variant(translation.get_language())
    assert address_in(html) == f"/recommendations/fragment/?placement=home&limit=4&lang={language}"
    assert 'data-recommendations-heading="Für Sie"' in html
    assert not hasattr(request, "recommendations_personal")


def test_the_fragment_is_what_the_tag_would_have_shown(version, popular, books, visitor, browser, did, place):  # noqa: F811
    did(visitor, books[10:13])
    for tag, name in (
        ('{% recommendations placement="home" limit=4 lazy=True %}', "recommendations-home"),
        ("{% because_rows limit=2 lazy=True %}", "recommendations-because"),
        (f'{{% recommendations placement="similar" product="{books[0].pk}" lazy=True %}}', "recommendations-similar"),
    ):
        response = browser.get(address_in(place(tag)[0]))
        html = response.content.decode()
        assert response.status_code == 200 and name in html
        assert "<html" not in html and "<script" not in html
        assert "no-store" in response["Cache-Control"] and response["X-Robots-Tag"] == "noindex"
    assert "Because you viewed" in browser.get(address_in(place("{% because_rows lazy=True %}")[0])).content.decode()


def test_the_fragment_is_in_the_language_of_its_page(version, popular, client, place):
    with translation.override("zh-hans"):
        html, _ = place('{% recommendations placement="home" limit=4 lazy=True %}')
    with translation.override("en"):  # as where the shop's addresses alone tell the language
        response = client.get(address_in(html))
    assert (response["Content-Language"], "当前热门" in response.content.decode()) == ("zh-hans", True)
    assert "Popular right now" in client.get(FRAGMENT, {"placement": "home", "limit": 4}).content.decode()


def test_a_product_whose_id_has_blanks_is_asked_for_as_it_is(version, popular, books, client, monkeypatch):
    asked = []
    monkeypatch.setattr("recommendations.pages.fragment.query_of", lambda *_, **given: asked.append(given["product"]))
    client.get(FRAGMENT, {"placement": "similar", "limit": 4, "product": f" {books[0].pk}"})
    assert asked == [f" {books[0].pk}"]


def test_a_mistake_in_the_tag_is_told_where_it_is_made(db, place, settings):
    with pytest.raises(UnknownPlacement, match="about a product"):
        place('{% recommendations placement="similar" lazy=True %}')


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"placement": "hom", "limit": 4},
        {"placement": "home", "limit": 0},
        {"placement": "home", "limit": 101},
        {"placement": "home", "limit": "x"},
        {"placement": "home", "limit": 4, "of": "nothing"},
        {"placement": "home", "limit": 4, "product": "\0"},
        {"placement": "similar", "limit": 4},
        {"placement": "home", "limit": 4, "lang": "xx"},
        {"placement": "home", "limit": 4, "lang": "../en"},
    ],
)
def test_a_bad_address_is_refused(version, popular, client, asked):
    assert client.get(FRAGMENT, asked).status_code == 400


def test_a_fragment_is_only_read(db, client):
    assert client.post(FRAGMENT, {"placement": "home"}).status_code == 405
