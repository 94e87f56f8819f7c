"""Every rule of the beacon, as a browser meets it."""

from datetime import timedelta
from random import Random
from string import ascii_letters

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommendations.capture import accepting
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from recommendations.models.shopper import OFF_COOKIE, ShopperQuerySet, hash_key
from recommendations.serving.tokens import Token, seal
from tests.api.conftest import OWN_PAGE, URL

COOKIE = "recommendations_shopper"


def refuses(request):
    return False


def stored():
    return list(Interaction.objects.order_by("pk").values_list("kind", "product__product_id", "query"))


def view(book, **more):
    return {"kind": "view", "product": str(book.pk), **more}


def test_a_first_view_is_stored_and_sets_a_cookie_that_scripts_can_not_read(books, browser, send):
    response = send(browser, view(books[0]))
    assert (response.status_code, response.json()) == (201, {"accepted": 1, "duplicates": 0})
    assert stored() == [(Kind.VIEW, str(books[0].pk), "")]
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert Shopper.objects.get().key_hash == hash_key(cookie.value)


def test_where_the_shops_own_cookies_are_secure_ours_are(books, browser, send, settings):
    settings.SESSION_COOKIE_SECURE = True  # behind a proxy of which Django was not told
    assert send(browser, view(books[0])).cookies[COOKIE]["secure"]
    assert Client().post("/recommendations/yours/personalisation/").cookies[OFF_COOKIE]["secure"]


def test_over_https_the_cookie_is_secure(books, browser, send):
    assert send(browser, view(books[0]), secure=True).cookies[COOKIE]["secure"]


def test_the_second_view_belongs_to_the_same_visitor(books, browser, send):
    send(browser, view(books[0]))
    assert COOKIE not in send(browser, view(books[1])).cookies
    assert Shopper.objects.count() == 1
    assert len(stored()) == 2


def test_a_made_up_cookie_is_nobody(books, browser, send):
    browser.cookies[COOKIE] = "guessed"
    assert send(browser, view(books[0])).cookies[COOKIE].value != "guessed"


def test_a_logged_in_shoppers_beacon_needs_no_csrf_token_and_sets_no_cookie(books, browser, send, user):
    browser.force_login(user)
    response = send(browser, view(books[0]))
    assert response.status_code == 201
    assert COOKIE not in response.cookies
    assert Interaction.objects.get().shopper.user == user


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", "application/json"])
def test_a_blob_is_read_under_either_type(books, browser, send, content_type):
    assert send(browser, view(books[0]), content_type).status_code == 201


def test_a_form_is_no_blob(books, browser, send):
    assert send(browser, view(books[0]), "application/x-www-form-urlencoded").status_code == 415


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {"origin": "http://evil.example"},
        {"origin": "https://testserver"},
        {"origin": "http://testserver.evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": ""},
    ],
)
def test_another_sites_page_is_refused(books, browser, send, headers):
    assert send(browser, view(books[0]), headers=headers).status_code == 403
    assert stored() == []


@pytest.mark.parametrize("origin", ["http://testserver", "https://shop.example"])
@override_settings(CSRF_TRUSTED_ORIGINS=["https://shop.example"])
def test_an_older_browser_says_its_origin(books, browser, send, origin):
    assert send(browser, view(books[0]), headers={"origin": origin}).status_code == 201


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 201),
        ("https://www.shop.example", 201),
        ("http://shop.example", 403),
        ("https://badshop.example", 403),
        ("https://other.example", 403),
    ],
)
@override_settings(CSRF_TRUSTED_ORIGINS=["https://*.shop.example"])
def test_the_origins_that_the_shop_trusts_may_send_from_any_browser(books, browser, send, origin, status):
    for headers in ({"origin": origin}, {"origin": origin, "sec-fetch-site": "same-site"}):
        assert send(browser, view(books[0]), headers=headers).status_code == status


def test_search_save_and_cart_are_stored(books, browser, send):
    kinds = ["view", "save", "add_to_cart", "remove_from_cart"]
    sent = [{"kind": kind, "product": str(books[0].pk)} for kind in kinds] + [{"kind": "search", "query": " red  tea "}]
    assert send(browser, sent).json() == {"accepted": 5, "duplicates": 0}
    assert stored()[-1] == (Kind.SEARCH, None, "red tea")


