import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from recommendations.conf import FOR_EVER
from recommendations.models import Interaction, Product, Shopper


@pytest.fixture(autouse=True)
def nothing_is_too_old(settings):
    """What is imported here has dates of the past, which must not become too old to be stored."""
    settings.RECOMMENDATIONS = {**settings.RECOMMENDATIONS, "RETENTION_DAYS": FOR_EVER}


@pytest.fixture
def products(db):
    return Product.objects.bulk_create(Product(product_id=key) for key in ("tea", "cup", "pot"))


@pytest.fixture
def anna(db):
    return Shopper.objects.create(external_id="anna")


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("bert")


@pytest.fixture
def request_of():
    """request_of(user, **cookies): a page's request."""

    def make(user=None, agent="Mozilla/5.0 Firefox/140.0", **cookies):
        request = RequestFactory().get("/", headers={"user-agent": agent})
        request.user = user or AnonymousUser()
        request.COOKIES.update(cookies)
        return request

    return make


def stored():
    return list(Interaction.objects.order_by("pk").values_list("shopper", "product__product_id", "kind", "quantity"))
