"""While a version serves, the next one is loaded beside the requests."""

import threading

import pytest
from django.db import OperationalError

from recommendations.catalog import sync_catalog
from recommendations.models import RecommenderVersion
from recommendations.publishing import current, current_recommender, publish
from tests.published import publish_made_artifact
from tests.publishing.test_publishing import BROKEN
from tests.shop.models import Book

START = current.start


@pytest.fixture
def started(db, monkeypatch):
    """What would run in a thread, to be called when a test likes; every call looks for news."""
    Book.objects.bulk_create(Book(name=f"Book {k}", shelf="Shelf") for k in range(12))
    sync_catalog()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    monkeypatch.setattr("tests.published.forget", lambda: None)
    works = []
    monkeypatch.setattr(current, "start", works.append)
    return works


def test_the_old_version_serves_until_the_new_one_is_ready_and_it_is_loaded_once(started):
    old = publish_made_artifact()
    assert current_recommender().version == old.pk and not started  # nothing served before it
    new = publish_made_artifact(seed=1)
    assert [current_recommender().version for _ in range(3)] == [old.pk] * 3
    assert len(started) == 1
    started[0]()
    assert current_recommender().version == new.pk
    assert len(started) == 1


def test_what_is_ready_is_taken_before_the_next_look_is_due(started, monkeypatch):
    old = publish_made_artifact()
    current_recommender()
    new = publish_made_artifact(seed=1)
    current_recommender()
    monkeypatch.setattr(current, "REFRESH_SECONDS", 3_600.0)
    assert current_recommender().version == old.pk
    started[0]()
    assert current_recommender().version == new.pk


def test_what_was_rolled_back_meanwhile_never_serves(started):
    old = publish_made_artifact()
    current_recommender()
    new = publish_made_artifact(seed=1)
    current_recommender()
    publish(old)
    started[0]()
    assert current_recommender().version == old.pk
    publish(new)
    assert current_recommender().version == old.pk and len(started) == 2  # loaded anew, not kept


def test_another_version_published_meanwhile_waits_for_its_turn(started):
    publish_made_artifact()
    first = current_recommender().version
    publish_made_artifact(seed=1)
    current_recommender()
    newest = publish_made_artifact(seed=2)
    assert current_recommender().version == first and len(started) == 1
    started[0]()
    assert current_recommender().version == first and len(started) == 2
    started[1]()
    assert current_recommender().version == newest.pk


def test_a_database_that_fails_meanwhile_is_logged_once_and_the_old_version_goes_on(started, monkeypatch, caplog):
    old = publish_made_artifact()
    current_recommender()
    new = publish_made_artifact(seed=1)
    current_recommender()

    def fail(loaded, since=None):
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(current.LoadedRecommender, "refresh", fail)
        started[0]()
    assert [current_recommender().version for _ in range(2)] == [old.pk] * 2
    assert len([record for record in caplog.records if BROKEN in record.message]) == 1
    monotonic = current.monotonic
    monkeypatch.setattr(current, "monotonic", lambda: monotonic() + current.RETRY_SECONDS)
    current_recommender()
    started[1]()
    assert current_recommender().version == new.pk


def learns_of_the_shop(old):
    """Whether the old version goes on, without what was just sold out and with what is new."""
    book = Book.objects.order_by("pk")[2]
    book.in_stock = False
    book.save()
    new = Book.objects.create(name="Book of the day", shelf="Shelf")
    sync_catalog()
    serving = current_recommender()
    (sold_out,) = serving.scorer.vocabulary.numbers([str(book.pk)])
    return serving.version == old.pk and str(new.pk) in serving.unknown and not serving.eligible[sold_out]


def test_what_serves_while_the_next_is_loaded_learns_of_the_shop(started):
    old = publish_made_artifact()
    current_recommender()
    publish_made_artifact(seed=1)
    current_recommender()
    assert learns_of_the_shop(old)
    assert len(started) == 1  # it is on its way still


def test_what_serves_while_the_newest_can_not_be_read_learns_of_the_shop(started):
    old = publish_made_artifact()
    current_recommender()
    broken = publish_made_artifact(seed=1)
    RecommenderVersion.objects.filter(pk=broken.pk).update(artifact="gone")
    current_recommender()
    started[0]()
    current_recommender()  # it can't be read, and is tried again in a minute
    assert learns_of_the_shop(old)


def test_it_runs_in_a_thread_that_leaves_no_connection_open(monkeypatch):
    told, closed = [], threading.Event()
    monkeypatch.setattr(current.connections, "close_all", closed.set)

    START(lambda: told.append(threading.get_ident()))
    assert closed.wait(30)
    assert told != [threading.get_ident()]
