import json

import pytest
from django.test import Client

from recommendations.models import Interaction, Product, RemovedProduct, Shopper
from tests.api.conftest import URL

ADDRESS = f"{URL}history/"


def token(browser):
    """A CSRF token, as a page of the shop would hold it."""
    page = browser.get("/admin/login/").content.decode()
    return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


@pytest.fixture
def history(books, browser, send):
    """A visitor's browser that viewed books 1 to 3 (3 last) and searched for "red tea"."""
    sent = [{"kind": "view", "product": str(book.pk), "event_id": str(book.pk)} for book in books[:3]]
    send(browser, [*sent, {"kind": "search", "query": "red tea"}])
    return browser


def ids(response):
    return {entry["id"] for entry in response.json()["history"]}


def forget(browser, **unit):
    query = "&".join(f"{name}={value}" for name, value in unit.items())
    return browser.delete(f"{ADDRESS}?{query}", headers={"x-csrftoken": token(browser)})


def restore(browser, body):
    body = body if isinstance(body, str) else json.dumps(body)
    headers = {"x-csrftoken": token(browser)}
    return browser.post(f"{ADDRESS}restore/", body, content_type="application/json", headers=headers)


def test_what_is_remembered(history, books):
    found = history.get(ADDRESS).json()
    assert list(found) == ["history", "removed", "interests"]
    assert {entry["id"] for entry in found["history"]} == {*(str(book.pk) for book in books[:3]), "red tea"}
    by_id = {entry["id"]: entry for entry in found["history"]}
    assert list(by_id["red tea"]) == ["type", "id", "title", "event", "last", "events"]
    assert (by_id["red tea"]["type"], by_id["red tea"]["event"]) == ("query", "searched")
    book = by_id[str(books[0].pk)]
    assert (book["type"], book["title"], book["event"], book["events"]) == ("product", "Book 1", "viewed", 1)


def test_a_stranger_has_no_history(db, client):
    response = client.get(ADDRESS)
    assert response.json() == {"history": [], "removed": [], "interests": []}
    assert "private" in response["Cache-Control"]


def test_the_newest_come_first_and_can_be_limited(history):
    assert len(history.get(ADDRESS, {"limit": 2}).json()["history"]) == 2


def test_a_removed_product_is_gone_on_the_next_request(history, books):
    assert forget(history, product=books[0].pk).status_code == 204
    found = history.get(ADDRESS).json()
    assert str(books[0].pk) not in {entry["id"] for entry in found["history"]}
    [removed] = found["removed"]
    assert (removed["id"], removed["title"]) == (str(books[0].pk), "Book 1")


def test_interests_are_those_of_the_page(history, books):
    Product.objects.filter(product_id__in=[str(book.pk) for book in books[:3]]).update(category=["Drinks", "Tea"])
    Product.objects.filter(product_id__in=[str(book.pk) for book in books[1:]]).update(brand="Lipton")
    expected = [
        {"name": "Tea", "products": 3, "kind": "category"},
        {"name": "Lipton", "products": 2, "kind": "brand"},
    ]
    assert history.get(ADDRESS).json()["interests"] == expected
    assert history.get(f"{URL}export/").json()["interests"] == expected
    page = history.get("/recommendations/yours/").content.decode()
    assert all(f"<li>{interest['name']} <small>" in page for interest in expected)
    forget(history, product=books[2].pk)
    assert history.get(ADDRESS).json()["interests"] == [{"name": "Tea", "products": 2, "kind": "category"}]


def test_a_removed_search_is_gone(history):
    assert forget(history, query="red+tea").status_code == 204
    assert "red tea" not in ids(history.get(ADDRESS))


def test_undo_brings_it_back(history, books):
    before = history.get(ADDRESS).json()
    forget(history, product=books[0].pk)
    assert restore(history, {"product": str(books[0].pk)}).json() == before


def test_undo_of_a_search(history):
    forget(history, query="red+tea")
    assert "red tea" in ids(restore(history, {"query": "red tea"}))


def test_writes_need_a_csrf_token_also_of_visitors(history, books):
    assert history.delete(f"{ADDRESS}?product={books[0].pk}").status_code == 403
    assert history.post(f"{ADDRESS}restore/", "{}", content_type="application/json").status_code == 403
    assert RemovedProduct.objects.count() == 0


def test_nobody_reaches_into_anothers_history(history, books, user):
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(user)
    assert forget(stranger, product=books[0].pk).status_code == 404
    assert Interaction.objects.remembered().count() == 4


def test_what_is_not_there_can_not_be_removed_or_restored(history, books):
    assert forget(history, product=books[5].pk).status_code == 404
    assert forget(history, product="no-such").status_code == 404
    assert restore(history, {"product": str(books[0].pk)}).status_code == 404


@pytest.mark.parametrize("unit", [{}, {"product": ""}, {"query": ""}, {"product": "1", "query": "tea"}])
def test_a_removal_names_one_thing(history, errors, unit):
    assert errors(forget(history, **unit))[0][1] in ("product", "query")


@pytest.mark.parametrize("body", ["3", "{}", '{"product": ["1"]}', '{"query": 3}', "{"])
def test_a_restore_names_one_thing(history, errors, body):
    assert errors(restore(history, body))


def test_a_paused_shopper_sees_and_changes_nothing(history, books):
    history.cookies["recommendations_off"] = "1"
    assert history.get(ADDRESS).json() == {"history": [], "removed": [], "interests": []}
    assert forget(history, product=books[0].pk).status_code == 404


def test_a_users_history_is_the_users_on_every_device(books, user, send):
    Shopper.objects.create(user=user)
    phone, desk = Client(), Client()
    phone.force_login(user)
    desk.force_login(user)
    send(phone, {"kind": "view", "product": str(books[0].pk)})
    assert ids(desk.get(ADDRESS)) == {str(books[0].pk)}
