"""Transactions among others': SQLite lets one write at a time, PostgreSQL ends one of two that wait for each other."""

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from recommendations.capture import Batch, import_rows, merge_at_login
from recommendations.catalog import mirror
from recommendations.controls import erase, hide
from recommendations.models import Product, Shopper
from recommendations.models.fresh import TRIES, again_after_deadlock
from recommendations.models.shopper import hash_key
from tests.shop.models import Book


def log_in():
    request = RequestFactory().get("/")
    request.COOKIES["recommendations_shopper"] = "key"
    merge_at_login(request, get_user_model().objects.create_user("anna"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "work",
    [
        lambda shopper: erase(shopper),
        lambda shopper: hide(shopper, "tea"),
        lambda shopper: import_rows([Batch(["ann"], ["tea"], [10**9])]),
        lambda shopper: mirror([str(Book.objects.get().pk)]),
        lambda shopper: log_in(),
    ],
    ids=["erase", "hide", "import", "mirror", "login"],
)
def test_no_transaction_reads_before_it_writes_on_sqlite(work):
    """It would fail at once, "database is locked", where another has written since."""
    shopper = Shopper.objects.create(key_hash=hash_key("key"))
    Product.objects.create(product_id="tea")
    Book.objects.create(name="Tea")
    Product.objects.update(title="Out of date")
    with CaptureQueriesContext(connection) as captured:
        work(shopper)
    said = [query["sql"].split()[0] for query in captured.captured_queries]
    begun = [said[place + 1] for place, word in enumerate(said) if word == "BEGIN"]
    assert begun and ("SELECT" not in begun or connection.vendor != "sqlite")


class Deadlock(Exception):
    sqlstate = "40P01"


def ended(times, cause):
    """Work that the database ends so often, and what is noted of it."""
    tried = []

    def work():
        tried.append(1)
        if len(tried) <= times:
            raise OperationalError("deadlock detected") from cause
        return "done"

    return work, tried


def test_what_a_deadlock_ended_is_done_again():
    work, tried = ended(TRIES - 1, Deadlock())
    assert (again_after_deadlock(work), len(tried)) == ("done", TRIES)


@pytest.mark.parametrize(("times", "cause", "tries"), [(TRIES, Deadlock(), TRIES), (1, None, 1)])
def test_but_not_for_ever_nor_after_anything_else(times, cause, tries):
    work, tried = ended(times, cause)
    with pytest.raises(OperationalError):
        again_after_deadlock(work)
    assert len(tried) == tries
