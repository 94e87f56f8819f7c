"""Anybody can name any product's id: of what the shop does not show them nobody reads more than that."""

import pytest
from django.utils import translation

from recommendations.capture import record_order
from recommendations.catalog import sync_catalog
from recommendations.models import Shopper
from tests.api.conftest import URL
from tests.shop.models import Book

NEUTRAL = "A product that is not shown now"


@pytest.fixture
def secrets(db):
    """Two books that the mirror holds, and no visitor is shown."""
    made = [
        Book.objects.create(name="Secret launch", shelf="Secret shelf", publisher="Secret House", members_only=True),
        Book.objects.create(name="Secret sale", shelf="Secret shelf", publisher="Secret House", members_only=True),
    ]
    sync_catalog()
    return made


def titles_told(client):
    """Every title that REST and the page tell of the hidden, the remembered and the removed."""
    history = client.get(f"{URL}history/").json()
    told = [*client.get(f"{URL}hidden/").json()["hidden"], *history["history"], *history["removed"]]
    told += client.get(f"{URL}export/").json()["interactions"]
    page = client.get("/recommendations/yours/").content.decode()
    return [one["title"] for one in told], page


def test_a_visitor_who_names_what_is_not_shown_reads_no_title(secrets, client, send):
    for book in secrets:
        client.post(f"{URL}hidden/", {"product": str(book.pk)}, content_type="application/json")
    send(client, [{"kind": "view", "product": str(book.pk)} for book in secrets])
    client.delete(f"{URL}history/?product={secrets[1].pk}")
    titles, page = titles_told(client)
    assert titles == [NEUTRAL] * 6
    assert "Secret" not in page
    assert page.count(f">{NEUTRAL}<") == 4
    assert f'name="product" value="{secrets[0].pk}"' in page


def test_interests_tell_nothing_of_what_is_not_shown(secrets, books, client, send):
    send(client, [{"kind": "view", "product": str(book.pk)} for book in [*secrets, *books[:2]]])
    history, page = client.get(f"{URL}history/").json(), client.get("/recommendations/yours/").content.decode()
    for told in (history["interests"], client.get(f"{URL}export/").json()["interests"]):
        assert told == [{"name": "Novels", "products": 2, "kind": "category"}]
    assert "Novels" in page and "Secret" not in page


def test_members_read_their_interests(secrets, user, client, send):
    client.force_login(user)
    send(client, [{"kind": "view", "product": str(book.pk)} for book in secrets])
    told = client.get(f"{URL}history/").json()["interests"]
    assert [one["name"] for one in told] == ["Secret shelf", "Secret House"]


def test_what_is_sold_out_or_no_longer_for_sale_keeps_its_name(books, client, send):
    for book in books[:2]:
        client.post(f"{URL}hidden/", {"product": str(book.pk)}, content_type="application/json")
    send(client, [{"kind": "view", "product": str(book.pk)} for book in books[:2]])
    Book.objects.filter(pk=books[0].pk).update(in_stock=False)
    Book.objects.filter(pk=books[1].pk).delete()
    sync_catalog()
    titles, page = titles_told(client)
    assert sorted(titles) == ["Book 1"] * 3 + ["Book 2"] * 3
    assert "Book 1" in page and "Book 2" in page and NEUTRAL not in page


def test_it_is_said_in_the_shoppers_language(secrets, client):
    with translation.override("zh-hans"):
        client.post(f"{URL}hidden/", {"product": str(secrets[0].pk)}, content_type="application/json")
        assert client.get(f"{URL}hidden/").json()["hidden"][0]["title"] == "目前不展示的商品"


def test_what_one_bought_keeps_its_title(secrets, user, client):
    client.force_login(user)
    record_order(user, [(secrets[0], 1)], "17")
    client.post(f"{URL}hidden/", {"product": str(secrets[0].pk)}, content_type="application/json")
    titles, page = titles_told(client)
    assert set(titles) == {"Secret launch"}
    assert "Secret launch" in page


def test_what_another_bought_does_not(secrets, user, client, send):
    record_order(user, [(secrets[0], 1)], "17")
    send(client, {"kind": "view", "product": str(secrets[0].pk)})
    assert Shopper.objects.count() == 2
    assert titles_told(client)[0] == [NEUTRAL] * 2


def test_titles_are_those_of_the_cards(books, client):
    client.post(f"{URL}hidden/", {"product": str(books[0].pk)}, content_type="application/json")
    Book.objects.filter(pk=books[0].pk).update(name="书")
    assert client.get(f"{URL}hidden/").json()["hidden"][0]["title"] == "书"
