import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import RequestFactory

from recommendations.catalog import Catalog, get_catalog, register, registered
from recommendations.catalog import registry as the_registry
from recommendations.exceptions import NotConfigured
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
    assert list(registered()) == [Book]
    assert isinstance(get_catalog(), BookCatalog)


def test_what_registered_returns_is_a_copy():
    registered().clear()
    assert list(registered()) == [Book]


def test_a_second_product_model_is_refused_by_name():
    with pytest.raises(NotConfigured, match="registers Session, but Book is registered already"):
        register(Session)(Catalog)


def test_registering_the_model_again_replaces_its_catalog(monkeypatch):
    monkeypatch.setattr(the_registry, "_catalogs", {})

    @register(Book)
    class First(Catalog): ...

    @register(Book)
    class Second(Catalog): ...

    assert isinstance(get_catalog(), Second)


def test_without_a_declaration_the_lines_to_add_are_shown(monkeypatch):
    monkeypatch.setattr(the_registry, "_catalogs", {})
    with pytest.raises(NotConfigured, match=r"recommended_products\.py(.|\n)*@register\(Product\)"):
        get_catalog()


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
        cards = get_catalog().cards(ids(books), request_of())
    assert {cards[key].title for key in ids(books)} == {"Tea", "Coffee", "Cocoa"}


def test_what_nobody_can_buy_has_no_card(books, request_of):
    Book.objects.filter(pk=books[0].pk).update(in_stock=False)
    assert set(get_catalog().cards(ids(books), request_of())) == set(ids(books[1:]))


def test_what_this_shopper_can_not_buy_has_no_card(books, request_of):
    Book.objects.filter(pk=books[0].pk).update(members_only=True)
    assert set(get_catalog().cards(ids(books), request_of())) == set(ids(books[1:]))
    assert set(get_catalog().cards(ids(books), request_of(member=True))) == set(ids(books))


def test_ids_that_are_none_of_the_shops_have_no_card(books):
    strange = ["no key at all", "", "-1", "Ü", "7.5"]
    assert set(get_catalog().cards([*strange, str(books[0].pk)], None)) == {str(books[0].pk)}


def test_no_ids_no_cards(db):
    assert get_catalog().cards([], None) == {}
