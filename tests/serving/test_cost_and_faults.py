"""What a list costs the database, and what a page sees when something breaks."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommendations import serving
from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import READ_LIMIT
from recommendations.models import HiddenProduct, Product, RecommenderVersion, RemovedProduct
from recommendations.publishing import current_recommender, forget
from recommendations.serving import RecommendationQuery, recommend
from tests.shop.models import Book

lenient = override_settings(RECOMMENDATIONS={"STRICT": False})


def statements(query):
    """What one list asks the database, once the recommender is loaded."""
    recommend(query)
    with CaptureQueriesContext(connection) as captured:
        recommend(query)
    return [entry["sql"] for entry in captured]


def selects(query):
    """(ours, the shop's) SELECTs of one list; nothing is written. The tests' own transaction asks for a savepoint."""
    asked = [sql for sql in statements(query) if "SAVEPOINT" not in sql]
    assert not [sql for sql in asked if not sql.lstrip("(").startswith("SELECT")]
    shops = [sql for sql in asked if "shop_book" in sql]
    return len(asked) - len(shops), len(shops)


@pytest.mark.parametrize("limit", [1, 10, 40])
@pytest.mark.parametrize("events", [2, 20, 50])
def test_selects_do_not_grow_with_limit_or_history(version, popular, shopper, books, did, limit, events):
    did(shopper, books[:events])
    ours, shops = selects(RecommendationQuery("new_for_you", shopper, limit=limit))
    decides = (events, limit) == (2, 40)  # without both of two products it is all that there is
    assert ours == 2 + 2 * decides  # history and left out
    assert shops == 1


def test_for_whom_little_is_for_sale_the_shop_alone_is_asked_on(version, popular, shopper, books, did):
    did(shopper, books[:3])
    Book.objects.exclude(pk__in=[book.pk for book in books[:5]]).update(in_stock=False)
    query = RecommendationQuery("new_for_you", shopper, explains=False)
    assert len(recommend(query).recommendations) == 2
    assert selects(query) == (2, 2)


def test_what_the_version_does_not_know_is_asked_for_where_there_is_such(version, popular, shopper, books, did):
    new = Book.objects.create(name="Unlike")  # no word is known
    sync_catalog()
    did(shopper, books[:3])
    Book.objects.exclude(pk__in=[book.pk for book in [*books[:5], new]]).update(in_stock=False)
    query = RecommendationQuery("new_for_you", shopper, explains=False)
    assert recommend(query).product_ids[2:] == [str(new.pk)]
    assert selects(query) == (4, 2)


def test_a_long_history_costs_one_select_more(version, popular, shopper, books, did):
    for day in range(READ_LIMIT // 50 + 1):
        did(shopper, books[:50], Kind.PURCHASE, ago=timedelta(days=day))
    assert selects(RecommendationQuery("home", shopper)) == (3, 1)


def test_a_stranger_costs_one_select(version, popular):
    assert selects(RecommendationQuery("home")) == (1, 1)


def test_in_a_transaction_a_list_takes_one_savepoint(version, shopper, books, did):
    did(shopper, books[:3])
    with transaction.atomic():
        asked = statements(RecommendationQuery("home", shopper))
    assert [sql.split()[0] for sql in asked if "SAVEPOINT" in sql] == ["SAVEPOINT", "RELEASE"]


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_a_list_only_reads(version, shopper, books, did):
    did(shopper, books[:3])
    assert [sql.split()[0].lstrip("(") for sql in statements(RecommendationQuery("home", shopper))] == ["SELECT"] * 3


@pytest.fixture
def broken_history(monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("history is gone")

    monkeypatch.setattr(serving.recommending, "read_memory", fail)


def test_an_error_is_logged_once_and_popular_products_are_served(
    version, popular, shopper, books, broken_history, caplog
):
    with lenient:
        found = recommend(RecommendationQuery("home", shopper))
    assert {entry.source for entry in found.recommendations} == {"popular"}
    assert len([record for record in caplog.records if record.name == "recommendations"]) == 1


def test_what_must_not_be_shown_is_not_in_the_list_of_last_resort(version, popular, shopper, books, broken_history):
    first, second, third, *_ = Product.objects.order_by("pk")
    HiddenProduct.objects.create(shopper=shopper, product=first, until=timezone.now() + timedelta(days=1))
    RemovedProduct.objects.create(shopper=shopper, product=second, removed_at=timezone.now())
    with lenient:
        found = recommend(RecommendationQuery("home", shopper)).product_ids
    assert found[0] == third.product_id
    assert not {first.product_id, second.product_id} & {*found}


def test_the_list_of_last_resort_does_without_wishes_that_can_not_be_read(
    version, popular, shopper, broken_history, monkeypatch
):
    def fail(*args, **kwargs):
        raise DatabaseError("wishes are gone")

    monkeypatch.setattr(serving.recommending, "read_wishes", fail)
    with lenient:
        assert len(recommend(RecommendationQuery("home", shopper)).recommendations) == 10


def test_an_error_is_raised_when_strict(version, shopper, broken_history):
    with pytest.raises(DatabaseError, match="history is gone"):
        recommend(RecommendationQuery("home", shopper))


def test_an_error_inside_the_callers_transaction_leaves_it_usable(version, popular, shopper, monkeypatch):
    def fail(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM recommendations_shopper")

    monkeypatch.setattr(serving.recommending, "read_memory", fail)
    with lenient, transaction.atomic():
        assert recommend(RecommendationQuery("home", shopper)).recommendations
        assert Book.objects.count() == 60


def test_when_even_the_popular_list_fails_the_list_is_empty(version, shopper, broken_history, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("no database")

    monkeypatch.setattr(serving.candidates, "popular_products", fail)
    with lenient:
        assert recommend(RecommendationQuery("home", shopper)).recommendations == ()


def test_a_broken_artifact_serves_popular_products_and_is_logged_once(version, popular, shopper, books, did, caplog):
    did(shopper, books[:3])
    RecommenderVersion.objects.filter(pk=version.pk).update(artifact="no-such-folder")
    forget()
    for _ in range(3):
        found = recommend(RecommendationQuery("home", shopper))
        assert {entry.source for entry in found.recommendations} == {"popular"}
    assert current_recommender() is None
    assert len([record for record in caplog.records if "can't be served" in record.message]) == 1
