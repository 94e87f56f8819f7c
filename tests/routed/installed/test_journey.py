"""What shoppers and staff do in a shop whose router sends our tables to a second database, and reads to a replica."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.checks import ERROR
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from recommendations import controls, tasks
from recommendations.capture import Batch, import_rows, merge_at_login, record
from recommendations.catalog import sync_catalog
from recommendations.checks import check_configuration
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, ProductPopularity, RecommenderVersion, Shopper
from recommendations.models.shopper import hash_key
from recommendations.publishing import current_recommender, publish
from recommendations.retraining import retrain
from recommendations.serving import RecommendationQuery, recommend
from tests.retraining.conftest import heart_at_rest, trainer  # noqa: F401
from tests.retraining.made_shop import make_shop
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog

# Not in a transaction of the test's: it would stand for those that the app must begin.
pytestmark = pytest.mark.django_db(databases=["default", "shoppers"], transaction=True)
BEACON = "/recommendations/v1/interactions/"
BROWSER = {"user-agent": "Mozilla/5.0 Firefox/150.0", "sec-fetch-site": "same-origin"}


@pytest.fixture(autouse=True)
def _artifacts_of_their_own(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    options = {"location": tmp_path / "artifacts"}
    settings.STORAGES = settings.STORAGES | {
        "recommendations": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    }


@pytest.fixture
def books():
    made = Book.objects.bulk_create(Book(name=f"Book {k}", shelf=f"Shelf {k % 2}") for k in range(1, 13))
    sync_catalog()
    return made


def asked_by(key="", user=None):
    request = RequestFactory().get("/", headers=BROWSER)
    request.COOKIES.update({"recommendations_shopper": key} if key else {})
    if user is not None:
        request.user = user
    return request


def test_the_checks_find_nothing_to_mend():
    assert check_configuration() == []


def test_users_elsewhere_are_told(monkeypatch):
    monkeypatch.setattr("tests.routed.router.SHOPPERS", ("recommendations",))
    (message,) = check_configuration()
    assert (message.id, message.level) == ("recommendations.E011", ERROR)
    assert message.msg.startswith("The router sends the app's tables to DATABASES['shoppers'], the users to 'default'")


def test_a_visitor_sends_two_events_and_has_one_cookie(books, client):
    for book in books[:2]:
        event = json.dumps({"kind": "view", "product": str(book.pk)})
        sent = client.post(BEACON, event, content_type="text/plain", headers=BROWSER)
        assert (sent.status_code, sent.json()["accepted"]) == (201, 1)
    assert Shopper.objects.count() == 1
    assert Interaction.objects.using("shoppers").count() == 2


def test_an_accepted_event_is_committed_before_the_answer(books, client, monkeypatch):
    seen = []
    store = Interaction.objects.get_queryset().insert_new

    def storing(rows):
        seen.append(transaction.get_connection("shoppers").in_atomic_block)
        return store(rows)

    monkeypatch.setattr("recommendations.capture.storing.Interaction.objects.insert_new", storing)
    event = json.dumps({"kind": "view", "product": str(books[0].pk)})
    assert client.post(BEACON, event, content_type="text/plain", headers=BROWSER).status_code == 201
    assert seen == [False]


def test_a_visitor_removes_hides_logs_in_and_leaves(books):
    response = HttpResponse()
    assert record(asked_by(), Kind.VIEW, books[0], response=response)
    key = response.cookies["recommendations_shopper"].value
    for book in books[1:4]:
        assert record(asked_by(key), Kind.VIEW, book)
    visitor = Shopper.objects.get(key_hash=hash_key(key))
    assert controls.remove(visitor, product_id=str(books[0].pk))
    assert controls.restore(visitor, product_id=str(books[0].pk))
    controls.hide(visitor, str(books[1].pk))
    anna = User.objects.create_user("anna")
    merge_at_login(asked_by(key, anna), anna)
    user = Shopper.objects.of_user(anna)
    assert (Interaction.objects.filter(shopper=user).count(), HiddenProduct.objects.get().shopper) == (4, user)
    controls.switch_off(asked_by(user=anna), HttpResponse())
    assert not record(asked_by(user=anna), Kind.VIEW, books[5])
    assert controls.erase(user) == 4
    anna.delete()
    assert not Shopper.objects.filter(user_id=user.user_id).exists()


def test_a_failing_card_leaves_the_shops_transaction_as_it_was(books, settings, monkeypatch):
    settings.RECOMMENDATIONS = {"STRICT": False}

    def card(self, product, request):
        Book.objects.create(name="Stands for a statement that spoils the transaction, as on PostgreSQL each that fails")
        raise DatabaseError("canceling statement due to statement timeout")

    monkeypatch.setattr(BookCatalog, "card", card)
    with transaction.atomic():
        Book.objects.create(name="The shop's own")
        assert recommend(RecommendationQuery("home")).recommendations == ()
    assert set(Book.objects.values_list("name", flat=True)) == {*(book.name for book in books), "The shop's own"}


def test_past_orders_are_imported(books):
    ordered_at = int((timezone.now() - timedelta(days=400)).timestamp())
    batch = Batch(["a", "b"], [str(books[0].pk)] * 2, [ordered_at] * 2)
    assert import_rows([batch]).added == 2


def test_a_training_is_published_served_and_rolled_back(trainer, monkeypatch):  # noqa: F811
    make_shop(books=12, shoppers=6, events=4)
    first = retrain("anna")
    assert first.status == RecommenderVersion.Status.PUBLISHED, first.error
    tasks.retrain_recommender.apply(task_id="night 1")
    tasks.retrain_recommender.apply(task_id="night 1")
    assert RecommenderVersion.objects.count() == 2
    publish(first)
    assert current_recommender().version == first.pk
    shown = recommend(RecommendationQuery("home", Shopper.objects.earliest("pk"), limit=3))
    assert {entry.source for entry in shown.recommendations} == {"recommender"}
    assert ProductPopularity.objects.exists()


def test_what_is_saved_in_the_shop_is_mirrored_after_its_own_commit(books):
    with transaction.atomic(using="shoppers"):
        book = Book.objects.create(name="Late")
        assert Product.objects.filter(product_id=str(book.pk)).exists()  # the shop's database has committed


def test_a_look_at_the_pages(books, client):
    User.objects.create_superuser("clerk", password="secret")
    client.login(username="clerk", password="secret")
    for path in ("recommenderversion", "interaction", "shopper", "product"):
        assert client.get(f"/admin/recommendations/{path}/").status_code == 200
    assert client.get("/recommendations/yours/").status_code == 200
    assert client.get("/recommendations/health/ready/").status_code == 200


def test_what_is_too_old_is_purged(books):
    shopper = Shopper.objects.create(external_id="old")
    past = timezone.now() - timedelta(days=3_000)
    record(shopper, Kind.VIEW, books[0])
    Interaction.objects.update(occurred_at=past)
    call_command("count_popularity")
    assert controls.purge().old == 1
