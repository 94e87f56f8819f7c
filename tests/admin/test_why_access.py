"""Who may look into a shopper's list, that nobody does so unnoticed, and what is told where there is nothing to see."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.test import override_settings
from django.urls import reverse

from recommendations.models import Product, RecommenderVersion, Shopper
from recommendations.publishing import forget
from tests.admin.why_page import text_of, told, url


def test_it_needs_its_own_permission(staff, shopper):
    client = staff("view_shopper", "view_interaction", "retrain", "publish")
    for response in (client.get(url(shopper)), client.post(url(shopper)), client.get(url(shopper, format="json"))):
        assert response.status_code == 403
    assert not LogEntry.objects.exists()


def test_strangers_are_sent_to_the_login(client, shopper):
    assert client.get(url(shopper)).url.startswith(reverse("admin:login"))


def test_it_is_reached_from_the_shopper(staff, shopper):
    client = staff("view_history")
    for page, args in (("changelist", []), ("change", [shopper.pk])):
        assert f'href="{url(shopper)}"' in text_of(
            client.get(reverse(f"admin:recommendations_shopper_{page}", args=args))
        )


def test_unknown_shoppers_are_not_found(staff, db):
    assert staff("view_history").get(reverse("admin:recommendations_why", args=[4711])).status_code == 404


def test_every_look_is_logged_without_the_products_looked_at(staff, shopper, caplog):
    client, product_id = staff("view_history"), Product.objects.last().product_id
    with caplog.at_level(logging.INFO, "recommendations"):
        client.get(url(shopper))
        client.get(url(shopper, placement="cart", limit=5, product=product_id))
        client.get(url(shopper, format="json"))
        client.post(url(shopper))
    entries = LogEntry.objects.order_by("pk")
    assert {(entry.object_id, entry.object_repr) for entry in entries} == {(str(shopper.pk), f"shopper {shopper.pk}")}
    assert [entry.get_change_message() for entry in entries] == [
        "Looked into the recommendations: Home page, 10 products.",
        "Looked into the recommendations: Basket, 5 products.",
        "Looked into the recommendations: Home page, 10 products.",
        "Looked into the recommendations: Home page, 10 products.",
    ]
    history = reverse("admin:recommendations_shopper_history", args=[shopper.pk])
    assert f'href="{history}"' in text_of(client.get(url(shopper)))
    assert "Looked into the recommendations: Basket" in client.get(history).content.decode()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        f"history_looked_into: Somebody of the staff looked into a list (placement {placement})"
        for placement in ("home", "cart", "home", "home")
    ]


def test_shoppers_are_numbers(staff, shopper):
    client = staff("view_history")
    pages = text_of(client.get(url(shopper))) + client.get(url(shopper, format="json")).content.decode()
    pages += " ".join(entry.object_repr + entry.change_message for entry in LogEntry.objects.all())
    assert f"shopper {shopper.pk}" in pages
    for secret in ("beatrice", "bea@", "example.org"):
        assert secret not in pages


def test_verify_now_is_safe_from_other_sites(staff, shopper):
    client = staff("view_history")
    client.handler.enforce_csrf_checks = True
    assert client.post(url(shopper)).status_code == 403


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"placement": "attic"}, "Select a valid choice. attic is not one of the available choices."),
        ({"limit": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"limit": "many"}, "Enter a whole number."),
        ({"product": "nothing"}, "No product of the shop has the id “nothing”."),
    ],
)
def test_what_can_not_be_asked_is_told(staff, shopper, query, message):
    html = text_of(staff("view_history").get(url(shopper, **query)))
    assert message in html
    assert "The list now" not in html
    assert not LogEntry.objects.exists()


def test_without_a_version_the_page_says_so(staff, shopper):
    RecommenderVersion.objects.all().delete()
    forget()
    html = text_of(staff("view_history").get(url(shopper)))
    assert "No version can serve: nothing is published yet" in html
    assert "The list now" in html


def test_a_stranger_to_the_recommender_is_told(staff, shopper):
    html = text_of(staff("view_history").get(url(Shopper.objects.create())))
    assert "can read nothing of this shopper&#x27;s history" in html
    assert "new products" in html


def test_who_opted_out_is_not_looked_into(staff, shopper):
    Shopper.objects.update(personalised=False)
    client = staff("view_history")
    html = text_of(client.get(url(shopper)))
    assert "switched personalisation off" in html
    found = told(client, shopper)
    assert (found["units"], found["heat"], found["shopper"]) == ([], None, shopper.pk)


@override_settings(RECOMMENDATIONS={"STRICT": False})
def test_files_that_can_not_be_read_break_nothing(staff, shopper, monkeypatch, caplog):
    RecommenderVersion.objects.update(artifact_sha256="0" * 64)
    forget()
    client = staff("view_history")
    assert "No version can serve" in text_of(client.get(url(shopper)))

    def fail(*_):
        raise OSError("disk gone")

    monkeypatch.setattr("recommendations.admin.why.look", fail)
    for response in (client.get(url(shopper)), client.post(url(shopper)), client.get(url(shopper, format="json"))):
        assert "This could not be computed: the log says why." in text_of(response)
    assert "disk gone" in caplog.text


def test_the_page_needs_nothing_inline(staff, shopper):
    client = staff("view_history")
    html = text_of(client.post(url(shopper, sandbox=1, product=Product.objects.last().product_id)))
    assert "style=" not in html
    assert "onclick" not in html
