import json
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.db import connection
from django.http import JsonResponse
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.apps.catalogue.models import Category, Product, ProductImage
from oscar.apps.partner import strategy as strategies
from oscar.apps.partner.models import StockRecord
from oscar.apps.partner.prices import FixedPrice
from oscar.test.factories import create_product, create_stockrecord
from PIL import Image
from rest_framework.renderers import JSONRenderer

from recommendations.api.lists import product_as_json
from recommendations.catalog import Price, find_cards, product_id_of, sync_catalog
from recommendations.contrib.oscar import recommended_products
from recommendations.models import Product as Mirrored


def mirrored(product) -> Mirrored:
    return Mirrored.objects.get(product_id=str(product.pk))


@pytest.fixture
def page(rf):
    """A page's request, as Oscar's basket middleware leaves it."""

    def ask(strategy: type = strategies.Default):
        request = rf.get("/")
        request.user = AnonymousUser()
        request.strategy = strategy(request)
        return request

    return ask


def card(product, request):
    return find_cards([str(product.pk)], request).get(str(product.pk))


def test_a_child_counts_as_its_parent(shirt):
    children = Product.objects.filter(parent=shirt)
    assert {product_id_of(child) for child in children} == {str(shirt.pk)}
    assert list(Mirrored.objects.values_list("product_id", flat=True)) == [str(shirt.pk)]


def test_the_path_is_that_of_the_first_browsable_category(pot):
    hidden = create_from_breadcrumbs("Staff only > Samples")
    parent = Category.objects.get(name="Staff only")
    parent.is_public = False
    parent.save()
    pot.categories.set([hidden, create_from_breadcrumbs("Kitchen > Coffee > Pots")])
    sync_catalog()
    assert mirrored(pot).category == ["Kitchen", "Coffee", "Pots"]


def test_a_renamed_category_is_read_anew(pot):
    category = create_from_breadcrumbs("Kitchen > Coffee")
    pot.categories.set([category])
    sync_catalog()
    category.name = "Coffee & tea"
    category.save()
    sync_catalog()
    assert mirrored(pot).category == ["Kitchen", "Coffee & tea"]


def test_unpublished_and_sold_out_are_mirrored_but_not_available(pot):
    Product.objects.filter(pk=pot.pk).update(is_public=False)
    empty = create_product(title="Kettle", num_in_stock=0)
    sync_catalog()
    assert not mirrored(pot).available
    assert not mirrored(empty).available


def test_a_parent_is_available_while_a_public_child_is(shirt, page):
    small, large = Product.objects.filter(parent=shirt).order_by("pk")
    StockRecord.objects.filter(product=small).update(num_in_stock=0)
    sync_catalog()
    assert mirrored(shirt).available and card(shirt, page())
    Product.objects.filter(pk=large.pk).update(is_public=False)
    sync_catalog()
    assert not mirrored(shirt).available
    assert card(shirt, page()) is None


def test_stock_is_not_asked_where_it_is_not_tracked(pot, page):
    pot.product_class.track_stock = False
    pot.product_class.save()
    StockRecord.objects.filter(product=pot).update(num_in_stock=None)
    sync_catalog()
    assert mirrored(pot).available and card(pot, page())


def test_the_strategy_of_this_request_decides(pot, page):
    class NotForYou(strategies.Default):
        def availability_policy(self, product, stockrecord):
            return strategies.Unavailable()

    assert card(pot, page()).title == "Moka pot"
    assert card(pot, page(NotForYou)) is None


def test_a_record_that_only_another_customer_buys_from_keeps_the_product(pot, page):
    """The default strategy takes the first record, which is empty; somebody else's takes the second."""

    class Second(strategies.Default):
        def select_stockrecord(self, product):
            return list(product.stockrecords.all())[-1]

    StockRecord.objects.filter(product=pot).update(num_in_stock=0)
    create_stockrecord(pot, price=Decimal("21.00"), partner_name="Other", num_in_stock=3)
    sync_catalog()
    assert mirrored(pot).available
    assert card(pot, page()) is None
    assert card(pot, page(Second)).price == Price(Decimal("21.00"), "GBP")


def test_the_price_is_with_tax_where_tax_is_known(pot, page):
    assert card(pot, page(strategies.UK)).price == Price(Decimal("23.9400"), "GBP")
    assert card(pot, page(strategies.US)).price == Price(Decimal("19.95"), "GBP")
    assert card(pot, None).price == Price(Decimal("19.95"), "GBP")
    assert mirrored(pot).price == Decimal("19.95")


