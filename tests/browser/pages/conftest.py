import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from recommendations.catalog import sync_catalog
from recommendations.models import Product as MirroredProduct
from recommendations.models import ProductPopularity
from recommendations.publishing import forget
from shopdemo.labels import shelves
from shopdemo.models import Household, Product
from tests.browser.chromium import find_chromium
from tests.published import publish_made_artifact

# Playwright keeps a loop in this thread; the ORM calls of the tests are still synchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 780}
# Without a head Chromium says so, and what says so is a known bot, whose views are not recorded.
A_PERSONS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop(transactional_db, settings) -> list[Product]:
    """Three products on every shelf, known to a published recommender of random weights."""
    forget()
    rows = [
        Product(
            name=f"{shelf.category} {place}, {place} oz",
            title=f"{shelf.category} {place}",
            size=f"{place} oz",
            shelf=shelf.slug,
            emoji=shelf.emoji,
            price=Decimal(place),
            households=100 - place,
        )
        for shelf in shelves().values()
        for place in (1, 2, 3)
    ]
    Product.objects.bulk_create(rows)
    sync_catalog()
    # Known as popular to nobody in particular: what a new visitor sees.
    ProductPopularity.objects.all().delete()
    publish_made_artifact(seed=3)
    assert MirroredProduct.objects.count() == len(rows)
    yield list(Product.objects.order_by("pk"))
    forget()


@pytest.fixture
def household(shop) -> Household:
    return Household.objects.create(number=718, purchases=412, favourites="baby|fresh fruit")


@pytest.fixture
def visit(chromium, live_server) -> Callable:
    """visit(viewport, javascript) opens a browser of one visitor; errors in its console fail the test."""

    @contextmanager
    def open_browser(viewport: dict[str, int] = DESKTOP, javascript: bool = True) -> Iterator[Page]:
        context: BrowserContext = chromium.new_context(
            viewport=viewport, java_script_enabled=javascript, base_url=live_server.url, user_agent=A_PERSONS
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        complaints: list[str] = []
        page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"{request.failure}: {request.url}"))
        yield page
        context.close()
        # What was on its way when the page was left is no complaint.
        assert [told for told in complaints if "ERR_ABORTED" not in told] == []

    return open_browser
