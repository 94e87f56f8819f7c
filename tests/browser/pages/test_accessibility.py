"""No barrier that axe calls serious or critical, on the pages where shoppers are told why and decide."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import DESKTOP, PHONE
from .test_recommendations import view

BARRED = ("serious", "critical")


def barriers(page, address=""):
    """What axe finds there: (rule, how bad, the element)."""
    if address:
        page.goto(address)
    page.wait_for_load_state()
    told = Axe().run(page).response
    assert len(told["passes"]) > 10
    return [
        (found["id"], found["impact"], node["html"][:200], node.get("failureSummary", "")[:200])
        for found in told["violations"]
        if found["impact"] in BARRED
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_serious_barrier(shop, visit, viewport):
    with visit(viewport) as page:
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        assert barriers(page, "/") == []
        page.locator(".recommendations-home .recommendations-card", has_text="Because you viewed").first.get_by_text(
            "Why this?"
        ).click()
        assert barriers(page) == []
        page.get_by_role("button", name="Less like this").click()
        assert barriers(page) == []  # "Your recommendations", with something hidden
        page.locator(".recommendations-units li").first.get_by_role("button").click()
        assert barriers(page) == []  # with something removed
        page.get_by_role("button", name="Switch personalisation off").click()
        assert barriers(page) == []
        assert barriers(page, "/recommendations/how/") == []
