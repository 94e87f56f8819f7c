import pytest
from django.db import transaction
from django.test import override_settings

from recommendations import receivers
from recommendations.catalog import sync_catalog
from recommendations.models import Product
from tests.shop.models import Book


def titles():
    return list(Product.objects.order_by("pk").values_list("title", "available"))


def test_a_saved_product_is_mirrored_after_commit(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        book = Book.objects.create(name="Tea")
        assert titles() == []
    assert titles() == [("Tea", True)]
    with django_capture_on_commit_callbacks(execute=True):
        book.name = "Green tea"
        book.save()
    assert titles() == [("Green tea", True)]


def test_a_deleted_product_becomes_unavailable(db, django_capture_on_commit_callbacks):
    book = Book.objects.create(name="Tea")
    sync_catalog()
    with django_capture_on_commit_callbacks(execute=True):
        book.delete()
    assert titles() == [("Tea", False)]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_mirrored():
    with pytest.raises(RuntimeError), transaction.atomic():
        Book.objects.create(name="Tea")
        raise RuntimeError
    assert titles() == []


def test_fixtures_are_left_to_sync_catalog(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        receivers.product_saved(instance=Book(name="Tea"), raw=True)
    assert titles() == []


@pytest.mark.django_db(transaction=True)
def test_a_product_that_can_not_be_mirrored_is_saved_all_the_same(monkeypatch, caplog):
    def fail(product):
        raise ValueError("no title today")

    monkeypatch.setattr(receivers, "mirror", fail)
    Book.objects.create(name="Tea")
    assert Book.objects.count() == 1
    assert "no title today" in caplog.text


def test_a_failing_receiver_never_reaches_the_sender(db, monkeypatch, caplog):
    monkeypatch.setattr(receivers, "product_id_of", None)
    with override_settings(RECOMMENDATIONS={"STRICT": False}):
        Book.objects.create(name="Tea").delete()
    assert "product_deleted failed" in caplog.text
