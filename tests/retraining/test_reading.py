import os
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from recommendations.ml.baselines import count_items
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, RemovedProduct, Shopper
from recommendations.retraining import reading
from recommendations.retraining.reading import read_log
from tests.retraining.made_shop import BEGIN, make_shop


@pytest.fixture
def rows():
    """rows(*(shopper, product_id, kind, hours after BEGIN)) stores these events; shoppers and products by name."""

    def store(*events):
        for number, (shopper, product_id, kind, hours) in enumerate(events):
            product = product_id and Product.objects.get_or_create(product_id=product_id)[0]
            Interaction.objects.create(
                shopper=Shopper.objects.get_or_create(external_id=shopper)[0],
                product=product or None,
                kind=kind,
                source=Interaction.Source.SERVER,
                occurred_at=BEGIN + timedelta(hours=hours),
                event_key=number,
            )

    return store


def read():
    """What training sees, as (shopper's name, product_id, kind, hours)."""
    found = read_log(lambda share: None)
    log, vocabulary = found.log, found.vocabulary
    names = dict(Shopper.objects.values_list("pk", "external_id"))
    return [
        (names[shopper], vocabulary.product_id(item), kind, (time - int(BEGIN.timestamp())) / 3600)
        for shopper, item, kind, time in zip(
            log.shopper.tolist(), log.item.tolist(), log.kind.tolist(), log.time.tolist(), strict=True
        )
    ]


def test_events_are_read_by_shopper_oldest_first(db, rows):
    rows(("anna", "a", Kind.VIEW, 5), ("ben", "b", Kind.PURCHASE, 1), ("anna", "b", Kind.SAVE, 2))
    assert read() == [("anna", "b", Kind.SAVE, 2), ("anna", "a", Kind.VIEW, 5), ("ben", "b", Kind.PURCHASE, 1)]


def test_an_empty_shop_gives_an_empty_log(db):
    found = read_log(lambda share: None)
    assert (len(found.log), len(found.vocabulary)) == (0, 0)


def test_only_products_that_somebody_met_get_a_number(db, rows):
    Product.objects.create(product_id="unmet")
    rows(("anna", "second", Kind.VIEW, 1), ("anna", "first", Kind.VIEW, 2))
    vocabulary = read_log(lambda share: None).vocabulary
    assert [vocabulary.product_id(k) for k in (1, 2)] == ["second", "first"]
    assert vocabulary.number("unmet") == 0


@pytest.mark.parametrize("kind", [Kind.REMOVE_FROM_CART, Kind.RETURN])
def test_kinds_that_are_no_wish_are_not_read(db, rows, kind):
    rows(("anna", "a", kind, 1), ("anna", "b", Kind.VIEW, 2))
    assert read() == [("anna", "b", Kind.VIEW, 2)]


def test_what_a_shopper_removed_is_not_trained_on(db, rows):
    rows(("anna", "a", Kind.VIEW, 1), ("anna", "b", Kind.VIEW, 2), ("ben", "a", Kind.VIEW, 3))
    RemovedProduct.objects.create(
        shopper=Shopper.objects.get(external_id="anna"),
        product=Product.objects.get(product_id="a"),
        removed_at=BEGIN + timedelta(hours=10),
    )
    assert read() == [("anna", "b", Kind.VIEW, 2), ("ben", "a", Kind.VIEW, 3)]


def test_shoppers_who_opted_out_are_not_trained_on(db, rows):
    rows(("anna", "a", Kind.VIEW, 1), ("ben", "b", Kind.VIEW, 2))
    Shopper.objects.filter(external_id="anna").update(personalised=False)
    assert read() == [("ben", "b", Kind.VIEW, 2)]


def test_chunks_join_without_a_seam_and_tell_how_far_they_are(db, monkeypatch):
    make_shop(books=12, shoppers=10, events=7)
    whole = read_log(lambda share: None).log
    monkeypatch.setattr(reading, "AT_ONCE", 3)
    told = []
    chunked = read_log(told.append).log
    assert len(whole) == 70
    for name in ("shopper", "item", "kind", "time"):
        assert np.array_equal(getattr(whole, name), getattr(chunked, name))
    assert told == sorted(told)
    assert (len(told), told[-1]) == (4, 1.0)


