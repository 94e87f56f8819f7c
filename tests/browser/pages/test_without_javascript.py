"""Every right of a shopper with JavaScript switched off: links and forms alone."""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from recommendations.models import Interaction
from tests.browser.pages.conftest import DESKTOP, PHONE
from tests.browser.pages.test_recommendations import view

TITLES = ".recommendations-home .recommendations-title"


@pytest.fixture
def known(shop, visit):
    """known(viewport) is a visitor who viewed three products, and has switched JavaScript off since."""

    @contextmanager
    def open_browser(viewport=DESKTOP):
        with visit() as scripted:
            for product in (shop[10], shop[40], shop[70]):
                view(scripted, product)
            cookies = scripted.context.cookies()
        with visit(viewport, javascript=False) as page:
            page.context.add_cookies(cookies)
            yield page

    return open_browser


def shown(page) -> list[str]:
    page.goto("/")
    return page.locator(TITLES).all_inner_texts()


def panel_of(page, reason: str):
    """Open "Why this?" of the first card with this reason; returns the card's title."""
    page.goto("/")
    cards = page.locator(".recommendations-home .recommendations-card", has_text=reason)
    card = cards.filter(has_not_text="either would be enough").first
    title = card.locator(".recommendations-title").inner_text()
    card.get_by_text("Why this?").click()
    page.wait_for_load_state()
    return title


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_removal_does_what_the_panel_says_and_is_undone(known, viewport):
    with known(viewport) as page:
        before = shown(page)
        title = panel_of(page, "Because")
        predicted = page.locator(".recommendations-predicted li").all_inner_texts()
        assert title not in predicted
        page.get_by_role("button", name=re.compile("Remove .* from my history")).first.click()
        page.locator(".recommendations-done").get_by_role("button").click()
        assert shown(page) == before
        panel_of(page, "Because")
        page.get_by_role("button", name=re.compile("Remove .* from my history")).first.click()
        assert shown(page) == predicted


@pytest.mark.parametrize("decision", ["Not interested", "Less like this"])
def test_what_is_not_wanted_is_gone_until_it_is_shown_again(known, decision):
    with known() as page:
        before = shown(page)
        title = panel_of(page, "Because")
        page.get_by_role("button", name=decision).click()
        assert title not in shown(page)
        page.goto("/recommendations/yours/")
        page.get_by_role("button", name=re.compile("^Show again")).first.click()
        assert shown(page) == before


def test_switching_off_gives_what_a_stranger_sees(known, visit):
    with visit(javascript=False) as stranger, known() as page:
        unknown = shown(stranger)
        assert shown(page) != unknown
        page.goto("/recommendations/yours/")
        page.get_by_role("button", name="Switch personalisation off").click()
        expect(page.locator("main")).to_contain_text("Personalisation is off")
        assert shown(page) == unknown
        expect(page.locator(".recommendations-because")).to_have_count(0)


def test_deleting_everything(known):
    with known() as page:
        page.goto("/recommendations/yours/")
        page.click("summary:has-text('Delete everything')")
        page.get_by_role("button", name="Delete everything now").click()
        expect(page.locator("main")).to_contain_text("Everything that was remembered of you is deleted.")
    assert not Interaction.objects.exists()
