"""The shop's REST_FRAMEWORK changes nothing: the suite runs under tests.settings_other too, which sets all of it."""

import pytest
from django.conf import settings
from django.urls import URLPattern
from rest_framework.settings import api_settings
from rest_framework.views import APIView

import recommendations.urls
from recommendations.api import urls
from recommendations.api.edge import Endpoint

POLICIES = [name for name in vars(APIView) if name.endswith(("_class", "_classes"))]


def test_every_policy_is_named_by_our_endpoints():
    assert POLICIES
    assert [name for name in POLICIES if name not in vars(Endpoint)] == []


@pytest.mark.parametrize("pattern", urls.urlpatterns, ids=lambda pattern: pattern.name)
def test_every_address_uses_them(pattern):
    assert issubclass(pattern.callback.view_class, Endpoint)
    assert pattern.callback.view_class.get_exception_handler is Endpoint.get_exception_handler


def test_the_default_handler_is_not_ours(db):
    assert api_settings.EXCEPTION_HANDLER is not Endpoint().get_exception_handler()


ADDRESSES = [
    pattern for pattern in [*recommendations.urls.urlpatterns, *urls.urlpatterns] if isinstance(pattern, URLPattern)
]


@pytest.mark.parametrize("pattern", ADDRESSES, ids=lambda pattern: pattern.name)
def test_every_address_is_outside_of_atomic_requests(pattern):
    """Where a transaction can't begin, a view in one is not asked: Django answers 500."""
    assert pattern.callback._non_atomic_requests == set(settings.DATABASES)
