"""The OpenAPI document names every endpoint and method there is, and no other; `make fuzz` tries what it says."""

import json

import pytest

from recommendations.api.events import FIELDS
from recommendations.api.openapi.shopping import EVENT
from recommendations.api.urls import urlpatterns
from tests.api.conftest import URL


@pytest.fixture
def document(browser):
    answer = browser.get(f"{URL}schema/")
    assert answer.status_code == 200
    return answer.json()


def test_it_names_every_endpoint_and_method(document):
    methods = {
        f"/{pattern.pattern}": {
            name for name in ("get", "post", "put", "delete") if hasattr(pattern.callback.cls, name)
        }
        for pattern in urlpatterns
    }
    assert {path: set(operations) for path, operations in document["paths"].items()} == methods


def test_it_names_every_field_of_an_event(document):
    assert set(EVENT["properties"]) == set(FIELDS)


def test_its_references_and_operations_are_its_own(document):
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named == set(document["components"]["schemas"])
    operations = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))


def test_it_says_where_the_endpoints_are_and_which_models_lists_can_be_of(document):
    assert document["servers"] == [{"url": URL.removesuffix("/")}]
    parameters = document["paths"]["/lists/"]["get"]["parameters"]
    assert next(one for one in parameters if one["name"] == "of")["schema"]["enum"][:2] == ["", "book"]


@pytest.mark.parametrize("address", ["retrain/", "interactions/", "schema/"])
def test_a_method_that_there_is_not_is_said_so_to_everybody(db, browser, address):
    assert browser.trace(f"{URL}{address}").status_code == 405


@pytest.mark.parametrize(
    ("method", "address", "field"),
    [("put", "personalisation/", "colour"), ("post", "hidden/", "colour"), ("post", "history/restore/", "colour")],
)
def test_a_field_that_there_is_not_is_refused(db, client, errors, method, address, field):
    sent = {"personalised": True} if method == "put" else {"product": "1"}
    answer = getattr(client, method)(f"{URL}{address}", json.dumps({**sent, field: 1}), "application/json")
    assert errors(answer)[0][1] == field


@pytest.mark.parametrize("product", ["", "x" * 256, "a\0b", "\ud800", None, True, ["1"]])
def test_an_id_that_no_product_can_have_is_refused(db, client, errors, product):
    for address in ("hidden/", "history/restore/"):
        answer = client.post(f"{URL}{address}", json.dumps({"product": product}), "application/json")
        assert errors(answer)[0][1] == "product"


@pytest.mark.parametrize("product", ["x" * 256, "a\0b"])
def test_an_id_that_no_product_can_have_is_refused_in_an_address(db, client, errors, product):
    assert errors(client.get(f"{URL}lists/", {"placement": "similar", "product": product}))[0][1] == "product"
    assert errors(client.delete(f"{URL}hidden/?product={product.replace(chr(0), '%00')}"))[0][1] == "product"
