from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from recommendations.models import HiddenProduct, Product, RecommenderVersion, RemovedProduct, Shopper

NOW = timezone.now()


def test_no_setting_changes_the_migrations(db, settings):
    settings.DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    settings.RECOMMENDATIONS = {"STRICT": True, "RETENTION_DAYS": 1, "STORAGE": "other"}
    call_command("makemigrations", "recommendations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_on_the_way_back_the_last_removal_of_each_is_kept():
    shopper, tea = Shopper.objects.create(), Product.objects.create(product_id="tea")
    for days in (3, 2, 1):
        for about in ({"product": tea}, {"query": "red tea"}, {"query_hash": "0" * 64}):
            RemovedProduct.objects.create(shopper=shopper, removed_at=NOW - timedelta(days=days), **about)
    before = "0003_fewer_like_it"
    call_command("migrate", "recommendations", before, verbosity=0)
    try:
        state = MigrationLoader(connection).project_state(("recommendations", before))
        kept = state.apps.get_model("recommendations", "RemovedProduct").objects.order_by("pk")
        assert list(kept.values_list("product", "query", "removed_at")) == [
            (tea.pk, "", NOW - timedelta(days=1)),
            (None, "red tea", NOW - timedelta(days=1)),
        ]
    finally:
        call_command("migrate", "recommendations", verbosity=0)
    assert RemovedProduct.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_was_shown_again_stays_forgotten_on_the_way_back():
    shopper, tea = Shopper.objects.create(), Product.objects.create(product_id="tea")
    RemovedProduct.objects.create(shopper=shopper, product=tea, shown_again=True, removed_at=NOW)
    call_command("migrate", "recommendations", "0003_fewer_like_it", verbosity=0)
    call_command("migrate", "recommendations", verbosity=0)
    assert RemovedProduct.objects.get().removed_at == NOW


def test_processes_of_the_version_before_can_write(db):
    """While the new one is rolled out: they do not know the new columns."""
    before = MigrationLoader(connection).project_state(("recommendations", "0003_fewer_like_it")).apps
    shopper, tea = Shopper.objects.create(), Product.objects.create(product_id="tea")
    before.get_model("recommendations", "RemovedProduct").objects.create(shopper_id=shopper.pk, product_id=tea.pk)
    before.get_model("recommendations", "RecommenderVersion").objects.create()
    removal = RemovedProduct.objects.get()
    assert (removal.query_hash, removal.shown_again) == ("", False)
    assert RecommenderVersion.objects.get().message_id == ""
    before_fewer = MigrationLoader(connection).project_state(("recommendations", "0002_product_pair")).apps
    before_fewer.get_model("recommendations", "HiddenProduct").objects.create(
        shopper_id=shopper.pk, product_id=tea.pk, until=NOW + timedelta(days=1)
    )
    assert HiddenProduct.objects.get().fewer_like_it is False
