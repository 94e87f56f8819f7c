import io

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.test import RequestFactory

from recommendations.catalog import (
    Card,
    Catalog,
    catalogs_of,
    find_cards,
    get_catalogs,
    mirror,
    product_id_of,
    register,
    registered,
    sync_catalog,
    wrong_prefixes,
)
from recommendations.catalog import registry as the_registry
from recommendations.exceptions import NotConfigured
from recommendations.models import Product
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def request_of(django_user_model):
    """request_of(member): a page's request, of a member or a stranger."""

    def make(member=False):
        request = RequestFactory().get("/")
        request.user = django_user_model() if member else AnonymousUser()
        return request

    return make


@pytest.fixture
def books(db):
    return Book.objects.bulk_create(Book(name=name) for name in ("Tea", "Coffee", "Cocoa"))


def ids(books):
    return [str(book.pk) for book in books]


def test_the_shops_module_was_found():
    assert Book in registered()
    assert isinstance(registered()[Book], BookCatalog)


def test_what_registered_returns_is_a_copy():
    registered().clear()
    assert Book in registered()


@pytest.mark.parametrize("model", ["shop.Book", Model, int])
def test_only_models_can_be_registered(model):
    with pytest.raises(NotConfigured, match=r"on BookCatalog: expected the class of a model"):
        register(model)(BookCatalog)


def test_only_a_catalog_can_be_registered():
    with pytest.raises(NotConfigured, match=r"Mine is no Catalog: write class Mine\(Catalog\)"):
        register(Book)(type("Mine", (), {}))


@pytest.fixture
def declared(monkeypatch):
    """declared({model: Catalog}): what a shop registered, and nothing else."""

    def declare(catalogs):
        monkeypatch.setattr(the_registry, "_catalogs", {model: catalog(model) for model, catalog in catalogs.items()})

    return declare


def test_models_whose_ids_can_not_be_told_apart_are_refused_with_the_line_to_add(declared):
    declared({Book: Catalog, Session: type("SessionCatalog", (Catalog,), {})})
    message = "SessionCatalog and Catalog both have the prefix '': add prefix = \"session\""
    assert message in wrong_prefixes()[0]
    with pytest.raises(NotConfigured, match="both have the prefix ''"):
        sync_catalog()


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("Session", "SessionCatalog has the prefix 'Session': expected letters a-z"),
        ("a:b", "SessionCatalog has the prefix 'a:b': expected letters a-z"),
        ("book", "SessionCatalog and Catalog both have the prefix 'book'"),
    ],
)
def test_a_prefix_that_can_not_be_one_is_named(declared, prefix, problem):
    declared({Book: Catalog, Session: type("SessionCatalog", (Catalog,), {"prefix": prefix})})
    [told] = wrong_prefixes()
    assert told.startswith(problem)


def test_an_id_belongs_to_the_model_whose_prefix_it_has(declared):
    declared({Book: Catalog, Session: type("SessionCatalog", (Catalog,), {"prefix": "session"})})
    book, session = registered()[Book], registered()[Session]
    assert catalogs_of(["7", "session:7", "other:7", ":7", "session"]) == [book, session, book, book, book]
    assert product_id_of(Book(pk=7)) == "7"
    assert product_id_of(Session(pk="7")) == "session:7"
    assert [product_id_of(key) for key in ("7", 7, None)] == ["7", "7", ""]


def test_a_model_that_is_not_registered_has_no_id():
    with pytest.raises(NotConfigured, match=r"add @register\(Session\) and its Catalog"):
        product_id_of(Session(pk="7"))


def test_a_proxy_is_the_model_it_stands_for():
    class Bestseller(Book):
        class Meta:
            proxy = True
            app_label = "shop"

    assert product_id_of(Bestseller(pk=7)) == "7"


def test_another_unique_field_can_be_the_key(db, declared):
    class GroupCatalog(Catalog):
        key = "name"

        def title(self, product):
            return product.name

        def card(self, product, request):
            return Card(self.product_id(product), product.name, "/")

    declared({Group: GroupCatalog})
    Group.objects.bulk_create([Group(name="tea/1"), Group(name="tea/2")])
    sync_catalog()
    assert set(Product.objects.values_list("product_id", flat=True)) == {"tea/1", "tea/2"}
    assert list(find_cards(["tea/1", "1"], None)) == ["tea/1"]
    Group.objects.filter(name="tea/1").delete()
    mirror(["tea/1"])
    assert not Product.objects.get(product_id="tea/1").available


def test_registering_the_model_again_replaces_its_catalog(monkeypatch):
    monkeypatch.setattr(the_registry, "_catalogs", {})

    @register(Book)
    class First(Catalog): ...

    @register(Book)
    class Second(Catalog): ...

    assert isinstance(registered()[Book], Second)


