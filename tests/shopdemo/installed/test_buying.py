from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction
from shopdemo.models import Order, Product

pytestmark = pytest.mark.django_db
ADDRESS = {"name": "Ada", "street": "1 Main Street", "city": "Fernhill"}


def add(client, product, quantity=1, **data):
    return client.post(reverse("add_to_cart", args=[product.pk]), {"quantity": quantity, **data})


def quantities(client):
    return client.session.get("cart", {})


def test_cart_empty_invites_to_look_around(client):
    assert "Your cart is empty" in client.get("/cart/").content.decode()


def test_cart_adds_up_quantities_and_prices(client, bananas, milk):
    add(client, bananas, 2)
    add(client, bananas, 1)
    add(client, milk, 1)
    assert quantities(client) == {str(bananas.pk): 3, str(milk.pk): 1}
    assert "$5.51" in client.get("/cart/").content.decode()  # 3 * 0.94 + 2.69


def test_cart_returns_to_the_page_that_asked(client, bananas):
    assert add(client, bananas, next="/categories/fruit/").url == "/categories/fruit/"


def test_cart_never_sends_anybody_to_another_site(client, bananas):
    assert add(client, bananas, next="https://elsewhere.example/").url == "/cart/"


@pytest.mark.parametrize("quantity", ["", "many", "-4", "100", "1000000"])
def test_cart_stays_as_it_was_where_no_quantity_is_asked_for(client, bananas, milk, quantity):
    add(client, bananas, 2)
    for product in (bananas, milk):
        client.post(reverse("change_cart", args=[product.pk]), {"quantity": quantity})
        add(client, product, quantity)
    assert quantities(client) == {str(bananas.pk): 2}
    assert "A whole number up to 99, please." in client.get("/cart/").content.decode()


def test_cart_takes_no_product_none_of_which_is_wanted(client, bananas):
    add(client, bananas, 0)
    assert quantities(client) == {}
    assert "is in your cart" not in client.get("/cart/").content.decode()


def test_cart_is_changed_only_by_post(client, bananas):
    assert client.get(reverse("add_to_cart", args=[bananas.pk])).status_code == 405


def test_cart_zero_takes_a_product_out_and_is_recorded(client, shop):
    client.force_login(get_user_model().objects.create_user("anna"))
    add(client, shop[0])
    for _ in range(2):  # the second time it is not in the cart
        client.post(reverse("change_cart", args=[shop[0].pk]), {"quantity": 0})
    assert quantities(client) == {}
    recorded = Interaction.objects.filter(kind=Kind.REMOVE_FROM_CART)
    assert [row.product.product_id for row in recorded] == [str(shop[0].pk)]


def test_cart_leaves_out_what_was_sold_out_meanwhile(client, bananas, milk):
    add(client, bananas)
    add(client, milk)
    Product.objects.filter(pk=milk.pk).update(in_stock=False)
    shown = client.get("/cart/").content.decode()
    assert bananas.get_absolute_url() in shown and milk.get_absolute_url() not in shown


def test_cart_counts_what_it_shows_and_forgets_the_rest(client, bananas, milk):
    add(client, bananas)
    add(client, milk, 2)
    Product.objects.filter(pk=milk.pk).update(in_stock=False)
    assert '<span class="count">1<' in client.get("/").content.decode()
    assert quantities(client) == {str(bananas.pk): 1}
    Product.objects.filter(pk=bananas.pk).delete()
    assert 'class="count"' not in client.get("/").content.decode()
    assert quantities(client) == {}


@pytest.mark.parametrize("pk", [4711, 99999999999999999999])
def test_cart_takes_no_product_that_the_shop_does_not_have(client, bananas, pk):
    add(client, bananas)
    assert client.post(f"/cart/change/{pk}/", {"quantity": 1}).status_code == 404
    assert client.post(f"/cart/change/{pk}/", {"quantity": 0}).url == "/cart/"
    assert client.get("/cart/").status_code == 200
    assert quantities(client) == {str(bananas.pk): 1}


def test_checkout_without_a_cart_goes_back_to_it(client):
    assert client.get("/checkout/").url == "/cart/"


def test_checkout_asks_again_for_what_is_missing(client, bananas):
    add(client, bananas)
    shown = client.post("/checkout/", {**ADDRESS, "city": ""}).content.decode()
    assert "This field is required" in shown and not Order.objects.exists()


def test_checkout_places_the_order_and_empties_the_cart(client, shop):
    bananas, milk = shop
    add(client, bananas, 2)
    add(client, milk)
    assert client.post("/checkout/", ADDRESS).url == "/checkout/thanks/"
    order = Order.objects.get()
    assert order.total == Decimal("4.57") and order.user is None
    assert quantities(client) == {}
    assert "Thank you, Ada" in client.get("/checkout/thanks/").content.decode()


def test_checkout_tells_the_recommendations_once_a_line_with_the_orders_time(client, shop):
    user = get_user_model().objects.create_user("ada", password="x")
    client.force_login(user)
    bananas, milk = shop
    add(client, bananas, 2)
    add(client, milk)
    client.post("/checkout/", ADDRESS)
    rows = Interaction.objects.filter(kind=Kind.PURCHASE, shopper__user=user)
    assert {(row.product.product_id, row.quantity) for row in rows} == {(str(bananas.pk), 2), (str(milk.pk), 1)}
    assert {row.occurred_at for row in rows} == {Order.objects.get().placed_at}
    assert {row.source for row in rows} == {Interaction.Source.SERVER}


def test_thanks_shows_nobody_elses_order(client, shop):
    Order.objects.create(name="Bob", street="2", city="F", placed_at="2026-01-01T00:00Z")
    assert client.get("/checkout/thanks/").status_code == 404


def test_orders_are_for_their_owner(client, shop):
    user = get_user_model().objects.create_user("ada", password="x")
    assert client.get("/orders/").url.startswith("/login/")
    client.force_login(user)
    add(client, shop[0])
    client.post("/checkout/", ADDRESS)
    Order.objects.create(name="Bob", street="2", city="F", placed_at="2026-01-01T00:00Z")
    shown = client.get("/orders/").content.decode()
    assert shown.count("<h2>Order ") == 1 and "Bananas" in shown
