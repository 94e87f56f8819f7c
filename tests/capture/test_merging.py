from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.request import Request

from recommendations.capture import merge_at_login, merging, record
from recommendations.controls import hide, purge, remove
from recommendations.middleware import RecommendationsMiddleware
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper
from recommendations.models.shopper import OFF_COOKIE, hash_key

COOKIE = "recommendations_shopper"
NOW = timezone.now()


def refuses(request):
    return False


@pytest.fixture(autouse=True)
def products(db):
    return Product.objects.bulk_create(Product(product_id=key) for key in ("tea", "cup", "pot"))


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("anna", password="red tea", is_staff=True)


@pytest.fixture
def visitor(db):
    return Shopper.objects.create(key_hash=hash_key("key"))


@pytest.fixture
def login(user):
    """login(**cookies): what happens to a browser's request at its login; returns the request."""

    def happen(**cookies):
        request = RequestFactory().post("/")
        request.user = AnonymousUser()
        request.COOKIES.update(cookies or {COOKIE: "key"})
        merge_at_login(request, user)
        return request

    return happen


def of(user):
    shopper = Shopper.objects.get(user=user)
    rows = Interaction.objects.filter(shopper=shopper).values_list("product__product_id", flat=True)
    return shopper, sorted(rows)


def test_what_the_visitor_did_becomes_the_users(visitor, user, login):
    record(visitor, Kind.VIEW, "tea")
    record(user, Kind.VIEW, "cup")
    login()
    shopper, products = of(user)
    assert products == ["cup", "tea"]
    visitor.refresh_from_db()
    assert visitor.merged_into == shopper
    assert Interaction.objects.filter(shopper=visitor).count() == 0


def test_a_first_login_makes_the_users_shopper(visitor, user, login):
    record(visitor, Kind.VIEW, "tea")
    login()
    assert of(user)[1] == ["tea"]


def test_what_both_did_at_once_is_kept_once(visitor, user, login):
    record(visitor, Kind.VIEW, "tea", event_id="e1")
    record(user, Kind.VIEW, "tea", event_id="e1")
    record(visitor, Kind.VIEW, "cup", event_id="e2")
    login()
    assert of(user)[1] == ["cup", "tea"]
    assert Interaction.objects.count() == 2


def test_hidden_and_removed_products_come_along(visitor, user, login):
    record(visitor, Kind.VIEW, "tea")
    remove(visitor, product_id="tea")
    hide(visitor, "cup")
    login()
    shopper = Shopper.objects.get(user=user)
    assert RemovedProduct.objects.get().shopper == shopper
    assert HiddenProduct.objects.get().shopper == shopper
    assert not Interaction.objects.remembered().exists()


@pytest.mark.parametrize("visitors_is_later", [True, False])
def test_of_two_removals_both_hold_and_of_two_wishes_the_longer(visitor, user, login, visitors_is_later):
    early, late = NOW - timedelta(days=2), NOW - timedelta(days=1)
    owner = Shopper.objects.create(user=user)
    tea = Product.objects.get(product_id="tea")
    for shopper, time in ((visitor, late), (owner, early)) if visitors_is_later else ((visitor, early), (owner, late)):
        RemovedProduct.objects.create(shopper=shopper, product=tea, removed_at=time)
        RemovedProduct.objects.create(shopper=shopper, query="red tea", removed_at=time)
        HiddenProduct.objects.create(shopper=shopper, product=tea, until=time)
    login()
    assert set(RemovedProduct.objects.values_list("shopper", "removed_at")) == {(owner.pk, late), (owner.pk, early)}
    assert RemovedProduct.objects.count() == 4
    assert HiddenProduct.objects.get().until == late


@pytest.mark.parametrize("side", ["visitor", "user"])
def test_an_opt_out_on_either_side_wins(visitor, user, login, side):
    owner = Shopper.objects.create(user=user)
    kept = record(user, Kind.VIEW, "pot")
    record(visitor, Kind.VIEW, "tea")
    record(visitor, Kind.VIEW, "cup")
    remove(visitor, product_id="tea")
    hide(visitor, "cup")
    Shopper.objects.filter(pk=visitor.pk if side == "visitor" else owner.pk).update(personalised=False)
    with CaptureQueriesContext(connection) as asked:
        login()
    assert not of(user)[0].personalised
    assert kept and of(user)[1] == ["pot"]
    assert [model.objects.count() for model in (Interaction, RemovedProduct, HiddenProduct)] == [1, 0, 0]
    tables = [f'"{model._meta.db_table}"' for model in (Interaction, RemovedProduct, HiddenProduct)]
    behaviour = [query["sql"] for query in asked if any(table in query["sql"] for table in tables)]
    assert [sql.split()[0] for sql in behaviour] == ["DELETE"] * 3


@pytest.mark.parametrize("way", ["in flight", "late"])
def test_what_was_on_its_way_at_the_login_of_one_who_opted_out_is_deleted(visitor, user, login, way):
    Shopper.objects.create(user=user, personalised=False)
    unmerged = Shopper.objects.get(pk=visitor.pk)
    login()
    if way == "in flight":
        record(unmerged, Kind.VIEW, "tea")
    else:
        Interaction.objects.create(shopper=visitor, product=Product.objects.first(), kind=1, source=1, event_key=1)
        Shopper.objects.filter(pk=visitor.pk).update(merged_at=NOW - timedelta(hours=25))
        purge()
    assert not Interaction.objects.exists()


