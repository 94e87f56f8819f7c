from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.request import Request

from recommendations.capture import record, record_order, recording
from recommendations.controls import erase
from recommendations.exceptions import InvalidInteraction
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from recommendations.models.shopper import OFF_COOKIE, ShopperQuerySet, hash_key
from recommendations.throttles import NewVisitorsThrottle
from tests.capture.conftest import stored
from tests.shop.models import Book

pytestmark = pytest.mark.usefixtures("products")
lenient = override_settings(RECOMMENDATIONS={"STRICT": False})
COOKIE = "recommendations_shopper"


def refuses(request):
    return False


def test_a_shopper_did_something(anna):
    assert record(anna, Kind.SAVE, product="tea") is True
    assert stored() == [(anna.pk, "tea", Kind.SAVE, 1)]
    assert Interaction.objects.get().source == Interaction.Source.SERVER


def test_a_user_gets_a_shopper_at_the_first_event(user):
    record(user, Kind.VIEW, "tea")
    record(user, Kind.VIEW, "cup")
    assert Shopper.objects.get().user == user
    assert len(stored()) == 2


def test_the_request_of_a_user_is_the_users(user, request_of):
    Shopper.objects.create(key_hash=hash_key("key"))
    record(request_of(user, **{COOKIE: "key"}), Kind.VIEW, "tea")
    assert Interaction.objects.get().shopper.user == user


def test_the_request_of_a_visitor_is_the_visitors(request_of):
    visitor = Shopper.objects.create(key_hash=hash_key("key"))
    record(request_of(**{COOKIE: "key"}), Kind.VIEW, "tea")
    assert Interaction.objects.get().shopper == visitor


def test_a_visitor_without_a_cookie_is_left_alone(request_of):
    assert record(request_of(), Kind.VIEW, "tea") is False
    assert Shopper.objects.count() == 0


def test_a_visitor_gets_a_cookie_when_the_response_is_passed(request_of):
    request, response = request_of(), HttpResponse()
    assert record(request, Kind.VIEW, "tea", response=response) is True
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert Interaction.objects.get().shopper.key_hash == hash_key(cookie.value)
    assert request.recommendations_personal  # no cache may keep this response
    known, again = request_of(**{COOKIE: cookie.value}), HttpResponse()
    assert record(known, Kind.VIEW, "cup", response=again) is True
    assert COOKIE not in again.cookies
    assert Shopper.objects.count() == 1


def test_of_a_visitors_page_only_the_browser_says_that_it_was_opened(request_of, user, anna):
    Shopper.objects.create(key_hash=hash_key("key"))
    visitors = request_of(**{COOKIE: "key"})
    for who in (visitors, request_of(user), anna):
        record(who, Kind.VIEW, "tea")
    record(visitors, Kind.SAVE, "cup")
    record(visitors, Kind.PURCHASE, "pot")
    record_order(visitors, [("tea", 1)], "A-1")
    beacon, server = Interaction.Source.BEACON, Interaction.Source.SERVER
    found = list(Interaction.objects.order_by("pk").values_list("source", flat=True))
    assert found == [beacon, server, server, beacon, server, server]


def test_one_address_gets_so_many_cookies_a_minute(request_of, user, monkeypatch):
    monkeypatch.setattr(NewVisitorsThrottle, "rate", "2/min")
    cookies = []
    for _ in range(4):
        response = HttpResponse()
        record(request_of(), Kind.VIEW, "tea", response=response)
        cookies.append(COOKIE in response.cookies)
    assert cookies == [True, True, False, False]
    assert (Shopper.objects.count(), Interaction.objects.count()) == (2, 2)
    assert record(request_of(user), Kind.VIEW, "tea", response=HttpResponse()) is True
    known = request_of(**{COOKIE: "key"})
    Shopper.objects.create(key_hash=hash_key("key"))
    assert record(known, Kind.VIEW, "tea", response=HttpResponse()) is True


