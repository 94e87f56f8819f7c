import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from oscar.apps.catalogue.models import Product
from oscar.test.factories import create_product, create_stockrecord
from playwright.sync_api import Browser, Page, sync_playwright

from recommendations.catalog import sync_catalog
from recommendations.models import Interaction
from tests.browser.chromium import find_chromium
from tests.oscar.made_shop import make_catalog

# Playwright keeps a loop in this thread; the ORM calls of the tests are still synchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Without a head Chromium says so, and what says so is a known bot, whose views are not recorded.
A_PERSONS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

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


@pytest.fixture
def visitor(client):
    """Django's test client as a person's browser."""
    client.defaults["HTTP_USER_AGENT"] = A_PERSONS
    return client


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, live_server) -> Callable:
    """visit(width) opens a browser of one visitor; errors of scripts and pages that fail fail the test."""

    @contextmanager
    def open_browser(width: int = 1280) -> Iterator[Page]:
        size = {"width": width, "height": 900}
        context = chromium.new_context(viewport=size, base_url=live_server.url, user_agent=A_PERSONS)
        # Oscar asks Google for jQuery and has its own beside it.
        context.route("**/ajax.googleapis.com/**", lambda route: route.abort())
        page = context.new_page()
        page.set_default_timeout(30_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        yield page
        context.close()
        assert complaints == []

    return open_browser
