"""The shop's other systems: a password, a permission, other people's events."""

import base64
from datetime import timedelta

import pytest
from django.db import DataError
from django.utils import timezone

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Shopper
from recommendations.throttles import FailedLoginsThrottle
from tests.api.conftest import OWN_PAGE

# A known crawler to the kept list: it must not matter here.
AGENT = {"user-agent": "python-requests/2.32"}


@pytest.fixture
def password(user):
    def header(name="anna", word="red tea"):
        return {**AGENT, "authorization": "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()}

    return header


def bought(book, **more):
    return {"kind": "purchase", "product": str(book.pk), **more}


def test_with_the_permission_a_system_tells_of_purchases_of_any_age(books, client, send, allow, password, ago):
    allow("add_interaction")
    sent = [
        bought(books[0], shopper="household-1", occurred_at=ago(days=400), event_id="o1"),
        bought(books[1], shopper="household-2", quantity=3),
        {"kind": "return", "product": str(books[1].pk), "shopper": "household-2"},
        {"kind": "view", "product": str(books[2].pk), "shopper": "household-2"},
    ]
    assert send(client, sent, "application/json", headers=password()).json() == {"accepted": 4, "duplicates": 0}
    rows = Interaction.objects.order_by("pk").values_list("shopper__external_id", "kind", "quantity", "source")
    assert list(rows) == [
        ("household-1", Kind.PURCHASE, 1, Interaction.Source.SERVER),
        ("household-2", Kind.PURCHASE, 3, Interaction.Source.SERVER),
        ("household-2", Kind.RETURN, 1, Interaction.Source.SERVER),
        ("household-2", Kind.VIEW, 1, Interaction.Source.SERVER),
    ]
    assert Shopper.objects.count() == 2


def test_sent_again_nothing_is_added(books, client, send, allow, password):
    allow("add_interaction")
    sent = bought(books[0], shopper="household-1", event_id="o1")
    send(client, sent, headers=password())
    assert send(client, sent, headers=password()).json() == {"accepted": 0, "duplicates": 1}


def test_no_cookie_is_set_for_a_system(books, client, send, allow, password):
    allow("add_interaction")
    assert not send(client, bought(books[0], shopper="household-1"), headers=password()).cookies


def test_without_the_permission_a_password_is_not_enough(books, client, send, errors, password):
    [(_, field, message)] = errors(send(client, bought(books[0], shopper="household-1"), headers=password()))
    assert field == "shopper"
    assert "recommendations.add_interaction" in message


def test_a_name_that_no_database_holds_is_a_wrong_password(books, client, send, password, monkeypatch):
    def raises(**sent):
        raise DataError("as PostgreSQL")

    monkeypatch.setattr("rest_framework.authentication.authenticate", raises)
    monkeypatch.setattr(FailedLoginsThrottle, "rate", "2/min")
    sent = [send(client, bought(books[0]), headers=password("an\0na")).status_code for _ in range(3)]
    assert sent == [403, 403, 429]


def test_a_wrong_password_is_refused_without_asking_a_browser_for_another(books, client, send, password):
    response = send(client, bought(books[0]), headers=password(word="green tea"))
    assert response.status_code == 403
    assert "WWW-Authenticate" not in response


def test_not_even_with_the_permission_the_future(books, client, send, errors, allow, password, ago):
    allow("add_interaction")
    sent = bought(books[0], shopper="household-1", occurred_at=ago(days=-1))
    assert errors(send(client, sent, headers=password()))[0][1] == "occurred_at"


def test_who_opted_out_stays_out(books, client, send, allow, password):
    allow("add_interaction")
    Shopper.objects.create(external_id="household-1", personalised=False)
    sent = [bought(books[0], shopper="household-1"), bought(books[0], shopper="household-2")]
    assert send(client, sent, headers=password()).json()["accepted"] == 1
    assert Interaction.objects.get().shopper.external_id == "household-2"


def test_what_was_erased_does_not_come_back(books, client, send, allow, password, ago):
    allow("add_interaction")
    Shopper.objects.create(external_id="household-1", erased_at=timezone.now() - timedelta(days=1))
    sent = [bought(books[0], shopper="household-1", occurred_at=ago(days=2)), bought(books[1], shopper="household-1")]
    assert send(client, sent, headers=password()).json()["accepted"] == 1
    assert Interaction.objects.get().product.product_id == str(books[1].pk)


def test_a_trusted_user_may_tell_of_own_purchases_from_a_page(books, client, send, user, allow):
    allow("add_interaction")
    client.force_login(user)
    assert send(client, bought(books[0]), headers=OWN_PAGE).status_code == 201
    assert Interaction.objects.get().shopper.user == user


def test_the_password_of_a_protected_test_site_disturbs_no_browser(books, client, send, allow, password, errors):
    allow("add_interaction")
    view = {"kind": "view", "product": str(books[0].pk)}
    assert send(client, view, headers={**password("site", "secret"), **OWN_PAGE, "user-agent": ""}).status_code == 201
    assert errors(send(client, bought(books[0]), headers={**password(), **OWN_PAGE}))[0][1] == "kind"
    assert send(client, view, headers={**password(), "origin": "https://evil.example"}).status_code == 403