@pytest.mark.parametrize("kind", ["purchase", "return"])
def test_a_forged_purchase_is_refused(books, browser, send, errors, kind):
    [(index, field, message)] = errors(send(browser, {"kind": kind, "product": str(books[0].pk)}))
    assert (index, field) == (None, "kind")
    assert "recommendations.add_interaction" in message
    assert stored() == []


def test_a_back_dated_event_is_refused(books, browser, send, errors, ago):
    [(_, field, message)] = errors(send(browser, view(books[0], occurred_at=ago(hours=25))))
    assert field == "occurred_at"
    assert "older than 24 hours" in message


def test_an_event_of_today_keeps_its_time(books, browser, send, ago):
    time = ago(hours=23)
    send(browser, view(books[0], occurred_at=time))
    assert Interaction.objects.get().occurred_at.isoformat() == time


def test_the_future_is_refused_but_for_a_clock_that_is_a_little_fast(books, browser, send, errors, ago):
    assert errors(send(browser, view(books[0], occurred_at=ago(minutes=-10))))[0][1] == "occurred_at"
    assert send(browser, view(books[0], occurred_at=ago(minutes=-1))).status_code == 201
    assert Interaction.objects.get().occurred_at <= timezone.now()


def test_a_repeated_event_is_counted_once(books, browser, send):
    sent = view(books[0], event_id="e1")
    send(browser, sent)
    assert send(browser, sent).json() == {"accepted": 0, "duplicates": 1}
    assert send(browser, [sent, sent, view(books[0], event_id="e2")]).json() == {"accepted": 1, "duplicates": 2}


def test_without_an_id_the_same_thing_at_the_same_moment_is_one(books, browser, send):
    assert send(browser, [view(books[0]), view(books[0]), view(books[1])]).json() == {"accepted": 2, "duplicates": 1}


def test_two_shoppers_may_use_one_event_id(books, browser, send, client):
    send(browser, view(books[0], event_id="e1"))
    assert send(client, view(books[0], event_id="e1")).json()["accepted"] == 1


def test_a_paused_shopper_leaves_no_trace(books, browser, send):
    browser.cookies[OFF_COOKIE] = "1"
    response = send(browser, view(books[0]))
    assert (response.status_code, response.json()) == (201, {"accepted": 0, "duplicates": 0})
    assert COOKIE not in response.cookies
    assert Shopper.objects.count() == Interaction.objects.count() == 0


def test_a_user_who_opted_out_leaves_no_trace(books, browser, send, user):
    Shopper.objects.create(user=user, personalised=False)
    browser.force_login(user)
    assert send(browser, view(books[0])).json()["accepted"] == 0
    assert stored() == []


@override_settings(RECOMMENDATIONS={"STRICT": True, "HAS_CONSENT": "tests.api.test_interactions.refuses"})
def test_without_consent_nothing_is_stored_and_no_cookie_set(books, browser, send):
    response = send(browser, view(books[0]))
    assert (response.status_code, response.json()["accepted"]) == (201, 0)
    assert not response.cookies
    assert Shopper.objects.count() == 0


def test_a_known_bot_leaves_no_trace(books, browser, send):
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    response = send(browser, view(books[0]), headers={**OWN_PAGE, "user-agent": bot})
    assert (response.status_code, response.json()["accepted"]) == (201, 0)
    assert Shopper.objects.count() == 0


def test_a_login_with_an_event_in_flight_loses_nothing(books, browser, send, user):
    cookie = send(browser, view(books[0])).cookies[COOKIE].value
    form = {"username": "anna", "password": "red tea", "next": "/"}
    user.is_staff = True
    user.save()
    login = Client(headers={"cookie": f"{COOKIE}={cookie}"}).post("/admin/login/", form)
    assert login.cookies[COOKIE].value == ""  # dropped
    response = send(Client(headers={"cookie": f"{COOKIE}={cookie}"}), view(books[1]))
    assert response.json()["accepted"] == 1
    assert COOKIE not in response.cookies
    assert {event.shopper.user for event in Interaction.objects.all()} == {user}