def test_no_cookie_for_bots_for_users_nor_without_consent(request_of, user):
    for who in (request_of(agent="Googlebot/2.1"), request_of(user), request_of(**{OFF_COOKIE: "1"})):
        response = HttpResponse()
        record(who, Kind.VIEW, "tea", response=response)
        assert COOKIE not in response.cookies
    with override_settings(RECOMMENDATIONS={"HAS_CONSENT": "tests.capture.test_recording.refuses"}):
        response = HttpResponse()
        record(request_of(), Kind.VIEW, "tea", response=response)
        assert COOKIE not in response.cookies
    assert list(Shopper.objects.values_list("user", flat=True)) == [user.pk]


def test_a_product_that_was_not_mirrored_yet_is_now(anna, user):
    books = Book.objects.bulk_create([Book(name="Seven"), Book(name="Eight")])
    assert record(anna, Kind.VIEW, books[0]) is True
    assert record_order(user, [(books[0], 1), (books[1], 2)], order_id="1") == 2
    assert Product.objects.filter(title__in=["Seven", "Eight"]).count() == 2


def test_last_seen_is_written_once_a_day(anna):
    record(anna, Kind.VIEW, "tea")
    assert Shopper.objects.get().last_seen == timezone.now().date()
    with CaptureQueriesContext(connection) as captured:
        record(Shopper.objects.get(), Kind.VIEW, "cup")
    assert not [entry for entry in captured if entry["sql"].startswith("UPDATE")]


def test_a_repeat_is_stored_once(anna):
    assert record(anna, Kind.PURCHASE, "tea", event_id="line-1")
    assert not record(anna, Kind.PURCHASE, "tea", event_id="line-1")
    assert record(anna, Kind.PURCHASE, "tea", event_id="line-2")


def test_without_an_id_half_a_minute_is_one_moment(anna):
    time = timezone.now().replace(second=5, microsecond=0) - timedelta(minutes=5)
    assert record(anna, Kind.VIEW, "tea", occurred_at=time)
    assert not record(anna, Kind.VIEW, "tea", occurred_at=time + timedelta(seconds=20))
    assert record(anna, Kind.VIEW, "tea", occurred_at=time + timedelta(seconds=30))
    assert record(anna, Kind.SAVE, "tea", occurred_at=time)


def test_a_search_is_kept_in_single_spaces_and_cut(anna):
    record(anna, Kind.SEARCH, query="  red \n tea ")
    record(anna, Kind.SEARCH, query="x" * 1_000)
    assert list(Interaction.objects.order_by("pk").values_list("query", flat=True)) == ["red tea", "x" * 255]


def test_nothing_is_recorded_of_bots_paused_shoppers_and_without_consent(user, request_of):
    assert not record(request_of(agent="Googlebot/2.1"), Kind.VIEW, "tea", response=HttpResponse())
    assert not record(request_of(user, **{OFF_COOKIE: "1"}), Kind.VIEW, "tea")
    refusing = f"{__name__}.refuses"
    with override_settings(RECOMMENDATIONS={"STRICT": True, "HAS_CONSENT": refusing}):
        assert not record(request_of(user), Kind.VIEW, "tea")
        assert record_order(request_of(), [("tea", 1)], order_id=1) == 0
    assert Shopper.objects.count() == 0


def test_with_debug_the_developers_own_programs_count(user, request_of, settings):
    settings.DEBUG = True
    assert record(request_of(user, agent="HeadlessChrome/156.0"), Kind.VIEW, "tea")


def test_nothing_is_recorded_of_who_opted_out(user):
    shopper = Shopper.objects.create(user=user, personalised=False)
    assert not record(user, Kind.VIEW, "tea")
    assert not record(shopper, Kind.VIEW, "tea")


def test_who_was_erased_or_opted_out_meanwhile_gets_no_rows_back(anna, request_of):
    visitor = Shopper.objects.create(key_hash=hash_key("key"))
    off = Shopper.objects.create(external_id="off")
    read_before = [Shopper.objects.get(pk=shopper.pk) for shopper in (anna, visitor, off)]
    erase(anna)
    erase(visitor)
    Shopper.objects.filter(pk=off.pk).update(personalised=False)
    assert [record(shopper, Kind.VIEW, "tea") for shopper in read_before] == [False] * 3
    assert stored() == []