def test_without_a_declaration_the_lines_to_add_are_shown(monkeypatch):
    monkeypatch.setattr(the_registry, "_catalogs", {})
    with pytest.raises(NotConfigured, match=r"recommended_products\.py(.|\n)*@register\(Product\)"):
        get_catalogs()


@pytest.mark.parametrize("method", ["title", "card"])
def test_a_method_that_must_be_written_says_how(method):
    catalog = Catalog(Book)
    arguments = (Book(),) if method == "title" else (Book(), None)
    with pytest.raises(NotImplementedError, match=rf"Catalog needs: def {method}\(self, product"):
        getattr(catalog, method)(*arguments)


def test_what_a_product_lacks_has_a_default():
    catalog, book = Catalog(Book), Book(pk=7)
    assert catalog.category(book) == ()
    assert catalog.brand(book) == ""
    assert catalog.price(book) is None
    assert catalog.is_available(book)
    assert catalog.product_id(book) == "7"


def test_cards_are_fetched_in_one_query(books, request_of, django_assert_num_queries):
    with django_assert_num_queries(1):
        cards = find_cards(ids(books), request_of())
    assert {cards[key].title for key in ids(books)} == {"Tea", "Coffee", "Cocoa"}


def test_an_id_that_reads_as_a_key_but_is_written_otherwise_is_no_products(books):
    [key] = ids(books[:1])
    others = [f"00{key}", f"+{key}", f" {key} "] if key.isdigit() else [key.upper(), key.replace("-", "")]
    assert find_cards(others, None) == {}
    sync_catalog()
    Book.objects.filter(pk=books[0].pk).update(name="Green tea")
    mirror(others)
    assert Product.objects.get(product_id=key).title == "Tea"


@pytest.mark.parametrize("given", [7, None, "other"])
def test_a_card_of_another_product_is_a_mistake_that_is_named(books, monkeypatch, given):
    monkeypatch.setattr(BookCatalog, "card", lambda self, product, request: Card(given, product.name, "/"))
    message = rf"BookCatalog\.card\(\) gave product_id {given!r}, expected '.*': pass self\.product_id\(product\)"
    with pytest.raises(NotConfigured, match=message):
        find_cards(ids(books), None)


def test_a_variant_that_became_another_products_has_no_card(books, monkeypatch):
    tea, coffee, cocoa = ids(books)
    own = BookCatalog.product_id
    parent = lambda self, product: coffee if product.name == "Tea" else own(self, product)  # noqa: E731
    monkeypatch.setattr(BookCatalog, "product_id", parent)
    assert set(find_cards([tea, cocoa], None)) == {cocoa}


def test_the_command_says_what_is_wrong_with_card(books, monkeypatch):
    call_command("sync_catalog", stdout=io.StringIO())
    monkeypatch.setattr(BookCatalog, "card", lambda self, product, request: product.titel)
    message = r"BookCatalog\.card\(product, None\) raised AttributeError: 'Book' object has no attribute 'titel'"
    with pytest.raises(CommandError, match=message):
        call_command("sync_catalog", stdout=io.StringIO())


def test_the_command_says_how_many_it_left_out_and_asks_another_for_its_card(books, monkeypatch, settings):
    settings.RECOMMENDATIONS = {"STRICT": False}
    call_command("sync_catalog", stdout=io.StringIO())
    said = io.StringIO()
    for_sale = lambda self, product: product.in_stock and {"Tea": True, "Coffee": True}[product.name]  # noqa: E731
    monkeypatch.setattr(BookCatalog, "is_available", for_sale)
    call_command("sync_catalog", stdout=said)
    assert "0 are gone from the shop" in said.getvalue()
    assert "1 can't be read and are not recommended: the log says why" in said.getvalue()


def test_what_nobody_can_buy_has_no_card(books, request_of):
    Book.objects.filter(pk=books[0].pk).update(in_stock=False)
    assert set(find_cards(ids(books), request_of())) == set(ids(books[1:]))


def test_what_this_shopper_can_not_buy_has_no_card(books, request_of):
    Book.objects.filter(pk=books[0].pk).update(members_only=True)
    assert set(find_cards(ids(books), request_of())) == set(ids(books[1:]))
    assert set(find_cards(ids(books), request_of(member=True))) == set(ids(books))


def test_ids_that_are_none_of_the_shops_have_no_card(books):
    strange = ["no key at all", "", "-1", "Ü", "7.5"]
    assert set(find_cards([*strange, str(books[0].pk)], None)) == {str(books[0].pk)}


def test_no_ids_no_cards(db):
    assert find_cards([], None) == {}