def test_a_day_after_the_login_the_old_cookie_is_nobody(books, browser, send, user):
    cookie = send(browser, view(books[0])).cookies[COOKIE].value
    merged = {"merged_into": Shopper.objects.create(user=user), "merged_at": timezone.now() - timedelta(hours=25)}
    Shopper.objects.filter(user=None).update(**merged)
    assert send(browser, view(books[1])).cookies[COOKIE].value != cookie
    assert Interaction.objects.filter(shopper__user=user).count() == 0


def test_a_batch_is_one_insert_whatever_its_size(books, browser, send):
    send(browser, view(books[0]))
    sent = [view(books[k % 6], event_id=f"e{k}") for k in range(500)]
    with CaptureQueriesContext(connection) as captured:
        assert send(browser, sent).json() == {"accepted": 500, "duplicates": 0}
    inserts = [entry["sql"] for entry in captured if "INSERT INTO" in entry["sql"]]
    assert len(inserts) == 1
    assert len([entry for entry in captured if "SAVEPOINT" not in entry["sql"]]) <= 5


def test_a_number_will_do_for_a_product(browser, send, db):
    Product.objects.create(product_id="17")
    assert send(browser, {"kind": "view", "product": 17}).status_code == 201


def test_the_list_an_event_came_from_is_kept(books, browser, send):
    token = seal(Token(77, "1", "home", None, 10, (), timezone.now()), None)
    send(browser, view(books[0], token=token))
    assert Interaction.objects.get().list_id == 77


def test_anothers_token_is_no_reason_to_lose_the_event(books, browser, send):
    token = seal(Token(77, "1", "home", None, 10, (), timezone.now()), Shopper.objects.create())
    assert send(browser, [view(books[0], token=token), view(books[1], token="forged")]).status_code == 201
    assert list(Interaction.objects.values_list("list_id", flat=True)) == [None, None]


def test_the_token_of_a_long_list_of_long_ids_is_one_and_a_broken_one_loses_no_event(books, browser, send):
    drawn = Random(0)
    shown = tuple("".join(drawn.choices(ascii_letters, k=255)) for _ in range(100))
    token = seal(Token(77, "1", "home", None, 100, shown, timezone.now()), None)
    assert len(token) > 20_000
    sent = [view(books[0], token=token), view(books[1], token=token[:-9]), view(books[2], token="\ud800\0")]
    assert send(browser, sent).status_code == 201
    assert list(Interaction.objects.order_by("pk").values_list("list_id", flat=True)) == [77, None, None]


def test_when_the_database_can_not_the_caller_may_come_again(books, browser, send, monkeypatch):
    def locked(*args):
        raise OperationalError("database is locked")

    monkeypatch.setattr(accepting, "store", locked)
    response = send(browser, view(books[0]))
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert COOKIE not in response.cookies


@override_settings(RECOMMENDATIONS={"STRICT": False})
def test_what_is_stored_is_accepted_whatever_fails_afterwards(books, browser, send, monkeypatch):
    def slow(*args):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(ShopperQuerySet, "seen", slow)
    assert send(browser, view(books[0])).json() == {"accepted": 1, "duplicates": 0}
    assert len(stored()) == 1


class Broken:
    def __getattr__(self, name):
        raise ConnectionError("the cache is gone")


def test_throttles_let_everybody_through_when_the_cache_is_down(books, browser, send, monkeypatch, caplog):
    from recommendations.throttles import OpenThrottle

    monkeypatch.setattr(OpenThrottle, "cache", Broken())
    assert send(browser, view(books[0])).status_code == 201
    assert "nothing is throttled" in caplog.text


def test_one_shopper_may_send_so_much(books, browser, send, monkeypatch):
    from recommendations.throttles import ShopperThrottle

    monkeypatch.setattr(ShopperThrottle, "rate", "2/min")
    cache.clear()
    codes = [send(browser, view(books[0])).status_code for _ in range(4)]
    assert codes == [201, 201, 201, 429]  # the first came without a cookie


def test_the_address_answers_posts_only(browser, db):
    assert browser.get(f"{URL}interactions/", headers=OWN_PAGE).status_code == 405
