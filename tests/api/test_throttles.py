"""Who sends too much is refused, whatever they write into their headers and whatever the clock does."""

from base64 import b64encode

import pytest
from django.test import Client
from rest_framework.throttling import SimpleRateThrottle

from recommendations.api import interactions
from recommendations.models import HiddenProduct, Shopper
from recommendations.throttles import (
    AddressThrottle,
    FailedLoginsThrottle,
    NewcomersThrottle,
    OpenThrottle,
    ShopperThrottle,
    WhyAddressThrottle,
    WritingThrottle,
)
from tests.api.conftest import URL
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
    assert from_address(send, view(books[0])) == 201  # of the refused one counted
    assert from_address(send, view(books[0])) == 429


def test_refused_batches_come_to_an_end_and_then_none_is_read(books, send, few, monkeypatch):
    read = []
    monkeypatch.setattr(interactions, "_body", lambda request: read.append(1) or request.data)
    statuses = [from_address(send, [view(book) for book in books[:6]]) for _ in range(8)]
    assert (statuses, len(read)) == ([429] * 8, 5)


def test_a_refused_batch_is_told_when_all_of_it_may_come(books, send, few, monkeypatch):
    now = [2_000_000_000.0]
    monkeypatch.setattr(OpenThrottle, "timer", lambda self: now[0])
    for _ in range(4):
        assert from_address(send, view(books[0])) == 201
        now[0] += 10
    refused = send(Client(), [view(book) for book in books[:4]], REMOTE_ADDR=OUTSIDE)
    assert (refused.status_code, refused["Retry-After"]) == (429, "50")  # when the four are old: it counts itself
    now[0] += 50
    assert from_address(send, [view(book) for book in books[:4]]) == 201
    assert send(Client(), [view(book) for book in books], REMOTE_ADDR="2.2.2.2")["Retry-After"] == "60"


def test_a_system_of_the_shops_sends_batches(books, client, user, allow, send, few):
    allow("add_interaction")
    client.force_login(user)
    assert send(client, [view(book) for book in books]).status_code == 201


def test_a_systems_batches_leave_its_address_to_others(books, client, user, allow, send, few):
    allow("add_interaction")
    client.force_login(user)
    for book in books[:3]:
        assert send(client, [view(book), view(books[3])], REMOTE_ADDR=OUTSIDE).status_code == 201
    assert [from_address(send, view(books[0])) for _ in range(3)] == [201, 201, 429]


def test_an_invented_address_is_not_believed(books, send, few):
    codes = [from_address(send, view(books[0]), forwarded=f"9.9.9.{k}") for k in range(6)]
    assert codes == [201] * 5 + [429]


def test_a_proxy_of_the_shop_is_believed_in_its_own_entry_alone(books, send, few):
    codes = [from_address(send, view(books[0]), "10.0.0.7", f"9.9.9.{k}, 2.2.2.2") for k in range(6)]
    assert codes == [201] * 5 + [429]
    assert from_address(send, view(books[0]), "10.0.0.7", "9.9.9.1, 3.3.3.3") == 201


def test_whoever_has_a_network_of_ipv6_has_one_address(books, send, few):
    codes = [from_address(send, view(books[0]), f"2a00:1450:4001:80b:{k}::{k}") for k in range(6)]
    assert codes == [201] * 5 + [429]
    assert [from_address(send, view(books[0]), other) for other in ("2a00:1450:4001:80c::1", "::1")] == [201, 201]


def test_an_address_in_the_form_of_ipv6_is_the_one_of_ipv4(books, send, few, settings):
    codes = [from_address(send, view(books[0]), f"::ffff:{OUTSIDE}", f"9.9.9.{k}") for k in range(4)]
    assert codes == [201] * 4  # and is no proxy of ours
    assert [from_address(send, view(books[0])) for _ in range(2)] == [201, 429]


def test_a_clock_that_was_set_back_shuts_nobody_out(books, browser, send, monkeypatch):
    now = [2_000_000_000.0]
    monkeypatch.setattr(ShopperThrottle, "timer", lambda self: now[0])
    monkeypatch.setattr(ShopperThrottle, "rate", "2/min")
    codes = [send(browser, view(books[0])).status_code for _ in range(4)]
    assert codes == [201, 201, 201, 429]
    now[0] -= 3600
    assert send(browser, view(books[0])).status_code == 201


