from decimal import Decimal

import pytest

from recommendations.catalog import sync_catalog
from shopdemo.models import Household, Product


def make_product(name: str, shelf: str = "fruit", price: str = "1.50", **fields: object) -> Product:
    title, _, size = name.partition(", ")
    defaults = {"title": title, "size": size, "emoji": "🍌", "households": 100}
    return Product.objects.create(name=name, shelf=shelf, price=Decimal(price), **{**defaults, **fields})


@pytest.fixture
def bananas(db) -> Product:
    return make_product("Bananas", price="0.94")


@pytest.fixture
def milk(db) -> Product:
    return make_product("Milk, 1 gal", shelf="milk", price="2.69", emoji="🥛", store_brand=True)


@pytest.fixture
def shop(bananas, milk) -> list[Product]:
    """Two products that the recommendations know."""
    sync_catalog()
    return [bananas, milk]


@pytest.fixture
def household(db) -> Household:
    return Household.objects.create(number=718, purchases=412, favourites="baby|fresh fruit")
