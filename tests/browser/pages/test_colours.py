"""Our style sheets alone, in shops of either brightness: everything that is read has a contrast of 4.5 to 1."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

import recommendations

from .test_recommendations import view

STYLES = Path(recommendations.__file__).parent / "static" / "recommendations"
DARK = "body { background: #14171b; color: #e8e8e8 } a { color: #8ec5ff } button, select { color: inherit }"
LIGHT = "body { background: #fff; color: #222 } button, select { color: inherit }"


@pytest.mark.parametrize("shops_own", [DARK, LIGHT], ids=["dark", "light"])
def test_what_is_read_stands_out(shop, visit, shops_own):
    with visit() as page:
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        for address, expected in (
            ("/", ".recommendations-reason"),
            ("/recommendations/yours/", ".recommendations-interests small"),
            ("/recommendations/how/", ".recommendations-how"),
        ):
            page.goto(address)
            assert too_faint(page, shops_own, expected) == []
        page.goto("/")
        page.locator(".recommendations-because .recommendations-why").first.click()
        page.locator(".recommendations-compared select").select_option(index=1)
        page.get_by_role("button", name="Compare").click()
        assert too_faint(page, shops_own, ".recommendations-compared select") == []
        page.go_back()
        page.get_by_role("button", name="Not interested").click()
        assert too_faint(page, shops_own, ".recommendations-done") == []


def too_faint(page, shops_own, expected):
    """What axe finds too faint of the page's main part, in a document without the demo's style sheet."""
    page.wait_for_load_state()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    shown = page.locator("main").inner_html()
    assert page.locator(expected).count()
    sheets = "".join((STYLES / name).read_text() for name in ("cards.css", "pages.css"))
    copy = page.context.new_page()
    copy.set_content(f"<!doctype html><style>{shops_own}{sheets}</style><main>{shown}</main>")
    found = Axe().run(copy, options={"runOnly": ["color-contrast"]}).response
    copy.close()
    assert found["passes"]
    return [(node["html"][:150], node["failureSummary"]) for rule in found["violations"] for node in rule["nodes"]]
