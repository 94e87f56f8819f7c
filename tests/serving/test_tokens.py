from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from recommendations.catalog import Card
from recommendations.models import Shopper
from recommendations.serving import (
    InvalidToken,
    NoReason,
    Recommendation,
    RecommendationList,
    RecommendationQuery,
    Token,
    open_token,
    recommend,
)
from recommendations.serving.tokens import SALT, seal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = Token(2**62, "3", "home", None, 10, ("1", "b/ü"), NOW, "article")


@pytest.fixture
def anna(db):
    return Shopper.objects.create()


@pytest.fixture
def bert(db):
    return Shopper.objects.create()


def test_a_token_comes_back_as_it_was_sealed(anna):
    assert open_token(seal(TOKEN, anna), anna) == TOKEN


def test_a_token_of_another_shopper_is_refused(anna, bert):
    for other in (bert, None):
        with pytest.raises(InvalidToken, match="belongs to another shopper"):
            open_token(seal(TOKEN, anna), other)


def test_a_token_shown_before_the_first_event_stays_valid(anna):
    assert open_token(seal(TOKEN, None), anna) == TOKEN


@pytest.mark.parametrize("sealed", ["", "x", "a:b:c", "\x00", "é"])
def test_what_we_did_not_sign_is_refused(sealed):
    with pytest.raises(InvalidToken, match="expected the token of a list"):
        open_token(sealed, None)


def test_a_changed_token_is_refused(anna):
    sealed = seal(TOKEN, anna)
    with pytest.raises(InvalidToken):
        open_token(("A" if sealed[0] != "A" else "B") + sealed[1:], anna)


def test_a_token_of_another_purpose_is_refused():
    with pytest.raises(InvalidToken):
        open_token(signing.dumps([0, 1], salt="elsewhere"), None)
    with pytest.raises(InvalidToken):
        open_token(signing.dumps([0, 1], salt=SALT), None)


def test_a_token_ends_after_thirty_days(anna, monkeypatch):
    sealed = seal(TOKEN, anna)
    real = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: real() + timedelta(days=31).total_seconds())
    with pytest.raises(InvalidToken, match="older than 30 days"):
        open_token(sealed, anna)


def test_a_list_carries_what_was_shown(version, popular, anna):
    found = recommend(RecommendationQuery("home", anna, limit=4))
    token = open_token(found.token, anna)
    assert (token.placement, token.limit, list(token.shown)) == ("home", 4, found.product_ids)
    assert 0 <= token.list_id < 2**63


def listed(version, *product_ids):
    cards = [Card(product_id, product_id, "/") for product_id in product_ids]
    shown = (Recommendation(place, 1.0, "recommender", card, NoReason()) for place, card in enumerate(cards, start=1))
    return RecommendationList("home", version, recommendations=tuple(shown))


@pytest.mark.parametrize(
    ("again", "change"),
    [
        (listed("3", "1", "b/ü"), ""),
        (listed("3", "0", "1", "b/ü"), "list"),
        (listed("3", "b/ü", "1"), "list"),
        (listed("3", "1", "2"), "list"),
        (listed("4", "1", "b/ü"), "version"),
        (listed("", "7"), "list"),  # popular products: no recommender made it
        (listed("", "1", "b/ü"), ""),
    ],
)
def test_a_token_knows_what_has_changed_since(again, change):
    assert TOKEN.change(again) == change


@pytest.mark.parametrize(
    ("again", "change"),
    [
        (listed("3", "0", "1", "2", "b/ü", "4"), ""),  # the list that the row was cut from
        (listed("3", "b/ü", "0", "1"), "list"),
        (listed("3", "0", "1"), "list"),
        (listed("4", "1", "b/ü"), "version"),
    ],
)
def test_a_row_has_changed_when_its_products_have(again, change):
    assert replace(TOKEN, is_row=True).change(again) == change
