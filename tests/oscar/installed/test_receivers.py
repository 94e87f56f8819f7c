from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from oscar.apps.basket.models import Basket
from oscar.apps.catalogue.models import Product
from oscar.apps.order.models import Order
from oscar.apps.order.signals import order_line_status_changed, order_status_changed
from oscar.apps.partner.models import StockRecord
from oscar.apps.partner.strategy import Default
from oscar.test.factories import create_order

from recommendations import boundary
from recommendations.contrib.oscar import receivers
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction
from recommendations.models import Product as Mirrored

from .conftest import A_PERSONS

COOKIE = "recommendations_shopper"


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ada", "ada@example.com", "pass")


def test_a_new_visitor_is_known_from_the_first_product_page(visitor, pot, recorded):
    assert visitor.get(pot.get_absolute_url()).status_code == 200
    assert visitor.cookies[COOKIE]["httponly"]
    assert recorded() == [("view", str(pot.pk))]
    visitor.get(pot.get_absolute_url())
    assert len(recorded()) == 1  # the same within 30 seconds


def test_a_childs_page_is_a_view_of_its_parent(visitor, shirt, recorded):
    visitor.get(Product.objects.filter(parent=shirt).first().get_absolute_url())
    assert recorded() == [("view", str(shirt.pk))]


def test_a_bot_and_whoever_gave_no_consent_are_not_recorded(client, pot, recorded, settings):
    client.get(pot.get_absolute_url(), headers={"user-agent": "Googlebot/2.1"})
    settings.RECOMMENDATIONS = {"STRICT": True, "HAS_CONSENT": "tests.oscar.installed.test_receivers.never"}
    answer = client.get(pot.get_absolute_url(), headers={"user-agent": A_PERSONS})
    assert recorded() == [] and COOKIE not in answer.cookies


def never(request):
    return False


def test_what_is_put_into_the_basket_is_recorded(visitor, pot, recorded):
    visitor.get(pot.get_absolute_url())
    visitor.post(f"/basket/add/{pot.pk}/", {"quantity": 2})
    assert recorded() == [("view", str(pot.pk)), ("add_to_cart", str(pot.pk))]


def test_a_search_is_recorded_once_however_it_is_leafed_through(visitor, pot, recorded):
    visitor.get(pot.get_absolute_url())
    again = "?q=pot&page=2", "?q=jacket&selected_facets=rating_exact:3", "?q=pot&sort_by=price-asc"
    for address in ("?q=moka+pot", "?q=", *again, "?q=pan&page=1"):
        visitor.get(f"/search/{address}")
    assert recorded()[1:] == [("search", "moka pot"), ("search", "pan")]


def order_of(product: Product, request=None, user=None) -> Order:
    basket = Basket.objects.create(owner=user)
    basket.strategy = Default(request)
    basket.add_product(product, quantity=2)
    return create_order(basket=basket, user=user)


@pytest.fixture
def request_of(rf):
    """request_of(user, cookie) is a checkout's request."""

    def ask(user=None, cookie: str = ""):
        request = rf.post("/checkout/preview/", headers={"user-agent": A_PERSONS})
        request.user = user or AnonymousUser()
        request.COOKIES[COOKIE] = cookie
        return request

    return ask


def owner() -> object:
    return Interaction.objects.select_related("shopper").get(kind=Kind.PURCHASE).shopper