def test_reading_takes_as_many_queries_whatever_the_size(db, django_assert_max_num_queries):
    make_shop(books=12, shoppers=4, events=3)
    # what is left out, what was removed, how many customers, the shoppers, the staff, what they did with products
    # (PostgreSQL: and how many events there may be), what they searched, what they returned, the products
    with django_assert_max_num_queries(10):
        read_log(lambda share: None)


def test_times_are_whole_seconds_of_utc(db, rows):
    rows(("anna", "a", Kind.VIEW, 0))
    Interaction.objects.update(occurred_at=BEGIN + timedelta(seconds=1, milliseconds=900))
    log = read_log(lambda share: None).log
    assert log.time.tolist() == [int(BEGIN.timestamp()) + 1]
    with timezone.override("Asia/Kathmandu"):
        assert read_log(lambda share: None).log.time.tolist() == log.time.tolist()


def search(shopper, query, hours):
    Interaction.objects.create(
        shopper=Shopper.objects.get(external_id=shopper),
        kind=Kind.SEARCH,
        source=Interaction.Source.SERVER,
        query=query,
        occurred_at=BEGIN + timedelta(hours=hours),
        event_key=Interaction.objects.count() + 1_000,
    )


def test_searches_stand_for_the_products_whose_words_match(db, rows):
    rows(("anna", "a", Kind.VIEW, 1), ("anna", "b", Kind.VIEW, 4), ("ben", "a", Kind.VIEW, 1))
    Product.objects.filter(product_id="a").update(title="Green tea", brand="Leaf", category=["Drinks"])
    search("anna", "teas", 2)
    search("anna", "quantum", 3)  # nothing is called that
    search("ben", "teas", 5)
    found = read_log(lambda share: None)
    log, number = found.log, found.vocabulary.number("a")
    query = len(found.vocabulary) + 1
    assert log.item.tolist() == [number, query, found.vocabulary.number("b"), number, query]
    assert log.kind.tolist() == [Kind.VIEW, Kind.SEARCH, Kind.VIEW, Kind.VIEW, Kind.SEARCH]
    assert log.dropped == 1
    assert log.queries.bag(query).items.tolist() == [number]
    assert found.index.bag("leaf drink").items.tolist() == [number]


def test_what_searches_stood_for_before_knows_no_product_that_came_later(db, rows):
    """The word of a later product is not found, and its text weighs nothing in what the others' words tell."""
    rows(("anna", "a", Kind.VIEW, 1), ("anna", "b", Kind.VIEW, 2), ("ben", "c", Kind.VIEW, 9))
    for key, title in (("a", "green tea"), ("b", "black tea pot"), ("c", "tea pot warmer")):
        Product.objects.filter(product_id=key).update(title=title)
    for hours, query in enumerate(("tea pot", "warmer"), start=3):
        search("anna", query, hours)
    now, before = read_log(lambda share: None), int((BEGIN + timedelta(hours=8)).timestamp())
    a, b, c = (now.vocabulary.number(key) for key in "abc")
    then = now.words_before(before).queries
    assert [set(bag.items.tolist()) for bag in now.log.queries.bags] == [{a, b, c}, {c}]
    assert [set(bag.items.tolist()) for bag in then.bags] == [{a, b}, set()]
    Product.objects.filter(product_id="c").update(title="something else")
    other = read_log(lambda share: None).words_before(before).queries
    assert [bag.weights.tobytes() for bag in other.bags[:1]] == [bag.weights.tobytes() for bag in then.bags[:1]]
    assert np.count_nonzero(now.log.with_queries(then).kind == Kind.SEARCH) == 1  # "warmer" stood for nothing


