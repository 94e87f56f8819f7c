import re
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import OperationalError
from django.db.models import AutoField
from django.utils import translation

from recommendations.catalog import SyncResult, mirror, registered, sync_catalog
from recommendations.catalog import syncing as the_syncing
from recommendations.catalog.registry import get_catalogs
from recommendations.exceptions import NotConfigured
from recommendations.models import Product
from recommendations.models.product import ProductQuerySet
from tests.shop.models import Book


@pytest.fixture
def books(db):
    return Book.objects.bulk_create(
        Book(name=name, shelf="Drinks", publisher="Leaf", price=Decimal("4.50")) for name in ("Tea", "Coffee", "Cocoa")
    )


@pytest.fixture
def catalog():
    return next(found for found in get_catalogs() if found.model is Book)


def mirrored(book):
    return Product.objects.get(product_id=str(book.pk))


def test_every_product_is_mirrored_with_what_the_shop_says_of_it(books):
    assert sync_catalog() == SyncResult(created=3, updated=0, unavailable=0)
    tea = mirrored(books[0])
    assert (tea.title, tea.category, tea.brand, tea.price) == ("Tea", ["Books", "Drinks"], "Leaf", Decimal("4.5"))
    assert tea.available


def test_a_second_sync_touches_nothing(books):
    sync_catalog()
    before = list(Product.objects.order_by("pk").values())
    assert sync_catalog() == SyncResult(created=0, updated=0, unavailable=0)
    assert list(Product.objects.order_by("pk").values()) == before


def test_a_change_keeps_the_row_and_its_key(books):
    sync_catalog()
    before = mirrored(books[0])
    Book.objects.filter(pk=books[0].pk).update(name="Green tea", price=None)
    assert sync_catalog() == SyncResult(created=0, updated=1, unavailable=0)
    after = mirrored(books[0])
    assert (after.pk, after.title, after.price) == (before.pk, "Green tea", None)
    assert after.updated_at > before.updated_at
    assert after.created_at == before.created_at


def test_a_vanished_product_stays_as_unavailable(books):
    sync_catalog()
    Book.objects.filter(pk=books[0].pk)._raw_delete("default")
    assert sync_catalog().unavailable == 1
    gone = mirrored(books[0])
    assert not gone.available
    assert gone.title == "Tea"
    assert sync_catalog().unavailable == 0


def test_a_product_that_came_back_is_available_again(books):
    sync_catalog()
    Product.objects.update(available=False)
    assert sync_catalog() == SyncResult(created=0, updated=3, unavailable=0)
    assert mirrored(books[0]).available


def test_what_is_out_of_stock_is_mirrored_as_unavailable(books):
    Book.objects.filter(pk=books[0].pk).update(in_stock=False)
    sync_catalog()
    assert not mirrored(books[0]).available


def test_progress_is_reported_by_chunk(books, monkeypatch):
    monkeypatch.setattr(the_syncing, "CHUNK", 2)
    told = []
    sync_catalog(lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (0, 3), (2, 3), (3, 3)]  # two chunks compared, then two mirrored
    told.clear()
    sync_catalog(lambda done, total: told.append((done, total)))
    assert told == [(2, 3), (3, 3)]


def test_a_sync_that_can_not_read_the_shop_changes_nothing(books, monkeypatch):
    monkeypatch.setattr(the_syncing, "CHUNK", 1)
    monkeypatch.setattr(type(registered()[Book]), "title", lambda self, product: {"Tea": "Tea"}[product.name])
    with pytest.raises(KeyError):
        sync_catalog()
    assert not Product.objects.exists()


@pytest.mark.parametrize("product_id", ["", "x" * 256])
def test_a_key_that_can_not_be_stored_is_named(books, monkeypatch, product_id):
    monkeypatch.setattr(type(registered()[Book]), "product_id", lambda self, product: product_id)
    with pytest.raises(NotConfigured, match=r"BookCatalog\.product_id gave .*: expected 1 to 255 characters"):
        sync_catalog()


