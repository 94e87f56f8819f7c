"""Erasing, exporting, switching off and on: what is kept afterwards, table by table."""

import json
from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils import timezone

from recommendations import controls
from recommendations.capture import Batch, import_rows, record
from recommendations.controls import erase, export
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def tea(db):
    return Product.objects.create(product_id="tea", title="Red tea")


@pytest.fixture
def anna(tea):
    """Viewed and removed a tea, saw it again, searched, hid a cup."""
    shopper = Shopper.objects.create(external_id="anna")
    cup = Product.objects.create(product_id="cup", title="Cup")
    record(shopper, Kind.VIEW, "cup", occurred_at=NOW - timedelta(hours=9))
    record(shopper, Kind.VIEW, "tea", occurred_at=NOW - timedelta(hours=8))
    RemovedProduct.objects.create(shopper=shopper, product=cup, removed_at=NOW - timedelta(hours=7))
    record(shopper, Kind.PURCHASE, "tea", quantity=2, occurred_at=NOW - timedelta(hours=6))
    record(shopper, Kind.SEARCH, query="green tea", occurred_at=NOW - timedelta(hours=5))
    controls.hide(shopper, "cup", now=NOW)
    return shopper


def kept_of(*shoppers):
    tables = (Interaction, RemovedProduct, HiddenProduct)
    return [table.objects.filter(shopper__in=shoppers).count() for table in tables]


def test_after_erasing_one_row_says_so_and_nothing_else_is_left(anna):
    other = Shopper.objects.create(external_id="bert")
    record(other, Kind.VIEW, "tea")
    assert erase(anna, NOW) == 4
    assert kept_of(anna) == [0, 0, 0]
    assert kept_of(other) == [1, 0, 0]
    anna.refresh_from_db()
    assert (anna.erased_at, anna.personalised, anna.external_id, anna.last_seen) == (NOW, False, "anna", None)


def test_what_was_merged_into_a_user_is_erased_with_the_user(anna):
    visitor = Shopper.objects.create(key_hash="0" * 64, merged_into=anna, merged_at=NOW)
    Interaction.objects.create(shopper=visitor, product_id=Product.objects.first().pk, kind=1, source=1, event_key=1)
    erase(anna, NOW)
    assert kept_of(visitor, anna) == [0, 0, 0]
    visitor.refresh_from_db()
    assert not visitor.personalised


def test_an_import_does_not_bring_back_what_was_erased(anna):
    erase(anna, NOW)
    anna.personalised = True
    anna.save()
    old, new = int((NOW - timedelta(days=1)).timestamp()), int((NOW + timedelta(days=1)).timestamp())
    result = import_rows([Batch(["anna", "anna"], ["tea", "tea"], [old, new])])
    assert (result.added, result.forgotten) == (1, 1)


def test_nothing_is_recorded_of_the_erased_until_switched_on(anna):
    erase(anna, NOW)
    assert not record(anna, Kind.VIEW, "tea")
    assert kept_of(anna) == [0, 0, 0]


def test_an_export_holds_everything_that_is_kept(anna):
    told = json.loads(json.dumps(export(anna, None, NOW)))
    columns = ("kind", "product", "query", "quantity", "removed")
    assert [tuple(row[name] for name in columns) for row in told["interactions"]] == [
        ("search", "", "green tea", 1, False),
        ("purchase", "tea", "", 2, False),
        ("view", "tea", "", 1, False),
        ("view", "cup", "", 1, True),
    ]
    assert told["interactions"][1]["title"] == "Red tea"
    assert [row["product"] for row in told["removed"]] == ["cup"]
    assert [row["product"] for row in told["hidden"]] == ["cup"]
    assert told["shopper"]["external_id"] == "anna"


def test_an_export_of_a_user_is_what_an_import_can_read_back(anna, tmp_path):
    told = export(anna, None, NOW)
    rows = [row for row in told["interactions"] if not row["removed"]]
    times = [int(datetime.fromisoformat(row["occurred_at"]).timestamp()) for row in rows]
    kinds = [Kind[row["kind"].upper()] for row in rows]
    columns = {name: [row[name] for row in rows] for name in ("product", "query", "quantity")}
    import_rows([Batch(["copy"] * len(rows), time=times, kind=kinds, **columns)])
    copied = export(Shopper.objects.get(external_id="copy"), None, NOW)["interactions"]
    assert [{**row, "source": ""} for row in copied] == [{**row, "source": ""} for row in rows]


def test_an_export_has_every_row_of_every_table_that_knows_the_shopper(anna):
    """A table added later must be told of here, in the export and when erasing."""
    visitor = Shopper.objects.create(key_hash="0" * 64, merged_into=anna, merged_at=NOW)
    tea = Product.objects.get(product_id="tea")
    Interaction.objects.create(shopper=visitor, product=tea, kind=1, source=1, event_key=1, list_id=2**62)
    RemovedProduct.objects.create(shopper=anna, query="green tea", removed_at=NOW - timedelta(days=400))
    HiddenProduct.objects.create(shopper=anna, product=tea, until=NOW - timedelta(days=1))
    parts = {"interactions": Interaction, "removed": RemovedProduct, "hidden": HiddenProduct}
    pointing = {
        field.model for model in apps.get_models() for field in model._meta.fields if field.related_model is Shopper
    }
    assert pointing == {Shopper, *parts.values()}
    told = export(anna, None, NOW)
    for part, table in parts.items():
        assert len(told[part]) == table.objects.filter(shopper__in=[anna, visitor]).count()
    assert str(2**62) in [row["list"] for row in told["interactions"]]
    erase(anna, NOW)
    assert [export(anna, None, NOW)[part] for part in parts] == [[], [], []]


def test_a_user_deleted_by_the_shop_takes_everything_along(tea):
    user = get_user_model().objects.create_user("anna")
    record(user, Kind.VIEW, "tea")
    user.delete()
    assert not Shopper.objects.exists()
    assert not Interaction.objects.exists()


@pytest.mark.parametrize(
    "send",
    [
        lambda client: client.post("/recommendations/yours/hide/", {"product": "nothing"}),
        lambda client: client.post("/recommendations/v1/hidden/", {"product": "nothing"}, "application/json"),
    ],
)
def test_hiding_what_does_not_exist_leaves_no_shopper_that_nobody_can_reach(db, client, send):
    response = send(client)
    assert response.status_code == 400 and not response.cookies.get("recommendations_shopper")
    assert not Shopper.objects.exists()
