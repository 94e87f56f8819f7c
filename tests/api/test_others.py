"""Whatever one shopper sends, with another's ids and tokens in it: nothing of the other's is read, changed or told."""

import json

import pytest
from django.test import Client

from recommendations import controls
from recommendations.api.openapi import document
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper
from recommendations.models.shopper import hash_key
from tests.api.conftest import OWN_PAGE, URL
from tests.published import publish_made_artifact

COOKIE = "recommendations_shopper"
# What is asked comes before what changes something of whoever asks.
OPERATIONS = sorted(
    (method, path) for path, methods in document("", "", ["book"])["paths"].items() for method in methods
)
OPERATIONS.sort(key=lambda operation: operation[0] != "get")


@pytest.fixture
def other(books):
    """B, who viewed, searched, removed and hid things."""
    publish_made_artifact()
    shopper = Shopper.objects.create(key_hash=hash_key("b's key"), external_id="b")
    products = list(Product.objects.order_by("pk"))
    for key, product in enumerate(products[:4]):
        Interaction.objects.create(shopper=shopper, product=product, kind=Kind.VIEW, source=1, event_key=key)
    Interaction.objects.create(shopper=shopper, kind=Kind.SEARCH, query="b's secret", source=1, event_key=9)
    controls.remove(shopper, product_id=products[0].product_id)
    controls.hide(shopper, products[1].product_id)
    return shopper


@pytest.fixture
def token(other):
    """Of a list that was made for B."""
    client = Client()
    client.cookies[COOKIE] = "b's key"
    return client.get(f"{URL}lists/?placement=home").json()["token"]


def kept():
    """Every row that is about B or anybody else."""
    tables = (Shopper, Interaction, RemovedProduct, HiddenProduct)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def send(client, method, path, product, token):
    """Everything that the endpoint takes, filled with what is B's."""
    address = f"{URL.removesuffix('/')}{path}?product={product}&token={token}&placement=home&anchor={product}"
    bodies = {
        "/interactions/": {"kind": "view", "product": product, "shopper": "b", "token": token},
        "/personalisation/": {"personalised": False},
    }
    body = json.dumps(bodies.get(path, {"product": product}))
    return client.generic(method.upper(), address, body, content_type="application/json", headers=OWN_PAGE)


def about(shopper, tables):
    """The rows that are this shopper's."""
    return [[row for row in rows if row.get("shopper_id", row["id"]) == shopper.pk] for rows in tables]


def browser_of(who, number, user):
    client = Client()
    if who == "user":
        client.force_login(user)
    elif who != "nobody":
        Shopper.objects.create(key_hash=hash_key(f"a's key {number}"))
        # What stands in the database about B opens nothing.
        client.cookies[COOKIE] = {"visitor": f"a's key {number}", "forged": hash_key("b's key")}[who]
    return client


@pytest.mark.parametrize("who", ["nobody", "visitor", "forged", "user"])
def test_nothing_of_another_shopper_is_read_changed_or_told(other, token, user, who):
    product, before = Product.objects.order_by("pk")[2].product_id, about(other, kept())
    assert [len(rows) for rows in before] == [1, 5, 1, 1]
    for number, (method, path) in enumerate(OPERATIONS):
        answer = send(browser_of(who, number, user), method, path, product, token)
        told = answer.content.decode()
        assert about(other, kept()) == before, (method, path)
        assert "b's secret" not in told
        assert answer.status_code < 500
        if path == "/why/":
            assert answer.status_code == 400 and "belongs to another shopper" in told
        if (method, path) == ("get", "/history/"):
            assert answer.json() == {"history": [], "removed": [], "interests": []}
        if (method, path) == ("get", "/export/"):
            assert answer.json().get("interactions", []) == []