def test_one_product_without_a_key_keeps_no_other_from_being_mirrored(books, monkeypatch, settings, caplog):
    settings.RECOMMENDATIONS = {"STRICT": False}
    of_all = type(registered()[Book]).product_id
    blank = lambda self, product: "" if product.name == "Coffee" else of_all(self, product)  # noqa: E731
    monkeypatch.setattr(type(registered()[Book]), "product_id", blank)
    assert sync_catalog().created == 2
    assert "Coffee" not in Product.objects.values_list("title", flat=True)
    assert f"primary key {books[1].pk!r}" in caplog.text and "products_left_out" in caplog.text


@pytest.fixture
def fails(monkeypatch, settings):
    """fails(error, *names): the catalog can't tell the price of these books."""
    settings.RECOMMENDATIONS = {"STRICT": False}

    def arrange(error, *names):
        def price(self, book):
            if book.name in names:
                raise error
            return book.price

        monkeypatch.setattr(type(registered()[Book]), "price", price)

    return arrange


def test_a_product_that_its_catalog_can_not_tell_of_keeps_no_other_from_being_mirrored(books, fails, caplog, settings):
    sync_catalog()
    fails(TypeError("no price"), "Cocoa")
    Book.objects.filter(name="Tea").update(name="Green tea")
    assert sync_catalog() == SyncResult(created=0, updated=1, unavailable=0, left_out=1)
    assert not mirrored(books[2]).available
    assert "products_left_out" in caplog.text and "TypeError: no price" in caplog.text
    mirror([str(book.pk) for book in books[1:]])
    assert mirrored(books[1]).available
    settings.RECOMMENDATIONS = {"STRICT": True}
    with pytest.raises(TypeError):
        sync_catalog()


def test_also_the_only_one_of_the_last_chunk(books, fails, monkeypatch):
    monkeypatch.setattr(the_syncing, "CHUNK", 2)
    fails(TypeError("no price"), "Cocoa")
    assert sync_catalog().created == 2


def test_a_mistake_that_breaks_every_product_is_raised_and_changes_nothing(books, fails, monkeypatch):
    sync_catalog()
    monkeypatch.setattr(the_syncing, "CHUNK", 2)
    fails(AttributeError("'Book' object has no attribute 'cost'"), "Tea", "Coffee", "Cocoa")
    message = r"No product can be read: BookCatalog\.price\(product\) raised AttributeError: .*'cost'\. Correct it"
    with pytest.raises(NotConfigured, match=message):
        sync_catalog()
    assert all(mirrored(book).available for book in books)


def test_a_category_that_is_no_path_is_refused_with_the_line_to_write(books, catalog, monkeypatch, settings):
    settings.RECOMMENDATIONS = {"STRICT": False}
    monkeypatch.setattr(type(catalog), "category", lambda self, product: product.shelf)
    message = r"BookCatalog\.category gave the text 'Drinks': return a path, as in \[product\.category\]"
    with pytest.raises(NotConfigured, match=message):
        sync_catalog()
    mirror([str(books[0].pk)])  # as after a save: nothing breaks
    assert not Product.objects.exists()


@pytest.mark.parametrize("given", [7, Decimal("4.5")])
def test_an_id_or_a_category_of_another_kind_is_named(books, catalog, monkeypatch, given):
    monkeypatch.setattr(type(catalog), "category", lambda self, product: given)
    with pytest.raises(NotConfigured, match=rf"BookCatalog\.category gave {re.escape(repr(given))}: return a path"):
        sync_catalog()
    monkeypatch.setattr(type(catalog), "product_id", lambda self, product: given)
    message = rf"BookCatalog\.product_id gave {re.escape(repr(given))} for .*: expected text, as from self\.id_of"
    with pytest.raises(NotConfigured, match=message):
        sync_catalog()


