"""The admin's pages with words as long as people and errors make them, on a desk and on a phone."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from recommendations.models import Product, RecommenderVersion
from tests.admin.test_fidelity import GATE, REPORT
from tests.browser.pages.conftest import DESKTOP, PHONE

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2


@pytest.fixture
def version(shop):
    get_user_model().objects.create_superuser("anna", password="s3cret-pass")
    Product.objects.filter(pk=Product.objects.latest("pk").pk).update(title=LONG, brand=LONG, category=[LONG])
    return RecommenderVersion.objects.create(
        status="failed",
        stage="judged fit",
        started_by=f"{LONG} (admin)",
        error=f"DatabaseError: {LONG}{LONG}, https://example.org/{LONG}",
        fidelity={"gate": GATE, "report": REPORT},
        metrics={"new_products": {"recommender": {"ndcg@10": 0.5}, "popularity": {"ndcg@10": 0.25}}},
    )


def log_in(page, address):
    page.goto(f"/admin/login/?next={address}")
    page.fill("#id_username", "anna")
    page.fill("#id_password", "s3cret-pass")
    page.click("[type=submit]")
    page.wait_for_load_state()


def url(model, name, *args):
    return reverse(f"admin:recommendations_{model}_{name}", args=args)


def wider_than_shown(page, selector):
    """Texts of the elements that reach beyond the frame they are cut off at."""
    return page.locator(selector).evaluate_all(
        """(all) => {
          const right = (one) => one.getBoundingClientRect().right;
          const frame = (one) => one.closest(".form-row") ?? document.body;
          const isCut = (one) => one.scrollWidth > one.clientWidth || right(one) > right(frame(one));
          return all.filter(isCut).map((one) => one.textContent);
        }"""
    )


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_what_is_long_is_whole_on_a_page_of_its_own(version, visit, viewport):
    with visit(viewport) as page:
        log_in(page, url("recommenderversion", "change", version.pk))
        assert page.locator(".field-why .readonly").inner_text() == version.error
        assert wider_than_shown(page, ".readonly, #content > h2") == []
        page.goto(url("product", "change", Product.objects.latest("pk").pk))
        assert wider_than_shown(page, ".readonly, #content > h2, .breadcrumbs") == []


def test_what_is_long_widens_no_list(version, visit):
    with visit(DESKTOP) as page:
        log_in(page, url("product", "changelist"))
        assert wider_than_shown(page, ".results") == []
        page.goto(url("recommenderversion", "changelist"))
        assert wider_than_shown(page, ".results") == []


def test_there_is_room_to_search_on_a_phone(version, visit):
    with visit(PHONE) as page:
        log_in(page, url("product", "changelist"))
        assert page.locator("#searchbar").bounding_box()["width"] > 150


def test_the_heading_of_a_column_stands_over_its_figures(version, visit):
    with visit(DESKTOP) as page:
        log_in(page, url("recommenderversion", "change", version.pk))
        aligned = "(all) => all.map((one) => getComputedStyle(one).textAlign)"
        assert set(page.locator(".rec-table thead td + th").evaluate_all(aligned)) == {"right"}