def test_without_a_price_there_is_a_card_without_one(pot, page):
    StockRecord.objects.filter(product=pot).update(price=None)
    assert card(pot, page()).price is None


@pytest.mark.parametrize("strategy", [strategies.Default, strategies.US, strategies.UK])
def test_a_parent_whose_first_child_has_no_price_stops_nothing(strategy, pot, shirt, page, monkeypatch):
    monkeypatch.setattr(strategies.Selector, "strategy", lambda self, request=None, **_: strategy(request))
    first = shirt.get_public_children().first()
    StockRecord.objects.filter(product=first).update(price=None)
    sync_catalog()
    assert mirrored(shirt).price is None and mirrored(pot).price is not None
    cards = find_cards([str(pot.pk), str(shirt.pk)], page(strategy))
    assert cards[str(pot.pk)].price is not None
    # For the UK Oscar reckons tax of no price: it fails, also on the parent's own page.
    assert (str(shirt.pk) in cards) is (strategy is not strategies.UK)
    assert all(cards[key].price is None for key in cards if key == str(shirt.pk))
    StockRecord.objects.update(num_in_stock=0)
    sync_catalog()
    assert not mirrored(shirt).available


def test_a_mistake_in_the_shops_strategy_is_not_taken_for_a_lacking_price(shirt, pot, page):
    class Broken(strategies.Default):
        def parent_pricing_policy(self, product, children_stock):
            return len(7)

    class Taxed(strategies.Default):
        def pricing_policy(self, product, stockrecord):
            return FixedPrice("GBP", Decimal(7), tax="much")

    for product, strategy in ((shirt, Broken), (pot, Taxed)):
        with pytest.raises(TypeError):
            card(product, page(strategy))


@pytest.fixture
def pictured(pot):
    """The pot with an image."""
    file = BytesIO()
    Image.new("RGB", (300, 300)).save(file, "PNG")
    ProductImage.objects.create(product=pot, original=ContentFile(file.getvalue(), "pot.png"))
    return pot


def test_the_image_is_oscars_thumbnail(pictured, shirt, page):
    assert card(pictured, page()).image.startswith("/media/cache/")
    assert card(shirt, page()).image == "" and not card(shirt, page()).image


def test_only_a_card_that_is_drawn_pays_for_its_image_and_once(pictured, page, monkeypatch):
    made = []

    class Thumbnailer:
        def generate_thumbnail(self, source, **options):
            made.append(source)
            return SimpleNamespace(url=f"/media/{len(made)}.png?a&b")

    monkeypatch.setattr(recommended_products, "get_thumbnailer", Thumbnailer)
    asked = page()
    with CaptureQueriesContext(connection) as before:
        shown = card(pictured, asked)
    assert made == [] and not any("SAVEPOINT" in query["sql"] for query in before)
    drawn = render_to_string("recommendations/card.html", {"card": shown})
    assert '<img src="/media/1.png?a&amp;b"' in drawn and len(made) == 1
    sent = JSONRenderer().render(product_as_json(shown))
    assert json.loads(sent)["image"] == "/media/1.png?a&b" and len(made) == 1
    assert json.loads(JsonResponse(asdict(shown)).content)["image"] == "/media/1.png?a&b"


def test_an_image_that_fails_leaves_the_card(pot, page, settings):
    settings.RECOMMENDATIONS = {"STRICT": False}
    settings.OSCAR_THUMBNAILER = "tests.oscar.installed.test_catalog.BrokenThumbnailer"
    ProductImage.objects.create(product=pot, original="gone.png")
    assert card(pot, page()).image == ""


class BrokenThumbnailer:
    def generate_thumbnail(self, source, **options):
        raise OSError("disk")


@contextmanager
def shop_queries(expected: int):
    """Asserts how many queries read Oscar's catalog and stock."""
    with CaptureQueriesContext(connection) as asked:
        yield
    found = [query["sql"] for query in asked if "catalogue_" in query["sql"] or "partner_" in query["sql"]]
    assert len(found) == expected, found


def test_queries_do_not_grow_with_the_number_of_products(made_catalog, page):
    request = page()
    few, many = [str(product.pk) for product in made_catalog[:6]], [str(product.pk) for product in made_catalog[:40]]
    # products, their categories, their public children, the children's stock, their own, their images
    with shop_queries(6):
        assert len(find_cards(few, request)) == 6
    with shop_queries(6):
        assert len(find_cards(many, request)) > 30
    with shop_queries(7):  # and the categories' names
        sync_catalog()


def test_request_without_a_strategy_gets_the_shops(pot):
    assert card(pot, SimpleNamespace(user=AnonymousUser())).title == "Moka pot"