def test_no_category_may_be_said_with_none(books, catalog, monkeypatch):
    monkeypatch.setattr(type(catalog), "category", lambda self, product: None)
    assert sync_catalog().created == 3
    assert mirrored(books[0]).category == []


def test_those_left_out_are_named_once_a_run_and_are_not_gone(books, fails, caplog, monkeypatch):
    more = Book.objects.bulk_create(Book(name=f"Cake {k}") for k in range(7))
    sync_catalog()
    monkeypatch.setattr(the_syncing, "CHUNK", 2)
    fails(TypeError("no price"), *(book.name for book in more))
    Book.objects.filter(pk=books[0].pk)._raw_delete("default")
    assert sync_catalog() == SyncResult(created=0, updated=0, unavailable=1, left_out=7)
    [line] = [record for record in caplog.records if record.event == "products_left_out"]
    assert line.fields["count"] == 7
    named = line.fields["primary_keys"]
    assert len(named) == 5 and set(named) < {f"book {book.pk}" for book in more}


def test_more_products_than_a_statement_takes_are_mirrored_in_parts(db, monkeypatch):
    parts, primary_keys = [], ProductQuerySet.primary_keys

    def counted(self, product_ids):
        parts.append(len(product_ids))
        return primary_keys(self, product_ids)

    monkeypatch.setattr(ProductQuerySet, "primary_keys", counted)
    mirror(map(str, range(1, 2_501)))
    assert parts == [1_000, 1_000, 500]


def test_a_database_that_fails_makes_no_product_unavailable(books, fails):
    sync_catalog()
    fails(OperationalError("server closed the connection"), "Cocoa")
    with pytest.raises(OperationalError):
        sync_catalog()
    with pytest.raises(OperationalError):
        mirror([str(books[2].pk)])
    assert mirrored(books[2]).available


def test_one_product_is_mirrored_by_itself(books):
    mirror([str(books[1].pk)])
    assert list(Product.objects.values_list("title", flat=True)) == ["Coffee"]


def test_mirroring_what_the_shop_never_had_is_nothing(db):
    mirror(["never seen"])
    assert not Product.objects.exists()


def test_statements_do_not_grow_with_the_catalog(db, django_assert_max_num_queries):
    Book.objects.bulk_create(Book(name=f"Book {k}") for k in range(300))
    with django_assert_max_num_queries(13 + 2 * len(registered())):
        sync_catalog()
    assert Product.objects.count() == 300


@pytest.mark.parametrize("mirrored_by", [sync_catalog, lambda: mirror([str(book.pk) for book in Book.objects.all()])])
def test_whatever_language_is_spoken_meanwhile_the_mirror_has_the_shops_own(books, catalog, monkeypatch, mirrored_by):
    """Categories are compared, and some must never be named."""
    monkeypatch.setattr(type(catalog), "category", lambda self, product: [translation.get_language()])
    with translation.override("zh-hans"):
        mirrored_by()
    assert [row.category for row in Product.objects.all()] == [[settings.LANGUAGE_CODE]] * 3


@pytest.mark.parametrize(("said", "kept"), [(None, False), (7, True), (0, False)])
def test_whether_a_product_is_available_may_be_said_in_any_way(books, catalog, monkeypatch, said, kept):
    monkeypatch.setattr(type(catalog), "is_available", lambda self, product: said)
    sync_catalog()
    assert set(Product.objects.values_list("available", flat=True)) == {kept}


def test_the_newest_of_the_mirror_are_the_shops_newest_where_keys_grow(books, catalog, monkeypatch):
    """In whatever order the shop reads; other keys say nothing, and the shop's order counts."""
    monkeypatch.setattr(type(catalog), "queryset", lambda self: Book.objects.order_by("-pk"))
    sync_catalog()
    newest = sorted((book.pk for book in books), reverse=isinstance(Book._meta.pk, AutoField))
    assert [row.product_id for row in Product.objects.newest(3)] == list(map(str, newest))