def counted_before(time):
    """(log before it, what it stood for, counts): all that the judged fit is made of, as bytes."""
    from recommendations.ml.training.tables import build_tables

    found = read_log(lambda share: None)
    index, queries = found.words_before(time)
    past = found.log.with_queries(queries).before(time)
    known, searched = past.products_met(), past.queries.among(past.item)
    place = np.where(searched, past.queries.first - past.item, past.item)  # searches are numbered behind all products
    tables = build_tables(past, len(found.vocabulary), time, index)
    square = tables.following, tables.likeness
    counts = tables.popularity[: known + 1], *(array.toarray()[: known + 1, : known + 1] for array in square)
    bags = [array.tobytes() for bag in queries.bags for array in (bag.items, bag.weights)]
    log = [array.tobytes() for array in (past.shopper, place, past.kind, past.time, *counts)]
    return found.vocabulary.product_ids[:known], log, bags


@pytest.mark.training
def test_a_product_first_met_later_changes_nothing_of_what_was_before(db, rows):
    """Not even if it is the shop's oldest: the lines of orders keep their order, and searches what they stand for."""
    Product.objects.create(product_id="unmet", title="tea")
    orders = [(name, f"p{k}", Kind.PURCHASE, 1 + (k + ord(name[0])) % 3) for name in ("anna", "ben") for k in range(9)]
    rows(*orders)
    Product.objects.exclude(product_id="unmet").update(title="green tea")
    search("anna", "tea", 2)
    search("ben", "green tea", 2)
    time = int((BEGIN + timedelta(hours=5)).timestamp())
    before = counted_before(time)
    Interaction.objects.create(
        shopper=Shopper.objects.get(external_id="anna"),
        product=Product.objects.get(product_id="unmet"),
        kind=Kind.VIEW,
        source=Interaction.Source.SERVER,
        occurred_at=BEGIN + timedelta(hours=6),
        event_key=99,
    )
    assert read_log(lambda share: None).vocabulary.number("unmet") == 10
    assert counted_before(time) == before


def test_searches_stand_for_the_popular_of_equal_matches_as_in_the_artifact(db, rows):
    rows(*(("anna", f"p{k}", Kind.VIEW, k) for k in range(30)), *(("ben", f"p{k}", Kind.VIEW, 1) for k in range(5, 30)))
    Product.objects.update(title="tea")
    search("anna", "tea", 40)
    found = read_log(lambda share: None)
    assert found.index.popularity.tolist() == count_items(found.log.products(), 30).tolist()
    met_twice = {found.vocabulary.number(f"p{k}") for k in range(5, 30)}
    assert len(found.log.queries.bags[0].items) == 20
    assert set(found.log.queries.bags[0].items.tolist()) < met_twice


def test_a_search_that_was_removed_is_not_trained_on(db, rows):
    rows(("anna", "a", Kind.VIEW, 1))
    Product.objects.update(title="tea")
    search("anna", "tea", 2)
    anna = Shopper.objects.get(external_id="anna")
    RemovedProduct.objects.create(shopper=anna, query="tea", removed_at=BEGIN + timedelta(hours=3))
    assert read() == [("anna", "a", Kind.VIEW, 1)]


def left_out(told):
    return {cause: rows for cause, rows in told["left_out"].items() if rows}


def test_every_event_of_the_table_is_in_the_report(db, rows):
    rows(
        ("anna", "a", Kind.VIEW, 1),
        ("anna", "a", Kind.VIEW, 1),
        ("anna", "b", Kind.REMOVE_FROM_CART, 2),
        ("anna", "b", Kind.VIEW, 3),
        ("anna", "c", Kind.VIEW, 4),
        ("ben", "a", Kind.VIEW, 1),
        ("clara", "a", Kind.VIEW, 1),
        ("dora", "a", Kind.VIEW, 24 * 365 * 500),
        ("emil", "a", Kind.SEARCH, 1),
    )
    Shopper.objects.filter(external_id="ben").update(personalised=False)
    search("anna", "quantum", 5)
    search("anna", " ", 6)
    anna, c = Shopper.objects.get(external_id="anna"), Product.objects.get(product_id="c")
    RemovedProduct.objects.create(shopper=anna, product=c, removed_at=BEGIN + timedelta(hours=9))
    told = read_log(lambda share: None).report.to_dict()
    assert left_out(told) == {
        "opted_out": 1,
        "other_kinds": 1,
        "removed": 1,
        "broken": 2,
        "clock": 1,
        "duplicates": 1,
        "unmatched_searches": 1,
    }
    assert (told["kept"], told["rows"]) == (3, Interaction.objects.count())
    assert told["one_event_shoppers"] == 1  # clara


