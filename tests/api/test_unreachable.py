"""While the database does not answer, whoever asks for what is kept of them is told so; afterwards all is as before."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from recommendations.models import Interaction, Product, RemovedProduct, Shopper
from recommendations.models.shopper import ShopperQuerySet, hash_key
from recommendations.serving.tokens import Token, seal
from tests.api.conftest import OWN_PAGE, URL

COOKIE = "recommendations_shopper"
ADDRESSES = [
    ("get", "history/", None),
    ("delete", "history/?product={}", None),
    ("post", "history/restore/", {"product": "{}"}),
    ("get", "hidden/", None),
    ("post", "hidden/", {"product": "{}"}),
    ("delete", "hidden/?product={}", None),
    ("get", "export/", None),
    ("delete", "me/", None),
    ("put", "personalisation/", {"personalised": False}),
]


@pytest.fixture(autouse=True)
def as_in_a_shop(settings):
    settings.RECOMMENDATIONS = {"STRICT": False}


@pytest.fixture
def shopper(books):
    made = Shopper.objects.create(key_hash=hash_key("key"))
    Interaction.objects.create(shopper=made, product=Product.objects.first(), kind=1, source=1, event_key=1)
    return made


@pytest.fixture
def browser(shopper):
    client = Client()
    client.cookies[COOKIE] = "key"
    return client


@pytest.fixture
def outage(monkeypatch):
    """outage.begins(), outage.ends(): of looking up who asks."""

    class Outage:
        def begins(self):
            monkeypatch.setattr(ShopperQuerySet, "of_key", self._fail)

        def ends(self):
            monkeypatch.undo()

        def _fail(self, *args):
            raise OperationalError("the server closed the connection")

    return Outage()


def send(browser, method, address, body=None):
    product = Product.objects.first().product_id
    sent = "" if body is None else json.dumps(body).replace("{}", product)
    return browser.generic(method.upper(), URL + address.format(product), sent, content_type="application/json")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "address", "body"), ADDRESSES)
def test_meanwhile_nothing_is_said_to_be_done_or_not_there(browser, outage, method, address, body):
    outage.begins()
    response = send(browser, method, address, body)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert Interaction.objects.remembered().count() == 1


def test_afterwards_a_removal_is_one_at_once_though_lists_rest(browser, outage):
    outage.begins()
    assert browser.get(f"{URL}lists/?placement=home").status_code == 200
    outage.ends()
    assert len(browser.get(f"{URL}history/").json()["history"]) == 1
    assert send(browser, "delete", "history/?product={}").status_code == 204
    assert RemovedProduct.objects.count() == 1
    assert send(browser, "post", "history/restore/", {"product": "{}"}).status_code == 200
    assert Interaction.objects.remembered().count() == 1


def test_afterwards_an_event_keeps_its_list(books, browser, shopper, outage):
    token = seal(Token(77, "1", "home", None, 10, (), shopper.created_at), shopper)
    outage.begins()
    browser.get(f"{URL}lists/?placement=home")
    outage.ends()
    event = json.dumps({"kind": "save", "product": Product.objects.first().product_id, "token": token})
    browser.post(f"{URL}interactions/", event, content_type="text/plain", headers=OWN_PAGE)
    assert Interaction.objects.order_by("-pk")[0].list_id == 77


@pytest.mark.django_db(transaction=True)
def test_a_history_that_can_not_be_read_takes_the_restoring_back(browser, monkeypatch):
    assert send(browser, "delete", "history/?product={}").status_code == 204

    def fail(*args):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr("recommendations.controls.history_of", fail)
    assert send(browser, "post", "history/restore/", {"product": "{}"}).status_code == 503
    assert RemovedProduct.objects.count() == 1
