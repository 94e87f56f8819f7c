import json
from decimal import Decimal

import pytest

from recommendations.api.lists import as_json, product_as_json
from recommendations.catalog import Card, Price
from recommendations.ml.kinds import Kind
from recommendations.models import Shopper
from recommendations.models.shopper import OFF_COOKIE, hash_key
from recommendations.serving import NoReason, Recommendation, RecommendationList, open_token
from tests.api.conftest import URL
from tests.serving.conftest import books, did, popular, version  # noqa: F401 - the same shop

ADDRESS = f"{URL}lists/"


@pytest.fixture
def visitor(db, client):
    client.cookies["recommendations_shopper"] = "key"
    return Shopper.objects.create(key_hash=hash_key("key"))


def test_a_list_as_sent(version, popular, books, did, visitor, client):  # noqa: F811
    did(visitor, books[10:13])
    found = client.get(ADDRESS, {"placement": "home", "limit": 5}).json()
    assert list(found) == ["placement", "version", "token", "recommendations"]
    assert (found["placement"], found["version"]) == ("home", str(version.pk))
    assert [entry["rank"] for entry in found["recommendations"]] == [1, 2, 3, 4, 5]
    first = found["recommendations"][0]
    assert list(first) == ["rank", "score", "source", "product", "reason", "labelled"]
    assert list(first["product"]) == ["id", "title", "url", "image", "price"]
    assert first["source"] == "recommender"
    assert list(first["reason"]) == ["kind", "tier", "text", "anchors", "verified"]
    shown = tuple(entry["product"]["id"] for entry in found["recommendations"])
    assert open_token(found["token"], visitor).shown == shown


def test_a_because_names_its_anchors(version, popular, books, did, visitor, client):  # noqa: F811
    did(visitor, books[10:13], Kind.VIEW)
    found = client.get(ADDRESS, {"placement": "home"}).json()["recommendations"]
    reasons = [entry["reason"] for entry in found if entry["reason"]["kind"] == "because"]
    assert reasons
    for reason in reasons:
        assert reason["verified"]
        assert len(reason["anchors"]) == {"T1": 1, "T2": 2}[reason["tier"]]
        for anchor in reason["anchors"]:
            assert (anchor["type"], anchor["event"]) == ("product", "viewed")
            assert anchor["title"] in reason["text"]
            assert anchor["id"] in {str(book.pk) for book in books[10:13]}


def test_a_stranger_gets_the_popular_list(version, popular, client):  # noqa: F811
    found = client.get(ADDRESS, {"placement": "home", "limit": 3}).json()["recommendations"]
    assert [entry["source"] for entry in found] == ["popular"] * 3
    assert [entry["labelled"] for entry in found] == [True, False, True]
    assert {entry["reason"]["text"] for entry in found} == {"Popular this week"}
    assert [entry["score"] for entry in found] == [None] * 3


def test_a_paused_shopper_gets_a_strangers_list(version, popular, books, did, visitor, client):  # noqa: F811
    did(visitor, books[10:13])
    client.cookies[OFF_COOKIE] = "1"
    found = client.get(ADDRESS, {"placement": "home"}).json()["recommendations"]
    assert {entry["source"] for entry in found} == {"popular"}


def test_similar_products(version, books, client):  # noqa: F811
    found = client.get(ADDRESS, {"placement": "similar", "product": str(books[0].pk), "limit": 4}).json()
    assert len(found["recommendations"]) == 4
    assert str(books[0].pk) not in [entry["product"]["id"] for entry in found["recommendations"]]


def test_a_price_is_text_and_may_be_missing():
    cards = [Card("1", "Tea", "/1/", price=Price(Decimal("3.50"), "EUR")), Card("2", "Cup", "/2/")]
    entries = tuple(Recommendation(k, None, "popular", card, NoReason()) for k, card in enumerate(cards, 1))
    found = as_json(RecommendationList("home", recommendations=entries))
    assert [entry["product"]["price"] for entry in found["recommendations"]] == [
        {"amount": "3.50", "currency": "EUR"},
        None,
    ]
    assert [entry["labelled"] for entry in found["recommendations"]] == [False, False]  # there is nothing to print
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("amount", "sent"),
    [("1.99", "1.99"), (1.1, "1.1"), (7, "7"), (Decimal("1E+2"), "100"), ("free", None), (None, None)],
)
def test_a_price_is_sent_as_it_is_printed_whatever_the_shop_writes_it_as(amount, sent):
    price = Price(amount, "EUR")
    told = product_as_json(Card("1", "Tea", "/1/", price=price))["price"]
    assert told == (sent and {"amount": sent, "currency": "EUR"})
    assert str(price) == (f"€{float(sent):.2f}" if sent else "")


def test_the_answer_is_kept_out_of_shared_caches(version, popular, client):  # noqa: F811
    response = client.get(ADDRESS, {"placement": "home"})
    assert "private" in response["Cache-Control"]
    assert "Cookie" in response["Vary"]
    assert not response.cookies


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        ({}, "placement", "expected one of home, new_for_you"),
        ({"placement": "attic"}, "placement", "'attic': expected one of home"),
        ({"placement": "similar"}, "product", "similar is about one"),
        ({"placement": "home", "limit": "0"}, "limit", "'0': expected a whole number from 1 to 100"),
        ({"placement": "home", "limit": "101"}, "limit", "from 1 to 100"),
        ({"placement": "home", "limit": "ten"}, "limit", "'ten': expected a whole number"),
        ({"placement": "home", "limit": ""}, "limit", "expected a whole number"),
        ({"placement": "home", "limit": "²"}, "limit", "expected a whole number"),
    ],
)
def test_a_bad_question_names_its_field(db, client, errors, asked, field, message):
    [(_, named, said)] = errors(client.get(ADDRESS, asked))
    assert named == field
    assert message in said


def test_unknown_product_ids_are_an_empty_list(version, client):  # noqa: F811
    found = client.get(ADDRESS, {"placement": "similar", "product": "no such"}).json()
    assert found["recommendations"] == []


@pytest.mark.parametrize("accept", ["application/json", "text/html", "image/png", "*/*", "application/json; version=7"])
def test_the_answer_is_json_whatever_is_asked_for(db, client, accept):
    response = client.get(ADDRESS, {"placement": "home", "format": "xml"}, headers={"accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
