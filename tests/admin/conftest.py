from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.models import Interaction, Product, Shopper
from tests.admin.why_page import EVENTS
from tests.published import publish_made_artifact
from tests.shop.models import Book


@pytest.fixture
def staff(db, client):
    """staff("retrain", ...) -> a client logged in as a member of the staff with these permissions of the app."""

    def log_in(*codenames):
        user = get_user_model()(is_staff=True, **{get_user_model().USERNAME_FIELD: "anna"})
        user.set_unusable_password()
        user.save()
        found = Permission.objects.filter(content_type__app_label="recommendations", codename__in=codenames)
        assert {permission.codename for permission in found} == set(codenames)
        user.user_permissions.set(found)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def shopper(db):
    """A user of the shop's, with a published version and a history of six products."""
    Book.objects.bulk_create(Book(name=f"Book {k}") for k in range(1, 41))
    sync_catalog()
    publish_made_artifact()
    user = get_user_model().objects.create(email="bea@example.org", **{get_user_model().USERNAME_FIELD: "beatrice"})
    shopper = Shopper.objects.create(user=user)
    products = list(Product.objects.order_by("pk"))
    for age, (place, kind) in enumerate(EVENTS):
        Interaction.objects.create(
            shopper=shopper,
            product=products[place],
            kind=kind,
            source=Interaction.Source.SERVER,
            occurred_at=timezone.now() - timedelta(hours=len(EVENTS) - age),
            event_key=age,
        )
    return shopper
