import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from recommendations.catalog import sync_catalog
from tests.shop.models import Book

URL = "/recommendations/v1/"
# What a browser says of a request that a page of this very site sends.
OWN_PAGE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def books(db):
    """Six books, mirrored."""
    made = Book.objects.bulk_create(Book(name=f"Book {k}", price=k) for k in range(1, 7))
    sync_catalog()
    return made


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("anna", password="red tea")


@pytest.fixture
def allow(user):
    """allow(name): gives the user a permission of ours."""

    def give(name):
        user.user_permissions.add(Permission.objects.get(codename=name, content_type__app_label="recommendations"))

    return give


@pytest.fixture
def browser():
    """A browser without cookies; CSRF is checked as in production."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def send():
    """send(browser, event or list): what the page's script sends."""

    def post(browser, sent, content_type="text/plain", headers=OWN_PAGE, **extra):
        body = sent if isinstance(sent, str | bytes) else json.dumps(sent)
        return browser.post(f"{URL}interactions/", body, content_type=content_type, headers=headers, **extra)

    return post


@pytest.fixture
def errors():
    """errors(response): [(index, field, message)] of a 400."""

    def read(response):
        assert response.status_code == 400, response.content
        return [(error.get("index"), error["field"], error["message"]) for error in response.json()["errors"]]

    return read


@pytest.fixture
def ago():
    """ago(hours=1): a time as sent."""
    return lambda **past: (timezone.now() - timedelta(**past)).isoformat()
