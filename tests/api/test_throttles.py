"""Who sends too much is refused, whatever they write into their headers and whatever the clock does."""

import pytest
from django.test import Client

from recommendations.api.throttles import AddressThrottle, ShopperThrottle
from tests.api.test_interactions import view

OUTSIDE = "1.1.1.1"


@pytest.fixture
def few(monkeypatch):
    """Five events a minute for one address."""
    monkeypatch.setattr(AddressThrottle, "rate", "5/min")


def from_address(send, sent, address=OUTSIDE, forwarded=""):
    """The status of what a visitor without a cookie sends."""
    more = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    return send(Client(), sent, REMOTE_ADDR=address, **more).status_code


def test_new_cookies_are_one_address(books, send, few):
    assert [from_address(send, view(books[0])) for _ in range(7)] == [201] * 5 + [429] * 2


def test_each_event_of_a_batch_counts(books, send, few):
    assert from_address(send, [view(book) for book in books[:3]]) == 201
    assert from_address(send, [view(book) for book in books[:3]]) == 429
    assert from_address(send, [view(books[0])]) == 201  # the refused request counted, its others did not


def test_a_system_of_the_shops_sends_batches(books, client, user, allow, send, few):
    allow("add_interaction")
    client.force_login(user)
    assert send(client, [view(book) for book in books]).status_code == 201


def test_an_invented_address_is_not_believed(books, send, few):
    codes = [from_address(send, view(books[0]), forwarded=f"9.9.9.{k}") for k in range(6)]
    assert codes == [201] * 5 + [429]


def test_a_proxy_of_the_shop_is_believed_in_its_own_entry_alone(books, send, few):
    codes = [from_address(send, view(books[0]), "10.0.0.7", f"9.9.9.{k}, 2.2.2.2") for k in range(6)]
    assert codes == [201] * 5 + [429]
    assert from_address(send, view(books[0]), "10.0.0.7", "9.9.9.1, 3.3.3.3") == 201


def test_a_clock_that_was_set_back_shuts_nobody_out(books, browser, send, monkeypatch):
    now = [2_000_000_000.0]
    monkeypatch.setattr(ShopperThrottle, "timer", lambda self: now[0])
    monkeypatch.setattr(ShopperThrottle, "rate", "2/min")
    codes = [send(browser, view(books[0])).status_code for _ in range(4)]
    assert codes == [201, 201, 201, 429]
    now[0] -= 3600
    assert send(browser, view(books[0])).status_code == 201