def hides(browser, book):
    return browser.post(f"{URL}hidden/", {"product": str(book.pk)}, "application/json", REMOTE_ADDR=OUTSIDE)


def test_new_visitors_that_hide_are_one_address(books, monkeypatch):
    monkeypatch.setattr(NewcomersThrottle, "rate", "3/min")
    answers = [hides(Client(), books[0]) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 2
    assert int(answers[-1]["Retry-After"]) > 0
    form = Client().post("/recommendations/yours/hide/", {"product": str(books[0].pk)}, REMOTE_ADDR=OUTSIDE)
    assert (form.status_code, int(form["Retry-After"]) > 0) == (429, True)
    assert Shopper.objects.count() == HiddenProduct.objects.count() == 3


def test_the_panel_is_limited_as_its_rest_is_and_says_so(db, monkeypatch):
    monkeypatch.setattr(WhyAddressThrottle, "rate", "2/min")
    answers = [Client().get("/recommendations/why/", {"token": "none"}, REMOTE_ADDR=OUTSIDE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert "There were too many requests from here." in answers[-1].content.decode()


def test_what_one_shopper_changes_is_limited(books, client, user, monkeypatch):
    monkeypatch.setattr(WritingThrottle, "rate", "2/min")
    client.force_login(user)
    codes = [client.delete(f"{URL}hidden/?product={books[0].pk}").status_code for _ in range(3)]
    assert codes == [404, 404, 429]
    assert client.get(f"{URL}hidden/").status_code == 200


def test_nobody_keeps_others_of_the_same_address_from_erasing(books, client, user, send, monkeypatch):
    for throttle in (AddressThrottle, NewcomersThrottle, WhyAddressThrottle):
        monkeypatch.setattr(throttle, "rate", "1/min")
    for _ in range(3):
        hides(Client(), books[0])
        from_address(send, view(books[0]))
    client.force_login(user)
    assert client.delete(f"{URL}me/", REMOTE_ADDR=OUTSIDE).status_code == 204


def test_events_do_not_use_up_what_may_be_changed(books, client, user, send, monkeypatch):
    monkeypatch.setattr(ShopperThrottle, "rate", "1/min")
    client.force_login(user)
    assert [send(client, view(book)).status_code for book in books[:2]] == [201, 429]
    assert client.delete(f"{URL}me/").status_code == 204


def test_questions_why_are_limited(db, monkeypatch):
    monkeypatch.setattr(WhyAddressThrottle, "rate", "2/min")
    assert [Client().get(f"{URL}why/", REMOTE_ADDR=OUTSIDE).status_code for _ in range(3)] == [400, 400, 429]


def test_wrong_passwords_are_counted_and_then_none_is_looked_at(user, monkeypatch):
    def asks(password, address=OUTSIDE):
        token = b64encode(f"anna:{password}".encode()).decode()
        return Client().get(f"{URL}export/", REMOTE_ADDR=address, HTTP_AUTHORIZATION=f"Basic {token}")

    monkeypatch.setattr(FailedLoginsThrottle, "rate", "3/min")
    assert [asks("red tea").status_code for _ in range(5)] == [200] * 5  # right ones do not count
    assert [asks("green tea").status_code for _ in range(4)] == [403] * 3 + [429]
    looked = []
    monkeypatch.setattr("rest_framework.authentication.authenticate", lambda **sent: looked.append(sent))
    refused = asks("red tea")
    assert (refused.status_code, int(refused["Retry-After"]) > 0, looked) == (429, True, [])
    asks("red tea", "2.2.2.2")
    assert looked


def test_without_a_cache_everybody_is_let_through(books, user, monkeypatch):
    def fail(*_):
        raise OSError("the cache is away")

    monkeypatch.setattr(SimpleRateThrottle, "cache", type("Away", (), {"get": fail, "set": fail})())
    assert hides(Client(), books[0]).status_code == 201
