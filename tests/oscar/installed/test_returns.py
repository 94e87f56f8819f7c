"""What was cancelled, refunded or sent back is not bought any more."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from oscar.apps.basket.models import Basket
from oscar.apps.catalogue.models import Product
from oscar.apps.order.models import Line, Order
from oscar.apps.partner.strategy import Default
from oscar.test.factories import create_order

from recommendations.models import Interaction, RemovedProduct, Shopper

from .conftest import A_PERSONS


@pytest.fixture(autouse=True)
def pipelines(monkeypatch):
    every = ("", "Pending", "Cancelled", "Partly refunded", "Refunded", "Void")
    for model in (Order, Line):
        monkeypatch.setattr(model, "pipeline", dict.fromkeys(every, every))
    monkeypatch.setattr(Order, "cascade", {"Partly refunded": "Refunded"})


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ada", "ada@example.com", "pass")


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def order_of(committing):
    """order_of(products, user, request) is a placed order of two of each."""

    def place(products, user=None, request=None) -> Order:
        basket = Basket.objects.create(owner=user)
        basket.strategy = Default(request)
        for product in products:
            basket.add_product(product, quantity=2)
        with committing():
            return create_order(basket=basket, user=user)

    return place


def returns() -> list[tuple[str, int]]:
    rows = Interaction.objects.filter(kind=Interaction.KindChoice.RETURN).order_by("pk")
    return list(rows.values_list("product__product_id", "quantity"))


def bought(user) -> set[str]:
    return set(Interaction.objects.filter(shopper__user=user).bought())


def test_a_cancelled_order_is_not_bought_any_more_and_told_once(pot, shirt, user, order_of, committing):
    order = order_of([pot, shirt.get_public_children()[0]], user)
    with committing():
        order.set_status("Pending")
    assert bought(user) == {str(pot.pk), str(shirt.pk)}
    with committing():
        order.set_status("Cancelled")
        assert returns() == []
    assert sorted(returns()) == sorted([(str(pot.pk), 2), (str(shirt.pk), 2)])
    assert bought(user) == set()
    with committing():
        for status in ("Pending", "Refunded", "Cancelled"):
            order.set_status(status)
        for line in order.lines.all():
            line.set_status("Refunded")
    assert len(returns()) == 2


def test_of_a_line_that_comes_back_its_product_alone(pot, shirt, user, order_of, committing):
    order = order_of([pot, shirt.get_public_children()[0]], user)
    with committing():
        order.lines.get(product=pot).set_status("Refunded")
    assert returns() == [(str(pot.pk), 2)]
    assert bought(user) == {str(shirt.pk)}


def test_a_product_of_which_one_size_is_kept_stays_bought(shirt, user, order_of, committing):
    first, second = order_of(shirt.get_public_children(), user).lines.all()
    with committing():
        first.set_status("Refunded")
    assert bought(user) == {str(shirt.pk)}
    with committing():
        second.set_status("Refunded")
    assert returns() == [(str(shirt.pk), 4)] and bought(user) == set()


def test_lines_that_an_orders_status_takes_with_it(pot, user, order_of, committing):
    with committing():
        order_of([pot], user).set_status("Partly refunded")
    assert returns() == [(str(pot.pk), 2)]


def test_the_shop_names_its_own_statuses(pot, user, order_of, committing, settings):
    settings.OSCAR_RECOMMENDATIONS_RETURNED_STATUSES = ["Void"]
    order = order_of([pot], user)
    with committing():
        order.set_status("Cancelled")
    assert returns() == []
    with committing():
        order.set_status("Void")
    assert len(returns()) == 1


def test_a_guests_return_is_whoses_the_purchase_is(visitor, pot, order_of, committing, rf):
    visitor.get(pot.get_absolute_url())
    request = rf.post("/checkout/preview/", headers={"user-agent": A_PERSONS})
    request.user, request.COOKIES = AnonymousUser(), {key: morsel.value for key, morsel in visitor.cookies.items()}
    for order in (order_of([pot]), order_of([pot], request=request)):
        with committing():
            order.set_status("Cancelled")
    rows = Interaction.objects.filter(kind=Interaction.KindChoice.RETURN).select_related("shopper")
    unknown, known = rows.order_by("pk")
    assert unknown.shopper.external_id.startswith("guest:")
    assert known.shopper.key_hash and known.shopper != unknown.shopper


def test_nothing_is_told_of_a_purchase_that_is_not_kept(pot, user, order_of, committing):
    removed, erased, lost = order_of([pot], user), order_of([pot], user), order_of([pot], user)
    shopper = Shopper.objects.of_user(user)
    product = Interaction.objects.first().product
    RemovedProduct.objects.create(shopper=shopper, product=product, removed_at=timezone.now() + timedelta(seconds=1))
    with committing():
        removed.set_status("Cancelled")
    RemovedProduct.objects.all().delete()
    Interaction.objects.all().delete()
    with committing():
        erased.set_status("Cancelled")
    Product.objects.filter(pk=pot.pk).delete()
    with committing():
        lost.set_status("Cancelled")
    assert returns() == []


def test_statuses_that_are_no_list_break_no_page(pot, user, order_of, committing, settings, caplog):
    order = order_of([pot], user)
    settings.RECOMMENDATIONS = {"STRICT": False}
    settings.OSCAR_RECOMMENDATIONS_RETURNED_STATUSES = "Cancelled"
    with committing():
        order.set_status("Cancelled")
    assert returns() == [] and "expected a list of texts" in caplog.text
