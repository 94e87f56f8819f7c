"""Whatever a shop hands to a tag, and whatever its products are called: the page around it is whole and can be sent."""

import json
from decimal import Decimal

import pytest
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recommendations.catalog import Card, Price, registered, sync_catalog
from recommendations.models import Product
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.shop.models import Book

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
PAGE = Template(
    "{% load recommendations %}before"
    "{% recommendations placement=placement limit=limit product=product heading=heading of=of %}"
    "{% because_rows limit=limit of=of %}{{ product|recommendations_id }}{% recommendation_beacon %}after"
)
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.text(alphabet="\0\ud800\udfff<&\"'x", max_size=4),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
)


@pytest.fixture
def as_in_production(settings):
    settings.RECOMMENDATIONS = {"STRICT": False}


def sent(**values):
    """The page's bytes, as a shop sends them."""
    request = RequestFactory().get("/")
    asked = {"placement": "home", "limit": 3, "product": "", "heading": "", "of": "", **values}
    return HttpResponse(PAGE.render(RequestContext(request, asked))).content.decode()


@FEW
@given(name=st.sampled_from(["placement", "limit", "product", "heading", "of"]), value=anything)
@example(name="limit", value=float("nan"))
@example(name="product", value="\0")
@example(name="heading", value="\ud800")
@example(name="heading", value="x" * 1_000_000)
def test_a_tag_takes_anything_and_the_page_is_sent(version, popular, as_in_production, name, value):
    # The page prints the product by itself; that text is the shop's own.
    values = {name: value.replace("\ud800", "").replace("\udfff", "") if _is_printed(name, value) else value}
    html = sent(**values)
    assert html.startswith("before")
    assert html.endswith("after")


def _is_printed(name, value):
    return name == "product" and isinstance(value, str)


@pytest.fixture
def odd_cards(monkeypatch):
    """odd_cards(title, price): every card has them."""

    def set_to(title, price):
        def card(self, product, request):
            return Card(self.product_id(product), title, product.get_absolute_url(), price=Price(price, "EUR"))

        def title_of(self, product):
            return title

        catalog = type(registered()[Book])
        monkeypatch.setattr(catalog, "card", card)
        monkeypatch.setattr(catalog, "title", title_of)
        monkeypatch.setattr(catalog, "price", lambda self, product: price)

    return set_to


titles = st.text(max_size=9) | st.text(alphabet="\0\ud800\udfff<&\"'x", max_size=4)
prices = st.decimals() | st.decimals(-10, 10) | st.just(Decimal("1E+30"))


@FEW
@given(title=titles, price=prices)
@example(title="\ud800", price=Decimal("NaN"))
@example(title="\0", price=Decimal("sNaN"))
@example(title="x" * 1_000_000, price=Decimal("-Infinity"))
@example(title="x", price=Decimal("-1"))
@example(title="\ud800\udfff", price=Decimal("1"))
def test_odd_products_are_mirrored_shown_and_sent(version, popular, as_in_production, client, odd_cards, title, price):
    odd_cards(title, price)
    sync_catalog()
    row = Product.objects.get(product_id=registered()[Book].product_id(Book.objects.first()))
    assert len(row.title) <= 2_000
    assert row.price is None or 0 <= row.price < 10**10
    assert sent(limit=2, of="book").count("<article") == 2
    answer = client.get("/recommendations/v1/lists/?placement=home&limit=2&of=book")
    as_json = json.loads(json.dumps(title))  # in which two halves of a pair are one letter
    assert [one["product"]["title"] for one in answer.json()["recommendations"]] == [as_json] * 2
