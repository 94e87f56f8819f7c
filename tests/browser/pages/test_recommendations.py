import re

from playwright.sync_api import expect

from recommendations.models import Interaction


def view(page, product):
    """Open the product's page and wait until its view is recorded."""
    with page.expect_response(lambda answer: "/v1/interactions" in answer.url) as recorded:
        page.goto(product.get_absolute_url())
    assert recorded.value.status == 201, recorded.value.text()


def because(page) -> list[str]:
    page.goto("/")
    return page.locator(".recommendations-because h2").all_inner_texts()


def test_visitor_views_three_products_and_is_told_why_and_removes_it(shop, visit):
    with visit() as page:
        assert because(page) == []
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        rows = because(page)
        assert rows and all(row.startswith("Because you viewed ") for row in rows)
        named = rows[0].removeprefix("Because you viewed ")

        page.click("text=For you")
        expect(page).to_have_title("Your recommendations")
        page.get_by_role("link", name="Switch off, download or delete").click()
        expect(page.get_by_role("heading", name="You decide")).to_be_visible()
        expect(page.locator(".recommendations-units li")).to_have_count(3)
        page.locator(".recommendations-units li", has_text=named).get_by_role("button").click()
        expect(page.locator(".recommendations-done")).to_contain_text("is removed")

        assert f"Because you viewed {named}" not in because(page)
        assert named not in " ".join(page.locator(".recommendations-reason").all_inner_texts())


def test_visitor_undoes_a_removal_and_sees_the_same_page_as_before(shop, visit):
    with visit() as page:
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        page.goto("/")
        before = page.locator(".recommendations-title").all_inner_texts()
        page.goto("/recommendations/yours/")
        page.locator(".recommendations-units li").first.get_by_role("button").click()
        page.locator(".recommendations-done").get_by_role("button").click()
        page.goto("/")
        assert page.locator(".recommendations-title").all_inner_texts() == before


def test_visitor_asks_why_and_reads_what_removal_would_do(shop, visit):
    with visit() as page:
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        page.goto("/")
        cards = page.locator(".recommendations-home .recommendations-card", has_text="Because you viewed")
        card = cards.filter(has_not_text="either would be enough").first
        title = card.locator(".recommendations-title").inner_text()
        card.get_by_text("Why this?").click()
        page.wait_for_load_state()
        shown = page.locator("main").inner_text()
        assert title in shown and "We made the list again without it to check" in shown
        predicted = page.locator(".recommendations-predicted li").all_inner_texts()
        assert title not in predicted
        page.get_by_role("button", name=re.compile("Remove .* from my history")).first.click()
        page.goto("/")
        now = page.locator(".recommendations-home .recommendations-title").all_inner_texts()
        assert now == predicted  # what was predicted is what is shown


def test_two_visitors_see_their_own_reasons(shop, visit):
    with visit() as one, visit() as other:
        for product in (shop[10], shop[40], shop[70]):
            view(one, product)
        assert because(one)
        assert because(other) == []


def test_search_is_recorded_as_what_was_searched(shop, visit):
    with visit() as page:
        with page.expect_response(lambda answer: "/v1/interactions" in answer.url):
            page.goto("/")
            page.fill("#search", "cheese")
            page.press("#search", "Enter")
        assert Interaction.objects.get().query == "cheese"