def test_a_pause_of_the_browser_is_the_users_too(user, login):
    login(**{OFF_COOKIE: "1"})
    assert not of(user)[0].personalised


def test_what_the_user_had_erased_does_not_come_back(visitor, user, login):
    Shopper.objects.create(user=user, erased_at=NOW - timedelta(days=1))
    record(visitor, Kind.VIEW, "tea", occurred_at=NOW - timedelta(days=2))
    record(visitor, Kind.VIEW, "cup", occurred_at=NOW - timedelta(hours=2))
    login()
    assert of(user)[1] == ["cup"]


def test_without_consent_nothing_is_merged_or_kept_that_nobody_could_reach(visitor, user, login):
    record(visitor, Kind.VIEW, "tea")
    with override_settings(RECOMMENDATIONS={"STRICT": True, "HAS_CONSENT": f"{__name__}.refuses"}):
        assert login().recommendations_drop_cookie
    assert not Shopper.objects.exists()
    assert not Interaction.objects.exists()


def test_without_consent_what_was_merged_before_stays_the_users(visitor, user, login):
    record(visitor, Kind.VIEW, "tea")
    login()
    with override_settings(RECOMMENDATIONS={"STRICT": True, "HAS_CONSENT": f"{__name__}.refuses"}):
        login()
    assert of(user)[1] == ["tea"]


def test_a_merge_that_fails_leaves_the_visitor_the_cookie(visitor, user, login, monkeypatch):
    record(visitor, Kind.VIEW, "tea")
    with monkeypatch.context() as patched, override_settings(RECOMMENDATIONS={"STRICT": False}):
        patched.setattr(merging, "merge", lambda *_: Interaction.objects.raw("SELECT no_such FROM nowhere")[0])
        assert not hasattr(login(), "recommendations_drop_cookie")
    login()
    assert of(user)[1] == ["tea"]


def test_a_view_of_rest_framework_logs_in_like_any_other(visitor, user):
    record(visitor, Kind.VIEW, "tea")
    request = RequestFactory().post("/")
    request.COOKIES[COOKIE] = "key"
    merge_at_login(Request(request), user)
    assert request.recommendations_drop_cookie  # where the middleware looks
    assert of(user)[1] == ["tea"]


def test_a_cookie_is_merged_once(visitor, user, login):
    record(visitor, Kind.VIEW, "tea")
    login()
    first = of(user)[0]
    other = get_user_model().objects.create_user("bert")
    request = RequestFactory().post("/")
    request.COOKIES[COOKIE] = "key"
    merge_at_login(request, other)
    assert of(user) == (first, ["tea"])
    assert of(other)[1] == []
    visitor.refresh_from_db()
    assert visitor.merged_into == first


def test_without_a_cookie_there_is_nothing_to_merge(user, login):
    request = login(other="1")
    assert not hasattr(request, "recommendations_drop_cookie")
    assert Shopper.objects.count() == 0


def test_a_cookie_that_nobody_has_is_dropped(user, login):
    assert login(**{COOKIE: "guessed"}).recommendations_drop_cookie


def test_a_real_login_merges_and_drops_the_cookie(visitor, user):
    record(visitor, Kind.VIEW, "tea")
    browser = Client()
    browser.cookies[COOKIE] = "key"
    response = browser.post("/admin/login/", {"username": "anna", "password": "red tea", "next": "/"})
    assert response.status_code == 302
    assert response.cookies[COOKIE]["max-age"] == 0
    assert of(user)[1] == ["tea"]


@pytest.mark.parametrize(("status", "is_dropped"), [(200, True), (302, True), (400, False), (500, False)])
def test_the_cookie_stays_where_the_views_failure_took_the_merge_back(rf, status, is_dropped):
    def view(request):
        request.recommendations_drop_cookie = True
        return HttpResponse(status=status)

    assert (COOKIE in RecommendationsMiddleware(view)(rf.post("/")).cookies) == is_dropped


@override_settings(RECOMMENDATIONS={"STRICT": False})
def test_a_failed_merge_never_stops_a_login(visitor, user, monkeypatch, caplog):
    from recommendations.capture import merging

    def fail(*args):
        raise RuntimeError("boom")

    monkeypatch.setattr(merging, "merge", fail)
    browser = Client()
    browser.cookies[COOKIE] = "key"
    assert browser.post("/admin/login/", {"username": "anna", "password": "red tea", "next": "/"}).status_code == 302
    assert "boom" in caplog.text


def test_a_login_while_an_event_is_being_stored_takes_the_event_along(visitor, user, login):
    unmerged = Shopper.objects.get(pk=visitor.pk)
    login()
    record(unmerged, Kind.VIEW, "tea")
    assert of(user)[1] == ["tea"]


def test_an_event_in_flight_does_not_reach_a_user_who_opted_out_meanwhile(visitor, user, login):
    unmerged = Shopper.objects.get(pk=visitor.pk)
    login()
    Shopper.objects.filter(user=user).update(personalised=False)
    record(unmerged, Kind.VIEW, "tea")
    assert not Interaction.objects.exists()


def test_an_event_stored_at_the_very_moment_of_the_login_arrives_with_the_purge(visitor, user, login):
    login()
    record(Shopper.objects.get(user=user), Kind.VIEW, "tea", event_id="e1")
    Interaction.objects.update(shopper=visitor)
    Shopper.objects.filter(pk=visitor.pk).update(merged_at=NOW - timedelta(hours=25))
    purge()
    assert of(user)[1] == ["tea"]
    assert not Shopper.objects.filter(pk=visitor.pk).exists()
