import pytest
from django.db import OperationalError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from recommendations import boundary, receivers
from recommendations.catalog import mirroring, sync_catalog, syncing
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


@pytest.fixture
def broken(monkeypatch):
    """What the mirroring after a commit raises quotes the product."""

    def fail(product_ids):
        title = "Tea of Anna"
        raise ValueError(f"no title for {title!r}")

    monkeypatch.setattr(mirroring, "mirror", fail)


@pytest.mark.django_db(transaction=True)
def test_a_product_that_can_not_be_mirrored_is_saved_all_the_same(broken, settings, caplog, monkeypatch):
    counted = []
    settings.RECOMMENDATIONS = {"STRICT": False}
    monkeypatch.setattr(boundary, "fell_back", counted.append)
    with transaction.atomic():
        Book.objects.create(name="Tea")
    assert Book.objects.count() == 1
    (entry,) = caplog.records
    assert (entry.event, entry.fields["use_case"]) == ("use_case_failed", "mirror_committed")
    assert "no title for …" in entry.getMessage() and "Anna" not in caplog.text
    assert counted == ["mirror_committed"]


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_can_not_be_mirrored_takes_no_other_with_it(settings, caplog, monkeypatch):
    settings.RECOMMENDATIONS = {"STRICT": False}
    monkeypatch.setattr(syncing, "CHUNK", 2)
    chunks, find_products = [], syncing.find_products

    def fail_at_first(product_ids):
        if tuple(product_ids) not in chunks:
            chunks.append(tuple(product_ids))
        if tuple(product_ids) == chunks[0]:
            raise OperationalError("canceling statement due to lock timeout")
        return find_products(product_ids)

    monkeypatch.setattr(syncing, "find_products", fail_at_first)
    with transaction.atomic():
        books = [Book.objects.create(name=f"Tea {k}") for k in range(6)]
    saved = {str(book.pk) for book in books}
    assert [len(chunk) for chunk in chunks] == [2, 2, 2]
    assert set(Product.objects.values_list("product_id", flat=True)) == saved - set(chunks[0])
    (entry,) = caplog.records
    assert (entry.event, entry.fields["use_case"]) == ("use_case_failed", "mirror_committed")


@pytest.mark.django_db(transaction=True)
def test_with_strict_what_fails_after_the_commit_is_raised(broken):
    with pytest.raises(ValueError, match="no title"), transaction.atomic():
        Book.objects.create(name="Tea")
    assert Book.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_one_transaction_saves_is_mirrored_together_at_its_commit():
    with CaptureQueriesContext(connection) as asked:
        with transaction.atomic():
            books = [Book.objects.create(name=f"Tea {k}") for k in range(500)]
            books[0].name = "Green tea"
            books[0].save()
            books[1].delete()
            before = len(asked)
        at_commit = len(asked) - before
    assert at_commit < 30
    assert Product.objects.filter(available=True).count() == 499
    assert Product.objects.get(product_id=str(books[0].pk)).title == "Green tea"
    if isinstance(books[0].pk, int):  # the mirror's order says which are newest
        kept = [str(book.pk) for book in books if book.pk]
        assert list(Product.objects.order_by("pk").values_list("product_id", flat=True)) == kept


@pytest.mark.django_db(transaction=True)
def test_a_savepoint_that_is_rolled_back_takes_nothing_else_with_it():
    with transaction.atomic():
        Book.objects.create(name="Tea")
        with pytest.raises(RuntimeError), transaction.atomic():
            Book.objects.create(name="Coffee")
            raise RuntimeError
        Book.objects.create(name="Milk")
    with pytest.raises(RuntimeError), transaction.atomic():
        Book.objects.create(name="Cocoa")
        raise RuntimeError
    Book.objects.create(name="Water")  # outside of any
    assert sorted(titles()) == [("Milk", True), ("Tea", True), ("Water", True)]


def test_a_failing_receiver_never_reaches_the_sender(db, monkeypatch, caplog):
    monkeypatch.setattr(receivers, "product_id_of", None)
    with override_settings(RECOMMENDATIONS={"STRICT": False}):
        Book.objects.create(name="Tea").delete()
    assert "product_deleted failed" in caplog.text
