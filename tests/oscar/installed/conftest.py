from decimal import Decimal

import pytest
from oscar.apps.catalogue.models import Product
from oscar.test.factories import create_product, create_stockrecord

from recommendations.catalog import sync_catalog
from recommendations.models import Interaction
from tests.oscar.made_shop import make_catalog

# Warnings are errors, but what these packages do among themselves is not ours to mend.
THEIR_WARNINGS = ("ignore:Using Category:DeprecationWarning", "ignore:.*is not implemented in this backend:UserWarning")


def pytest_configure(config):
    for warning in THEIR_WARNINGS:
        config.addinivalue_line("filterwarnings", warning)


@pytest.fixture
def pot(db) -> Product:
    """One product of a department, with 5 in stock."""
    product = create_product(title="Moka pot", price=Decimal("19.95"), num_in_stock=5)
    sync_catalog()
    return product


@pytest.fixture
def shirt(db) -> Product:
    """A parent whose two children are in stock."""
    parent = create_product(title="Rain jacket", structure="parent", product_class="Goods")
    for size in ("S", "L"):
        child = create_product(title=f"Rain jacket {size}", structure="child", parent=parent)
        create_stockrecord(child, price=Decimal("80.00"), num_in_stock=2)
    sync_catalog()
    return parent


@pytest.fixture
def made_catalog(db) -> list[Product]:
    products = make_catalog()
    sync_catalog()
    return products


@pytest.fixture
def recorded():
    """recorded() gives (kind, product_id or query) of what was recorded, in order."""

    def rows() -> list[tuple[str, str]]:
        found = Interaction.objects.order_by("pk").select_related("product")
        return [(row.get_kind_display(), row.product.product_id if row.product else row.query) for row in found]

    return rows
