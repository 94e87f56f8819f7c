"""The shop deletes its users as before; what is kept of them goes with them."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import get_deleted_objects
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import OperationalError, transaction

from recommendations.capture import record
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper

User = get_user_model()


@pytest.fixture
def anna(db):
    """A user of whom everything is kept that can be."""
    product, user = Product.objects.create(product_id="tea"), User.objects.create_user("anna")
    assert record(user, Kind.VIEW, "tea")
    shopper = Shopper.objects.of_user(user)
    Shopper.objects.create(key_hash="x", merged_into=shopper)
    HiddenProduct.objects.create(shopper=shopper, product=product, until="2999-01-01T00:00Z")
    RemovedProduct.objects.create(shopper=shopper, product=product, removed_at="2026-01-01T00:00Z")
    return user


def kept():
    return [table.objects.count() for table in (Shopper, Interaction, HiddenProduct, RemovedProduct)]


@pytest.mark.parametrize("delete", [lambda user: user.delete(), lambda user: User.objects.all().delete()])
def test_what_is_kept_of_a_user_is_deleted_with_the_user(anna, delete):
    Shopper.objects.create(external_id="bert")
    assert kept() == [3, 1, 1, 1]
    delete(anna)
    assert kept() == [1, 0, 0, 0]
    assert Shopper.objects.get().external_id == "bert"


@pytest.mark.django_db(transaction=True)
def test_users_are_deleted_while_the_tables_are_not_there(anna, settings, caplog):
    settings.RECOMMENDATIONS = {"STRICT": False}
    call_command("migrate", "recommendations", "zero", verbosity=0)
    try:
        with transaction.atomic():
            anna.delete()
            User.objects.create_user("bert")  # the transaction goes on
    finally:
        call_command("migrate", "recommendations", verbosity=0)
    assert [user.get_username() for user in User.objects.all()] == ["bert"]
    assert [entry.event for entry in caplog.records if entry.name == "recommendations"] == ["tables_missing"]


def test_a_user_whose_rows_can_not_be_deleted_stays(anna, settings, monkeypatch, caplog):
    def fail(self):
        raise OperationalError("server closed the connection")

    settings.RECOMMENDATIONS = {"STRICT": False}
    monkeypatch.setattr(type(Shopper.objects.all()), "delete", fail)
    with pytest.raises(OperationalError, match="server closed the connection"), transaction.atomic():
        anna.delete()
    assert User.objects.count() == 1 and caplog.records == []


def test_the_admin_deletes_users_without_leave_of_ours_and_shows_nothing_of_their_history(anna, rf):
    """What Django's page and its action "Delete selected" ask before they delete."""
    request = rf.get("/")
    request.user = User.objects.create_superuser("boss")
    shown, counts, leave_missing, protected = get_deleted_objects([anna], request, admin.site)
    assert (leave_missing, protected) == (set(), [])
    assert "shopper" not in str(shown) and "tea" not in str(shown)
    assert not {"shoppers", "interactions"} & counts.keys()
