import pytest
from playwright.sync_api import expect

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction
from shopdemo.models import Order

from .conftest import PHONE

ADDRESS = {"#id_name": "Ada", "#id_street": "1 Main Street", "#id_city": "Fernhill"}
PAGES = ["/", "/departments/dairy-eggs/", "/categories/cheese/", "/search/?q=cheese", "/search/?q=nothingofthat",
         "/search/", "/cart/", "/login/", "/register/", "/recommendations/yours/"]  # fmt: skip


def buy(page, product, name="Ada"):
    page.goto(product.get_absolute_url())
    page.fill("#quantity", "2")
    page.click(".buy button")
    page.wait_for_url("**/cart/")
    page.click("text=Go to checkout")
    for field, text in {**ADDRESS, "#id_name": name}.items():
        page.fill(field, text)
    page.click("main button[type=submit]")
    page.wait_for_url("**/checkout/thanks/")


def test_visitor_buys(shop, visit):
    with visit() as page:
        buy(page, shop[5])
        expect(page.locator("main")).to_contain_text("Thank you, Ada")
        expect(page.locator(".count")).to_have_count(0)
        page.goto("/recommendations/yours/")
        expect(page.locator(".recommendations-units")).to_contain_text("bought")
    assert Order.objects.get().lines.get().quantity == 2
    kinds = set(Interaction.objects.values_list("kind", flat=True))
    assert {Kind.VIEW, Kind.ADD_TO_CART, Kind.PURCHASE} == kinds


def test_visitor_buys_without_javascript(shop, visit):
    with visit(javascript=False) as page:
        buy(page, shop[5])
        expect(page.locator("main")).to_contain_text("Thank you, Ada")


def test_card_adds_to_the_cart_and_stays_on_its_page(shop, visit):
    with visit() as page:
        page.goto("/categories/cheese/")
        page.locator(".add").first.click()
        page.wait_for_selector(".message")
        assert page.url.endswith("/categories/cheese/")
        assert page.locator(".count").inner_text().startswith("1")


def test_cart_line_is_changed_and_removed(shop, visit):
    with visit() as page:
        page.goto(shop[5].get_absolute_url())
        page.click(".buy button")
        page.fill(".cart-count input[type=number]", "3")
        page.click(".cart-count button")
        expect(page.locator(".cart-amount")).to_have_text(f"${shop[5].price * 3:.2f}")
        page.click(".cart-out button")
        expect(page.locator("main")).to_contain_text("Your cart is empty")


@pytest.mark.parametrize("viewport", [PHONE, {"width": 320, "height": 640}], ids=["375", "320"])
def test_phone_no_page_is_wider_than_the_screen(shop, visit, viewport):
    with visit(viewport) as page:
        page.goto(shop[5].get_absolute_url())
        page.click(".buy button")
        for address in [*PAGES, shop[5].get_absolute_url(), "/checkout/"]:
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], address


def test_phone_a_long_name_widens_no_page(shop, visit):
    with visit(PHONE) as page:
        buy(page, shop[5], name="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_every_hint_of_a_form_looks_alike(shop, visit):
    look = "(all) => all.map((one) => { const has = getComputedStyle(one); return has.color + has.fontSize; })"
    with visit() as page:
        page.goto("/register/")
        assert page.locator(".form-hint li").count() > 1
        assert len(set(page.locator(".form-hint, .form-hint li").evaluate_all(look))) == 1


def test_every_page_is_clean_under_the_policy(shop, visit):
    with visit() as page:
        for address in PAGES:
            page.goto(address, wait_until="networkidle")


def test_keyboard_reaches_the_content_first(shop, visit):
    with visit() as page:
        page.goto("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"


def test_household_is_stepped_into_and_left(household, visit, settings):
    settings.DEBUG = True
    with visit(PHONE) as page:
        page.goto("/households/?q=718")
        page.get_by_role("button", name="Step in").click()
        expect(page.locator("main")).to_contain_text("Hello, household 718")
        page.click("text=Log out")
        expect(page.locator("header")).to_contain_text("Log in")
