"""Oscar's pages answer as before, whatever is wrong with the app."""

import logging

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from oscar.apps.catalogue.models import Product
from oscar.apps.partner.models import StockRecord

from recommendations.catalog import sync_catalog
from recommendations.contrib.oscar.checks import check_order
from recommendations.models import Interaction, RecommenderVersion
from recommendations.models import Product as Mirrored
from recommendations.publishing import forget
from recommendations.serving.reasons import Anchor
from tests.oscar.made_shop import make_catalog
from tests.published import publish_made_artifact


@pytest.fixture
def shop(db):
    """A part of the made catalog and a published recommender of random weights."""
    forget()
    products = make_catalog(75)
    sync_catalog()
    publish_made_artifact(seed=3)
    yield products
    forget()


def pages(product) -> list[str]:
    return ["/catalogue/", product.get_absolute_url(), "/basket/"]


def shown(page) -> set[str]:
    """product_ids on the page's recommendation cards."""
    text = page.content.decode()
    return {part.split('"')[0] for part in text.split('data-recommendations-product="')[1:]}


def test_each_page_has_its_placements(shop, visitor):
    for product in (shop[0], shop[30], shop[60]):
        page = visitor.get(product.get_absolute_url())
    assert b"recommendations-similar" in page.content
    home = visitor.get("/catalogue/")
    assert b"recommendations-home" in home.content
    assert home["Cache-Control"] == "private"
    visitor.post(f"/basket/add/{shop[0].pk}/", {"quantity": 1})
    assert b"recommendations-cart" in visitor.get("/basket/").content


def test_further_pages_categories_and_searches_stay_as_they_are(shop, visitor):
    category = shop[0].categories.get()
    for address in ("/catalogue/?page=2", category.get_absolute_url(), "/search/?q=pot"):
        page = visitor.get(address)
        assert page.status_code == 200 and b"recommendations-card" not in page.content, address


def test_a_shown_product_that_is_sold_out_or_unpublished_is_gone_at_the_next_request(shop, visitor):
    for product in (shop[0], shop[30], shop[60]):
        visitor.get(product.get_absolute_url())
    sold_out, unpublished, *_ = shown(visitor.get("/catalogue/"))
    # update(): nothing tells the app
    StockRecord.objects.filter(product_id=sold_out).update(num_in_stock=0)
    StockRecord.objects.filter(product__parent_id=sold_out).update(num_in_stock=0)
    Product.objects.filter(pk=unpublished).update(is_public=False)
    assert not {sold_out, unpublished} & shown(visitor.get("/catalogue/"))


def test_nobody_is_ever_shown_what_cannot_be_bought(shop, visitor):
    for product in shop[:6]:
        visitor.get(product.get_absolute_url())
    on_pages = {key for address in pages(shop[3]) for key in shown(visitor.get(address))}
    for product in Product.objects.filter(pk__in=on_pages).prefetch_related("stockrecords", "children__stockrecords"):
        records = [record for sold in (product, *product.children.all()) for record in sold.stockrecords.all()]
        assert product.is_public and not product.is_child
        assert any(record.net_stock_level > 0 for record in records), product


def as_before(visitor, product) -> None:
    """Pages, the basket and an order work."""
    for address in pages(product):
        assert visitor.get(address).status_code == 200, address
    assert visitor.post(f"/basket/add/{product.pk}/", {"quantity": 1}).status_code == 302
    assert product.title in visitor.get("/basket/").content.decode()
    assert visitor.get("/search/?q=moka").status_code == 200


def lose_tables() -> None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("recommendations_"):
                cursor.execute(f'ALTER TABLE "{table}" RENAME TO "lost_{table}"')


def break_artifact() -> None:
    from recommendations.publishing.artifacts import get_storage

    version = RecommenderVersion.objects.current()
    forget()
    for name in get_storage().listdir(version.artifact)[1]:
        get_storage().delete(f"{version.artifact}/{name}")


FAULTS = {
    "tables that are not there": lose_tables,
    "no product in the mirror": lambda: (Interaction.objects.all().delete(), Mirrored.objects.all().delete()),
    "no version": lambda: (RecommenderVersion.objects.all().delete(), forget()),
    "a broken artifact": break_artifact,
}


@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_oscar_answers_as_before_with(fault, atomic, shop, visitor, settings, caplog):
    settings.RECOMMENDATIONS = {"STRICT": False}
    visitor.get(shop[0].get_absolute_url())
    fault()
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = connection.settings_dict["ATOMIC_REQUESTS"] = atomic
    try:
        with caplog.at_level(logging.CRITICAL, logger="recommendations"):
            as_before(visitor, shop[0])
    finally:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_oscar_answers_as_before_when_the_shops_strategy_fails_for_us_alone(shop, visitor, settings, monkeypatch):
    from recommendations.contrib.oscar.recommended_products import OscarCatalog

    def fail(*_):
        raise RuntimeError("no price list")

    settings.RECOMMENDATIONS = {"STRICT": False}
    monkeypatch.setattr(OscarCatalog, "card", fail)
    as_before(visitor, shop[0])


def test_the_dashboard_leads_to_the_versions_whoever_may_see_them(client, db, settings):
    versions = reverse("admin:recommendations_recommenderversion_changelist")
    user = get_user_model().objects.create_user("s", "s@example.com", is_staff=True)
    client.force_login(user)
    assert versions not in client.get("/dashboard/").content.decode()
    get_user_model().objects.filter(pk=user.pk).update(is_superuser=True)
    assert versions in client.get("/dashboard/").content.decode()
    settings.ROOT_URLCONF = "tests.oscar.urls_without_admin"
    page = client.get("/dashboard/")
    assert page.status_code == 200 and "Recommendations" not in page.content.decode()


def test_the_check_names_an_app_that_stands_too_late(settings):
    assert check_order() == []
    apps = [name for name in settings.INSTALLED_APPS if name != "recommendations.contrib.oscar"]
    settings.INSTALLED_APPS = [*apps, "recommendations.contrib.oscar"]
    (found,) = check_order()
    assert found.id == "recommendations.W011" and "top of INSTALLED_APPS" in found.hint


def test_the_project_has_no_problem_that_a_check_finds(db):
    call_command("check", fail_level="WARNING")


@pytest.mark.parametrize(("type", "name"), [("product", "anchor"), ("query", "searched")])
def test_the_card_of_a_row_says_what_the_row_named(type, name):
    values = {"card": {"product_id": "7"}, "token": "t", "anchor": Anchor("red tea", "Red tea", "viewed", type)}
    assert f"&amp;{name}=red%20tea" in render_to_string("recommendations/card.html", values)


def test_the_card_makes_its_sentence_once():
    made = []
    reason = {"text": lambda: made.append(1) or "New", "tier": "T5"}
    values = {"card": {"product_id": "7"}, "show_reason": True, "reason": reason}
    assert ">New</p>" in render_to_string("recommendations/card.html", values)
    assert made == [1]


@pytest.mark.parametrize("page", ["catalogue/browse", "catalogue/detail", "basket/basket"])
def test_a_shop_can_switch_the_lists_of_a_page_off(page):
    blocks = get_template(f"oscar/{page}.html").template.nodelist[0].blocks
    assert "recommendations" in blocks