def test_what_came_back_is_not_learned_from(db, rows):
    rows(
        ("anna", "a", Kind.PURCHASE, 1),
        ("anna", "b", Kind.PURCHASE, 1),
        ("anna", "a", Kind.RETURN, 9),
        ("ben", "a", Kind.PURCHASE, 1),
    )
    assert read() == [("anna", "b", Kind.PURCHASE, 1), ("ben", "a", Kind.PURCHASE, 1)]
    assert left_out(read_log(lambda share: None).report.to_dict()) == {"returned": 1, "other_kinds": 1}


def test_what_the_shops_own_people_look_at_is_not_learned_from(db, rows):
    rows(("anna", "a", Kind.VIEW, 1), ("anna", "b", Kind.PURCHASE, 2), ("ben", "a", Kind.VIEW, 3))
    model = get_user_model()
    user = model(is_staff=True, **{model.USERNAME_FIELD: "anna"})
    user.set_unusable_password()
    user.save()
    Shopper.objects.filter(external_id="anna").update(user=user)
    assert read() == [("anna", "b", Kind.PURCHASE, 2), ("ben", "a", Kind.VIEW, 3)]
    assert left_out(read_log(lambda share: None).report.to_dict()) == {"staff": 1}


TWO_WRITERS = """
import django
django.setup()
from threading import Thread
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now
call_command("migrate", run_syncdb=True, verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("PRAGMA journal_mode=WAL")
from recommendations.models import RecommenderVersion
from recommendations.retraining import reading
from tests.retraining.made_shop import make_shop
make_shop(books=12, shoppers=10, events=7)
reading.AT_ONCE = 3
version = RecommenderVersion.objects.create()

def heartbeat():
    RecommenderVersion.objects.update(heartbeat_at=Now())
    connection.close()

def report(share):
    beating = Thread(target=heartbeat)
    beating.start()
    beating.join()
    RecommenderVersion.objects.update(progress=share)

log = reading.read_log(report).log
print(len(log), RecommenderVersion.objects.get().progress)
"""


def test_reporting_goes_on_beside_a_heartbeat_on_sqlite(tmp_path):
    """With a read left open, SQLite refuses to write once another connection has written."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
    }
    command = [sys.executable, "-c", TWO_WRITERS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert done.stdout.split() == ["70", "1.0"]


def test_words_are_read_of_the_products_that_somebody_met(db, rows):
    Product.objects.create(product_id="unmet", brand="Other")
    Product.objects.create(product_id="a", brand="Acme", category=["Food", "Tea"])
    Product.objects.create(product_id="b", category=["Food"])
    rows(("anna", "b", Kind.VIEW, 1), ("anna", "a", Kind.VIEW, 2))
    found = read_log(lambda share: None)
    assert [found.vocabulary.product_id(k) for k in (1, 2)] == ["b", "a"]
    assert list(found.index.words) == ["acme", "food", "tea"]
    assert found.words_before(int((BEGIN + timedelta(hours=2)).timestamp())).index.words == ["food"]


def test_a_visitor_who_buys_later_was_none_of_the_customers_until_then(db, rows, settings):
    settings.RECOMMENDATIONS = {"LEARN_FROM_VISITORS": False}
    rows(("anna", "a", Kind.VIEW, 1))
    visitor, product = Shopper.objects.create(key_hash="a" * 64), Product.objects.get()
    event = {"shopper": visitor, "product": product, "source": Interaction.Source.SERVER}
    Interaction.objects.create(kind=Kind.VIEW, event_key=50, **event)
    until = Interaction.objects.newest_key()
    Interaction.objects.create(kind=Kind.PURCHASE, event_key=51, **event)
    found = read_log(lambda share: None, until)
    assert (len(found.log), found.report.left_out["visitors"]) == (1, 1)
    assert len(read_log(lambda share: None).log) == 3