def test_who_erases_and_switches_on_again_meanwhile_gets_new_rows_only(anna):
    before = Shopper.objects.get(pk=anna.pk)
    erase(anna)
    Shopper.objects.update(personalised=True)
    assert not record(before, Kind.VIEW, "tea", occurred_at=timezone.now() - timedelta(minutes=1))
    assert record(before, Kind.VIEW, "cup")


@lenient
@pytest.mark.parametrize("step", ["merged", "seen"])
def test_what_fails_once_the_event_is_stored_is_logged(request_of, monkeypatch, caplog, step):
    Shopper.objects.create(key_hash=hash_key("key"))

    def fail(*args):
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM recommendations_shopper")

    monkeypatch.setattr(ShopperQuerySet, step, fail)
    with transaction.atomic():
        assert record(request_of(**{COOKIE: "key"}), Kind.VIEW, "tea") is True
        Product.objects.create(product_id="order")
    assert len(stored()) == 1
    assert "no_such_column" in caplog.text or "no such column" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"kind": 0, "product": "tea"}, "kind"),
        ({"kind": "view", "product": "tea"}, "kind"),
        ({"kind": Kind.VIEW}, "product"),
        ({"kind": Kind.VIEW, "product": "no such"}, "product"),
        ({"kind": Kind.VIEW, "product": "tea", "quantity": 0}, "quantity"),
        ({"kind": Kind.SEARCH, "query": " "}, "query"),
        ({"kind": Kind.VIEW, "product": "tea", "occurred_at": timezone.now().replace(tzinfo=None)}, "occurred_at"),
        ({"kind": Kind.VIEW, "product": "tea", "occurred_at": timezone.now() + timedelta(days=1)}, "occurred_at"),
    ],
)
def test_arguments_that_can_not_be_right_are_named_in_tests_and_logged_in_shops(anna, caplog, arguments, field):
    with pytest.raises(InvalidInteraction) as raised:
        record(anna, **arguments)
    assert raised.value.field == field
    with lenient:
        assert record(anna, **arguments) is False
    assert len([entry for entry in caplog.records if entry.name == "recommendations"]) == 1
    assert stored() == []


def test_who_must_be_somebody():
    with pytest.raises(InvalidInteraction, match="expected a request, a Shopper or a user"):
        record("anna", Kind.VIEW, "tea")


def test_a_broken_log_leaves_the_callers_transaction_usable(anna, monkeypatch):
    def fail(*args):
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM recommendations_shopper")

    monkeypatch.setattr(recording, "store", fail)
    with lenient, transaction.atomic():
        assert record(anna, Kind.VIEW, "tea") is False
        Product.objects.create(product_id="order")
    assert Product.objects.filter(product_id="order").exists()


def test_an_error_of_the_database_is_raised_when_strict(anna, monkeypatch):
    def fail(*args):
        raise OperationalError("database is locked")

    monkeypatch.setattr(recording, "store", fail)
    with pytest.raises(OperationalError):
        record(anna, Kind.VIEW, "tea")


@pytest.mark.django_db(transaction=True)
def test_recorded_with_the_order_or_not_at_all(anna):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(anna, Kind.PURCHASE, "tea", event_id="1")
        raise ZeroDivisionError
    assert stored() == []
    with transaction.atomic():
        record(anna, Kind.PURCHASE, "tea", event_id="1")
    assert len(stored()) == 1


def test_the_request_of_a_view_of_rest_framework_is_a_request(user, request_of):
    request, response = request_of(), HttpResponse()
    assert record(Request(request), Kind.VIEW, "tea", response=response)
    assert COOKIE in response.cookies
    assert request.recommendations_personal  # where the middleware and cache_page look
    assert record_order(Request(request_of(user)), [("tea", 1)], order_id=17) == 1


@pytest.mark.parametrize("header", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}])
def test_a_page_that_the_browser_loads_ahead_was_not_viewed(user, header):
    request = RequestFactory().get("/", headers={"user-agent": "Mozilla/5.0 Firefox/140.0", **header})
    request.user = user
    assert not record(request, Kind.VIEW, "tea")
    assert stored() == []
