from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.apps.catalogue.models import Category, Product, ProductImage
from oscar.apps.partner import strategy as strategies
from oscar.apps.partner.models import StockRecord
from oscar.test.factories import create_product, create_stockrecord

from recommendations.catalog import Price, find_cards, product_id_of, sync_catalog
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


def test_the_image_is_oscars_thumbnail(pot, page):
    from io import BytesIO

    from PIL import Image

    assert card(pot, page()).image == ""
    file = BytesIO()
    Image.new("RGB", (300, 300)).save(file, "PNG")
    ProductImage.objects.create(product=pot, original=ContentFile(file.getvalue(), "pot.png"))
    assert card(pot, page()).image.startswith("/media/cache/")


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
