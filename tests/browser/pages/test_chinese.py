"""A shopper whose language is Chinese: label, panel, removal, row gone, on a phone too."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import DESKTOP, PHONE
from .test_recommendations import view


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_chinese_visitor_is_told_why_and_removes_it(shop, visit, settings, viewport):
    settings.LANGUAGE_CODE = "zh-hans"
    with visit(viewport) as page:
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        page.goto("/")
        heading = page.locator(".recommendations-because h2").first.inner_text()
        named = re.fullmatch("因为您浏览过「(.*)」", heading)[1]
        cards = page.locator(".recommendations-home .recommendations-card", has_text=heading)
        cards.filter(has_not_text="其中任一项").get_by_text("为什么推荐？").first.click()
        expect(page.locator("main")).to_contain_text(f"{heading}。")
        fits(page)
        page.get_by_role("button", name=f"从我的历史记录中移除「{named}」").click()
        expect(page.locator(".recommendations-done")).to_contain_text(f"已移除「{named}」。")
        fits(page)
        page.goto("/")
        assert heading not in page.locator("main").inner_text()


def fits(page):
    """Nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
