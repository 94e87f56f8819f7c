"""What is saved while products are mirrored stays, and running processes see it: two connections to PostgreSQL."""

from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Event, Thread, current_thread, get_ident, main_thread

import pytest
from django.db import connections
from django.utils import timezone

from recommendations.capture import record
from recommendations.catalog import mirror, sync_catalog
from recommendations.catalog import syncing as the_syncing
from recommendations.catalog.rows import LeftOut
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from recommendations.publishing import current, current_recommender
from tests.published import publish_made_artifact
from tests.shop.models import Book

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@contextmanager
def beside(work):
    """Meanwhile `work` is done over a connection of its own; what it raises is raised at the end."""
    raised = []

    def apart():
        try:
            work()
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=apart, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(20)
    assert not thread.is_alive(), "it waits for a lock"
    if raised:
        raise raised[0]


def done_beside(work):
    with beside(work):
        pass


@pytest.fixture
def books(monkeypatch):
    """Three books, read one by one."""
    monkeypatch.setattr(the_syncing, "CHUNK", 1)
    return [Book.objects.create(name=name) for name in ("Tea", "Coffee", "Cocoa")]


def at_first(work):
    """A `report` that does the work beside, once the first product was read."""
    told = []

    def report(done, total):
        told.append(done)
        if len(told) == 1:
            done_beside(work)

    return report


def mirrored(book):
    return Product.objects.get(product_id=str(book.pk))


def test_a_product_that_is_new_meanwhile_stays_available(books):
    made = []
    sync_catalog(at_first(lambda: made.append(Book.objects.create(name="Milk"))))
    assert mirrored(made[0]).available


def test_a_product_that_is_sold_out_meanwhile_stays_sold_out(books):
    Product.objects.all().delete()
    last = books[-1]
    last.in_stock = False
    sync_catalog(at_first(last.save))
    assert not mirrored(last).available
    last.in_stock, last.name = True, "Hot cocoa"
    sync_catalog(at_first(last.save))
    assert (mirrored(last).available, mirrored(last).title) == (True, "Hot cocoa")


def test_a_product_that_is_deleted_meanwhile_is_not_brought_back(books):
    product_id = str(books[-1].pk)
    sync_catalog(at_first(books[-1].delete))
    assert not Product.objects.filter(product_id=product_id, available=True).exists()


@pytest.mark.parametrize(("is_known", "reading"), [(True, 1), (False, 1), (False, 2)])
def test_who_saves_later_is_mirrored_later(books, monkeypatch, is_known, reading):
    """One process has read the shop (for the first or second time) and not yet written when another saves."""
    book, mine, read, saved = books[0], [], Event(), Event()
    Product.objects.update(title="Out of date") if is_known else Product.objects.all().delete()
    found = the_syncing.find_products

    def slow(product_ids):
        rows = found(product_ids)
        if current_thread() is main_thread():
            mine.append(rows)
            if len(mine) == reading:
                read.set()
                saved.wait(0.5)  # in vain where the other has to wait
        return rows

    def save():
        read.wait(5)
        Book.objects.filter(pk=book.pk).update(name="Green tea")
        mirror([str(book.pk)])
        saved.set()

    monkeypatch.setattr(the_syncing, "find_products", slow)
    with beside(save):
        mirror([str(book.pk)])
    assert mirrored(book).title == "Green tea"


def test_a_save_does_not_wait_for_the_sync(books):
    books[0].name = "Green tea"
    with_lock = []

    def report(done, total):
        if done:  # the first is mirrored, others are to come
            done_beside(books[0].save)
            with_lock.append(mirrored(books[0]).title)

    Product.objects.all().delete()
    sync_catalog(report)
    assert with_lock[0] == "Green tea"


def test_a_running_process_sees_what_a_long_sync_changed(books, monkeypatch):
    """The sync takes longer than the look back: what it changed first is seen all the same."""
    publish_made_artifact()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(current, "OVERLAP", 0.3)
    loaded = current_recommender()
    numbers = loaded.scorer.vocabulary.numbers([str(book.pk) for book in books])
    assert loaded.eligible[numbers].all()
    Book.objects.update(in_stock=False)
    pause = Event()
    with beside(lambda: sync_catalog(lambda done, total: pause.wait(0.4))) as sync:
        while sync.is_alive():
            current_recommender()
            pause.wait(0.05)
    assert not current_recommender().eligible[numbers].any()


def test_a_worker_whose_clock_is_late_is_seen(books, monkeypatch):
    publish_made_artifact()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    number = current_recommender().scorer.vocabulary.number(str(books[0].pk))
    late = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: late)
    Book.objects.filter(pk=books[0].pk).update(in_stock=False)
    sync_catalog()
    assert not current_recommender().eligible[number]


def test_an_event_about_a_product_does_not_wait_for_its_mirroring(books, monkeypatch):
    """Its foreign key takes a lock that one on the whole row keeps out: orders would wait, or end each other."""
    sync_catalog()
    shopper, found = Shopper.objects.create(), the_syncing.find_products
    Product.objects.update(title="Out of date")

    def then(product_ids):
        rows = found(product_ids)
        done_beside(lambda: record(shopper, Kind.PURCHASE, books[0]))
        return rows

    monkeypatch.setattr(the_syncing, "find_products", then)
    mirror([str(books[0].pk)])
    assert Interaction.objects.count() == 1


def test_of_two_that_insert_in_different_orders_both_come_through(books, monkeypatch):
    """As a sync, which keeps the shop's order, beside a save: PostgreSQL ends one of them, which begins again."""
    monkeypatch.setattr(the_syncing, "CHUNK", 2)
    Product.objects.all().delete()
    ids, add, both, begun = [str(book.pk) for book in books[:2]], the_syncing._add, Barrier(2), set()

    def one_by_one(product_ids, left_out):
        if not product_ids or get_ident() in begun:
            return add(product_ids, left_out)
        begun.add(get_ident())
        first = add(product_ids[:1], left_out)
        both.wait(10)
        return first | add(product_ids[1:], left_out)

    monkeypatch.setattr(the_syncing, "_add", one_by_one)
    with beside(lambda: the_syncing._settle(ids[::-1], LeftOut())):
        the_syncing._settle(ids, LeftOut())
    assert set(Product.objects.values_list("product_id", flat=True)) == set(ids)


def test_processes_insert_new_products_in_one_order(books, monkeypatch):
    """However they are named: two that insert a, b and b, a wait for each other for ever."""
    ids, inserted = [str(book.pk) for book in books], []
    for named in (ids, ids[::-1], set(ids)):
        Product.objects.all().delete()
        mirror(named)
        inserted.append(list(Product.objects.order_by("pk").values_list("product_id", flat=True)))
    assert inserted == [sorted(ids, key=lambda name: (len(name), name))] * 3
