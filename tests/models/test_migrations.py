from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from recommendations.models import Product, RemovedProduct, Shopper

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
