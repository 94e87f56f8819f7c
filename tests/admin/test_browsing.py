"""Shoppers, interactions and products: read-only, by own permissions, without names and without COUNT(*)."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.paginator import EmptyPage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommendations.admin.browsing import PeekingPaginator, number_in
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper

LISTS = {"shopper": Shopper, "interaction": Interaction, "product": Product}


def url(model, page="changelist", *args):
    return reverse(f"admin:recommendations_{model}_{page}", args=args)


@pytest.fixture
def rows(db):
    """130 events of one shopper with a product, and one search of another."""
    product = Product.objects.create(product_id="tea", title="Green <b>tea</b>", category=["Drinks", "Tea"])
    shopper = Shopper.objects.create(external_id="guest:invoice-77")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    Interaction.objects.bulk_create(
        Interaction(
            shopper=shopper,
            product=product,
            kind=Kind.PURCHASE,
            source=Interaction.Source.IMPORT,
            occurred_at=begin + timedelta(days=age),
            event_key=age,
        )
        for age in range(130)
    )
    other = Shopper.objects.create(key_hash="f" * 64)
    Interaction.objects.create(shopper=other, kind=Kind.SEARCH, query="oolong", source=1, event_key=1)
    return shopper


@pytest.mark.parametrize("model", LISTS)
def test_lists_and_pages_count_nothing(staff, rows, model):
    client = staff("view_history", "view_product")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url(model)).status_code == 200
        assert client.get(url(model), {"p": "2", "q": "1"}).status_code in (200, 302)
        assert client.get(url(model, "change", LISTS[model].objects.first().pk)).status_code == 200
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize("model", LISTS)
def test_nothing_can_be_added_changed_or_deleted(staff, rows, model):
    client = staff("view_history", *[f"{verb}_{model}" for verb in ("view", "add", "change", "delete")])
    pk = LISTS[model].objects.first().pk
    before = LISTS[model].objects.count()
    assert client.get(url(model, "add")).status_code == 403
    assert client.post(url(model, "add"), {}).status_code == 403
    assert client.post(url(model, "change", pk), {}).status_code == 403
    assert client.post(url(model, "delete", pk), {"post": "yes"}).status_code == 403
    assert client.post(url(model), {"action": "delete_selected", "_selected_action": [pk]}).status_code in (200, 302)
    assert LISTS[model].objects.count() == before
    assert b'name="_save"' not in client.get(url(model, "change", pk)).content


@pytest.mark.parametrize("model", ["shopper", "interaction"])
def test_histories_need_their_own_permission(staff, rows, model):
    client = staff(f"view_{model}", "retrain", "publish")
    assert client.get(url(model)).status_code == 403
    assert client.get(url(model, "change", LISTS[model].objects.first().pk)).status_code == 403
    assert url(model).encode() not in client.get(reverse("admin:index")).content


def test_products_need_the_permission_to_view_them(staff, rows):
    assert staff("view_history").get(url("product")).status_code == 403


@pytest.mark.parametrize("model", ["product", "recommenderversion"])
def test_the_permission_to_change_opens_nothing(staff, rows, model):
    client = staff(*[f"{verb}_{model}" for verb in ("add", "change", "delete")])
    assert client.get(url(model)).status_code == 403
    assert url(model).encode() not in client.get(reverse("admin:index")).content


def test_shoppers_are_numbers(staff, rows):
    user = get_user_model().objects.create(**{get_user_model().USERNAME_FIELD: "secretname"})
    mine = Shopper.objects.create(user=user)
    client = staff("view_history")
    pages = [client.get(url("shopper")), *[client.get(url("shopper", "change", pk)) for pk in (rows.pk, mine.pk)]]
    text = "".join(page.content.decode() for page in pages)
    assert "a user of the shop" in text
    assert "a customer of another system" in text
    assert "a visitor, by cookie" in text
    for secret in ("secretname", "invoice-77", "ffffffff"):
        assert secret not in text


def test_nobody_looks_at_histories_unnoticed(staff, rows, caplog):
    client, event = staff("view_history", "view_product"), Interaction.objects.filter(shopper=rows).first()
    with caplog.at_level(logging.INFO, "recommendations"):
        client.get(url("interaction"))
        client.get(url("interaction"), {"q": str(rows.pk)})
        client.get(url("interaction"), {"q": "4711"})
        client.get(url("interaction", "change", event.pk))
        client.get(url("shopper", "change", rows.pk))
        client.get(url("product"))
    entries = LogEntry.objects.order_by("pk").values_list("object_id", "object_repr", "change_message")
    whose, mine = (None, "interactions"), (str(rows.pk), f"shopper {rows.pk}")
    assert list(entries) == [
        (*whose, "Looked at: interactions."),
        (*mine, "Looked at: interactions."),
        (*whose, "Looked at: interactions."),
        (*mine, "Looked at: interactions."),
        (*mine, "Looked at: shoppers."),
    ]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["history_browsed"] * 5
    history = reverse("admin:recommendations_shopper_history", args=[rows.pk])
    assert "Looked at: interactions." in client.get(history).content.decode()


@pytest.mark.parametrize("lookup", ["shopper", "shopper__exact", "shopper_id", "id__exact", "kind"])
def test_histories_are_looked_up_by_nothing_but_a_number(staff, rows, lookup):
    assert staff("view_history").get(url("interaction"), {lookup: str(rows.pk)}).status_code == 400


@pytest.mark.parametrize("lookup", ["external_id", "external_id__startswith", "user", "key_hash__startswith"])
def test_nobody_finds_out_who_a_number_is(staff, rows, lookup):
    response = staff("view_history").get(url("shopper"), {lookup: "guest:invoice-77"[:7]})
    assert response.status_code == 400
    assert b"shopper 1" not in response.content


def test_the_admins_log_of_a_row_is_a_look_too(staff, rows):
    event = Interaction.objects.filter(shopper=rows).first()
    staff("view_history").get(url("interaction", "history", event.pk))
    assert [entry.object_id for entry in LogEntry.objects.all()] == [str(rows.pk)]


def test_who_may_not_look_leaves_no_line(staff, rows):
    staff("view_interaction").get(url("interaction"))
    assert not LogEntry.objects.exists()


def test_a_shopper_leads_to_what_was_done(staff, rows):
    client = staff("view_history")
    link = f"{url('interaction')}?q={rows.pk}"
    assert f'href="{link}"' in client.get(url("shopper")).content.decode()
    found = client.get(link).context["cl"].result_list
    assert {interaction.shopper_id for interaction in found} == {rows.pk}
    assert [interaction.event_key for interaction in found[:3]] == [129, 128, 127]


def test_interactions_show_the_product_or_the_search(staff, rows):
    text = staff("view_history").get(url("interaction")).content.decode()
    assert "“oolong”" in text
    assert "Green &lt;b&gt;tea&lt;/b&gt;" in text


def test_a_list_takes_a_constant_number_of_selects(staff, rows):
    client = staff("view_history")
    counted = []
    for kept in (130, 60):
        Interaction.objects.filter(shopper=rows, event_key__gte=kept).delete()
        with CaptureQueriesContext(connection) as queries:
            assert len(client.get(url("interaction"), {"q": str(rows.pk)}).context["cl"].result_list) == 50
        counted.append(sum("recommendations_interaction" in query["sql"] for query in queries))
    assert counted == [1, 1]


@pytest.mark.parametrize("term", ["anna", "-1", "1 OR 1=1", "9" * 30, "\u0663x"])
def test_only_numbers_find_a_shopper(staff, rows, term):
    client = staff("view_history")
    for model in ("shopper", "interaction"):
        assert len(client.get(url(model), {"q": term}).context["cl"].result_list) == 0


def test_products_are_found_by_title_and_id(staff, rows):
    Product.objects.create(product_id="coffee-1", title="Coffee")
    client = staff("view_product")
    assert [row.product_id for row in client.get(url("product"), {"q": "green"}).context["cl"].result_list] == ["tea"]
    assert [row.product_id for row in client.get(url("product"), {"q": "ee-1"}).context["cl"].result_list] == [
        "coffee-1"
    ]
    assert "Drinks › Tea" in client.get(url("product")).content.decode()


def test_a_product_is_told_in_fields_of_its_own(staff, rows):
    tea = Product.objects.get(product_id="tea")
    page = staff("view_product").get(reverse("admin:recommendations_product_change", args=[tea.pk]))
    assert page.context["adminform"].fieldsets == [
        (None, {"fields": ["title", "product_id", "path", "brand", "price", "available", "created_at", "updated_at"]})
    ]
    html = page.content.decode()
    assert "Drinks › Tea" in html and "field-updated_at" in html
    assert "Attributes" not in html and "[&quot;" not in html


def test_pages_are_walked_one_by_one(staff, rows):
    client = staff("view_history")
    seen = []
    for page in (1, 2, 3):
        response = client.get(url("interaction"), {"p": page})
        seen += [interaction.pk for interaction in response.context["cl"].result_list]
        assert (f"?p={page + 1}".encode() in response.content) == (page < 3)
    assert len(seen) == len(set(seen)) == 131
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("page", ["4", "0", "x", "-1", "10001", "9" * 20])
def test_pages_that_do_not_exist_lead_back(staff, rows, page):
    response = staff("view_history").get(url("interaction"), {"p": page}, follow=True)
    assert response.status_code == 200


def test_everything_on_one_page_is_not_offered(staff, rows):
    response = staff("view_history").get(url("interaction"), {"all": ""})
    assert len(response.context["cl"].result_list) == 50
    assert b"Show all" not in response.content


def test_the_paginator_knows_one_row_beyond_its_page():
    rows = list(range(25))
    assert [PeekingPaginator(rows, 10, number).count for number in (1, 2, 3, 4)] == [11, 21, 25, 0]
    assert list(PeekingPaginator(rows, 10, 2).page(2)) == list(range(10, 20))
    assert not PeekingPaginator(rows, 10, 3).page(3).has_next()
    assert PeekingPaginator(rows, 10, 2).page(2).has_next()
    with pytest.raises(EmptyPage):
        PeekingPaginator(rows, 10, 4).page(4)
    assert PeekingPaginator([], 10, 1).count == 0


def test_numbers_in_a_search():
    assert [number_in(term) for term in (" 7 ", "x", "", "1" * 19)] == [7, None, None, None]


def test_every_table_that_staff_see_is_registered():
    registered = {
        model._meta.model_name for model in admin.site._registry if model._meta.app_label == "recommendations"
    }
    assert registered == {"shopper", "interaction", "product", "recommenderversion"}