def test_an_order_is_recorded_after_its_commit_as_its_users(
    pot, user, request_of, recorded, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        order = order_of(pot, request_of(user), user)
        assert recorded() == []
    bought = Interaction.objects.get()
    assert (bought.quantity, bought.occurred_at) == (2, order.date_placed)
    assert owner().user == user


def test_a_guests_order_is_the_visitors(visitor, pot, request_of, django_capture_on_commit_callbacks):
    visitor.get(pot.get_absolute_url())
    with django_capture_on_commit_callbacks(execute=True):
        order_of(pot, request_of(cookie=visitor.cookies[COOKIE].value))
    assert owner() == Interaction.objects.get(kind=Kind.VIEW).shopper


def test_an_unknown_guests_order_is_kept_under_its_number(pot, request_of, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        order = order_of(pot, request_of())
    assert owner().external_id == f"guest:{order.number}"


def test_an_order_without_a_request_is_its_users(pot, user, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        order_of(pot, user=user)
    assert owner().user == user


def test_an_order_that_staff_place_is_the_customers(pot, user, request_of, django_capture_on_commit_callbacks):
    staff = get_user_model().objects.create_user("staff", "staff@example.com", is_staff=True)
    with django_capture_on_commit_callbacks(execute=True):
        order_of(pot, request_of(staff), user)
    assert owner().user == user


def always(request):
    return True


def test_where_consent_is_asked_only_the_buyers_own_request_tells(
    pot, user, request_of, recorded, settings, django_capture_on_commit_callbacks
):
    """Not a gateway that tells of the payment, nor staff: nobody can ask the buyer then."""
    settings.RECOMMENDATIONS = {"STRICT": True, "HAS_CONSENT": "tests.oscar.installed.test_receivers.always"}
    gateway, staff = request_of(), get_user_model().objects.create_user("staff", "staff@example.com", is_staff=True)
    gateway.COOKIES.clear()
    with django_capture_on_commit_callbacks(execute=True):
        order_of(pot, user=user)
        order_of(pot, request_of(staff), user)
        order_of(pot, gateway, user)
        order_of(pot, gateway)
        order_of(pot)
    assert recorded() == []
    with django_capture_on_commit_callbacks(execute=True):
        order_of(pot, request_of(user), user)
        order_of(pot, request_of())
    assert recorded() == [("purchase", str(pot.pk))] * 2


def test_variants_of_one_order_are_one_purchase_of_their_parent(
    shirt, user, recorded, django_capture_on_commit_callbacks
):
    basket = Basket.objects.create(owner=user)
    basket.strategy = Default()
    for child in Product.objects.filter(parent=shirt):
        basket.add_product(child)
    with django_capture_on_commit_callbacks(execute=True):
        create_order(basket=basket, user=user)
    assert recorded() == [("purchase", str(shirt.pk))]
    assert Interaction.objects.get().quantity == 2


def test_an_order_that_is_rolled_back_was_never_placed(pot, user, recorded, django_capture_on_commit_callbacks):
    from django.db import transaction

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        order_of(pot, user=user)
        transaction.set_rollback(True)
    assert recorded() == []


@pytest.mark.parametrize(
    ("broken", "use_case"),
    [
        ("record_order", "record_placed"),
        ("record_returns", "record_returned_order"),
        ("record_returns", "record_returned_line"),
    ],
)
def test_what_fails_after_an_orders_commit_is_logged_without_data_and_counted(
    broken, use_case, pot, user, settings, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    def fail(*args, **kwargs):
        name = "Ada"
        raise ValueError(f"no order for {name!r}")

    counted = []
    settings.RECOMMENDATIONS = {"STRICT": False}
    monkeypatch.setattr(receivers, broken, fail)
    monkeypatch.setattr(boundary, "fell_back", counted.append)
    with django_capture_on_commit_callbacks(execute=True):
        order = order_of(pot, user=user)
        if use_case == "record_returned_order":
            order_status_changed.send(sender=None, order=order, new_status="Cancelled")
        elif use_case == "record_returned_line":
            order_line_status_changed.send(sender=None, line=order.lines.get(), new_status="Cancelled")
    assert counted == [use_case]
    assert [entry.event for entry in caplog.records if entry.levelname == "ERROR"] == ["use_case_failed"]
    assert "no order for …" in caplog.text and "Ada" not in caplog.text


def is_available(product: Product) -> bool:
    return Mirrored.objects.get(product_id=str(product.pk)).available


def test_the_mirror_follows_stock_products_and_children(pot, shirt, user, django_capture_on_commit_callbacks):
    follow = django_capture_on_commit_callbacks
    with follow(execute=True):
        order_of(pot, user=user)
        StockRecord.objects.get(product=pot).allocate(3)  # Oscar's own way: an update that sends the signal itself
    assert not is_available(pot)
    with follow(execute=True):
        record = StockRecord.objects.get(product=pot)
        record.num_in_stock, record.price = 20, Decimal("17.00")
        record.save()
    assert is_available(pot) and Mirrored.objects.get(product_id=str(pot.pk)).price == Decimal("17.00")
    with follow(execute=True):
        for child in Product.objects.filter(parent=shirt):
            child.is_public = False
            child.save()
    assert not is_available(shirt)
    with follow(execute=True):
        StockRecord.objects.get(product=pot).delete()
    assert not is_available(pot)


def test_a_deleted_product_is_unavailable_and_the_rest_stays(pot, shirt, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        key, _ = shirt.pk, shirt.delete()
    assert not Mirrored.objects.get(product_id=str(key)).available
    assert is_available(pot)
