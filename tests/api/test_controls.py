"""The shopper's rights over REST, as a visitor without JavaScript's help and as a user."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommendations import controls
from recommendations.ml.kinds import Kind
from recommendations.models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper
from recommendations.models.shopper import OFF_COOKIE, hash_key
from tests.api.conftest import URL
from tests.serving.conftest import books, did, popular, version  # noqa: F401 - the same shop

COOKIE = "recommendations_shopper"
JSON = "application/json"


@pytest.fixture
def visitor(db, client):
    client.cookies[COOKIE] = "key"
    return Shopper.objects.create(key_hash=hash_key("key"))


def put(client, value):
    return client.put(f"{URL}personalisation/", {"personalised": value}, content_type=JSON)


def listed(client, **options):
    found = client.get(f"{URL}lists/", {"placement": "home"}, **options).json()["recommendations"]
    return [(entry["product"]["id"], entry["source"], entry["reason"]["text"]) for entry in found]


def behaviour_in(queries):
    tables = [model._meta.db_table for model in (Interaction, RemovedProduct, HiddenProduct)]
    return [query["sql"] for query in queries if any(f'"{table}"' in query["sql"] for table in tables)]


def test_a_paused_visitor_is_nobody(version, popular, books, did, visitor, client, send):  # noqa: F811
    did(visitor, books[10:13])
    stranger = listed(Client())
    assert listed(client) != stranger
    assert put(client, False).json() == {"personalised": False}
    assert (client.cookies[COOKIE].value, client.cookies[OFF_COOKIE].value) == ("", "1")
    with CaptureQueriesContext(connection) as asked:
        assert listed(client) == stranger
        sent = send(client, {"kind": "view", "product": str(books[0].pk)})
        client.get("/recommendations/yours/")
    assert (sent.status_code, sent.json()["accepted"], COOKIE in sent.cookies) == (201, 0, False)
    assert behaviour_in(asked) == []
    assert client.get(f"{URL}personalisation/").json() == {"personalised": False}


def test_a_user_whose_browser_says_off_is_told_so_and_can_switch_it_on(client, django_user_model):
    anna = django_user_model.objects.create_user("anna")
    Shopper.objects.create(user=anna)
    client.force_login(anna)
    client.cookies[OFF_COOKIE] = "1"
    assert client.get(f"{URL}personalisation/").json() == {"personalised": False}
    assert put(client, True).json() == {"personalised": True}
    assert client.cookies[OFF_COOKIE].value == ""
    assert client.get(f"{URL}personalisation/").json() == {"personalised": True}


@pytest.mark.parametrize("path", ["lists/?placement=home", "history/", "hidden/", "personalisation/", "export/"])
def test_no_shared_cache_keeps_what_is_about_one_person(version, visitor, client, path):  # noqa: F811
    answer = client.get(f"{URL}{path}")
    assert answer.status_code == 200
    assert "private" in answer["Cache-Control"]


def test_what_a_paused_visitor_left_is_erased_for_nobody_can_reach_it(books, did, visitor, client):  # noqa: F811
    did(visitor, books[:3])
    put(client, False)
    assert not Interaction.objects.exists()
    put(client, True)
    assert client.cookies[OFF_COOKIE].value == ""
    assert client.get(f"{URL}history/").json() == {"history": [], "removed": [], "interests": []}


def test_a_paused_user_is_nobody_and_gets_the_history_back(version, popular, books, did, user, client):  # noqa: F811
    client.force_login(user)
    did(Shopper.objects.create(user=user), books[10:13])
    before, stranger = listed(client), listed(Client())
    put(client, False)
    with CaptureQueriesContext(connection) as asked:
        assert listed(client) == stranger
    assert behaviour_in(asked) == []
    told = client.delete(f"{URL}history/?product={books[10].pk}")
    assert (told.status_code, told.json()["detail"][:31]) == (404, "Personalisation is off: no list")
    put(client, True)
    assert listed(client) == before != stranger


def has_agreed(request):
    return request.headers.get("X-Consent") == "yes"


@pytest.mark.usefixtures("version", "popular")
def test_without_consent_a_user_is_nobody_and_gets_it_all_back(books, did, user, client, send, settings):  # noqa: F811
    settings.RECOMMENDATIONS = settings.RECOMMENDATIONS | {"HAS_CONSENT": f"{__name__}.has_agreed"}
    client.force_login(user)
    did(Shopper.objects.create(user=user), books[10:13])
    stranger = listed(Client())
    with CaptureQueriesContext(connection) as asked:
        assert listed(client) == stranger
        assert send(client, {"kind": "view", "product": str(books[0].pk)}).json()["accepted"] == 0
        assert client.get(f"{URL}personalisation/").json() == put(client, True).json() == {"personalised": False}
    assert behaviour_in(asked) == []
    for path in ("hidden", "history"):
        told = client.delete(f"{URL}{path}/?product={books[10].pk}")
        assert (told.status_code, told.json()["detail"][:26]) == (404, "You have not agreed to it:")
    assert listed(client, headers={"X-Consent": "yes"}) != stranger
    assert Interaction.objects.count() == 3


def test_erasing_leaves_a_row_that_says_so_and_records_nothing_more(books, did, visitor, client, send):  # noqa: F811
    did(visitor, books[:3])
    assert client.delete(f"{URL}me/").status_code == 204
    assert not Interaction.objects.exists()
    assert (client.cookies[COOKIE].value, client.cookies[OFF_COOKIE].value) == ("", "1")
    late = Client()  # sent before the answer came
    late.cookies[COOKIE] = "key"
    assert send(late, {"kind": "view", "product": str(books[0].pk)}).json()["accepted"] == 0
    assert Shopper.objects.get().erased_at is not None


def test_a_user_erases_everywhere(books, did, user, client):  # noqa: F811
    client.force_login(user)
    did(Shopper.objects.create(user=user), books[:3])
    client.delete(f"{URL}me/")
    assert not Interaction.objects.exists()
    assert client.get(f"{URL}personalisation/").json() == {"personalised": False}


def test_an_export_is_a_file_of_ones_own(books, did, visitor, client, user):  # noqa: F811
    did(visitor, books[:3], Kind.PURCHASE)
    answer = client.get(f"{URL}export/")
    assert "attachment" in answer["Content-Disposition"]
    assert len(answer.json()["interactions"]) == 3
    assert Client().get(f"{URL}export/").json() == {"shopper": None}
    other = Client()
    other.force_login(user)
    assert other.get(f"{URL}export/").json() == {"shopper": None}


def test_who_is_paused_may_still_export(books, did, user, client):  # noqa: F811
    client.force_login(user)
    did(Shopper.objects.create(user=user), books[:3])
    Product.objects.update(brand="Lipton")
    put(client, False)
    told = client.get(f"{URL}export/").json()
    assert (len(told["interactions"]), told["interests"]) == (3, [])
    put(client, True)
    assert client.get(f"{URL}export/").json()["interests"]


def test_not_interested_and_undo(version, popular, books, visitor, client):  # noqa: F811
    unwanted = listed(client)[0][0]
    answer = client.post(f"{URL}hidden/", {"product": unwanted}, content_type=JSON)
    assert answer.status_code == 201
    assert [entry["product"] for entry in answer.json()["hidden"]] == [unwanted]
    assert unwanted not in [product for product, *_ in listed(client)]
    assert client.delete(f"{URL}hidden/?product={unwanted}").status_code == 204
    assert listed(client)[0][0] == unwanted
    assert client.delete(f"{URL}hidden/?product={unwanted}").status_code == 404


def test_a_new_visitor_who_is_not_interested_gets_a_cookie(version, popular, client, books):  # noqa: F811
    answer = client.post(f"{URL}hidden/", {"product": str(books[0].pk)}, content_type=JSON)
    assert answer.cookies[COOKIE]["httponly"]
    assert str(books[0].pk) not in [product for product, *_ in listed(client)]


def test_while_paused_nothing_is_hidden(books, client):  # noqa: F811
    put(client, False)
    answer = client.post(f"{URL}hidden/", {"product": str(books[0].pk)}, content_type=JSON)
    assert answer.status_code == 409
    assert not Shopper.objects.exists()


@pytest.mark.parametrize("body", [{}, [], {"product": 7}, {"product": ""}, {"product": "no such"}])
def test_what_can_not_be_hidden_is_named(db, visitor, client, errors, body):
    answer = client.post(f"{URL}hidden/", body, content_type=JSON)
    assert errors(answer)[0][1] == "product"


@pytest.mark.parametrize("body", [{}, [], {"personalised": "yes"}, {"personalised": 1}])
def test_on_is_true_and_off_is_false(db, client, errors, body):
    answer = client.put(f"{URL}personalisation/", body, content_type=JSON)
    assert errors(answer)[0][1] == "personalised"


def test_less_like_this(books, client):  # noqa: F811
    unwanted = str(books[0].pk)
    answer = client.post(f"{URL}hidden/", {"product": unwanted, "fewer_like_it": True}, content_type=JSON)
    assert answer.status_code == 201
    assert [(entry["product"], entry["fewer_like_it"]) for entry in answer.json()["hidden"]] == [(unwanted, True)]
    listed = client.get(f"{URL}lists/?placement=home&limit=20").json()["recommendations"]
    shown = {entry["product"]["id"] if isinstance(entry["product"], dict) else entry["product"] for entry in listed}
    same_shelf = {str(book.pk) for book in books if book.shelf == books[0].shelf}
    assert len(shown & same_shelf) <= 5
    answer = client.post(f"{URL}hidden/", {"product": unwanted, "fewer_like_it": "yes"}, content_type=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "fewer_like_it")
    assert client.delete(f"{URL}hidden/?product={unwanted}").status_code == 204


def test_nothing_is_like_a_product_without_a_category(books, client):  # noqa: F811
    Product.objects.filter(product_id=str(books[0].pk)).update(category=[])
    body = {"product": str(books[0].pk), "fewer_like_it": True}
    answer = client.post(f"{URL}hidden/", body, content_type=JSON)
    assert [entry["fewer_like_it"] for entry in answer.json()["hidden"]] == [False]


@pytest.mark.parametrize(("method", "path"), [("put", "personalisation/"), ("post", "hidden/"), ("delete", "me/")])
def test_writes_need_a_csrf_token(db, browser, method, path):
    answer = getattr(browser, method)(f"{URL}{path}", {"personalised": False}, content_type=JSON)
    assert answer.status_code == 403


@pytest.mark.parametrize("by_form", [False, True])
def test_a_cookie_that_was_merged_hides_nothing_of_the_user_and_is_told_nothing(books, client, visitor, by_form):  # noqa: F811
    owner = Shopper.objects.create(user=get_user_model().objects.create_user("ann"))
    tea, cup = Product.objects.order_by("pk")[:2]
    controls.hide(owner, tea.product_id)
    visitor.merged_into, visitor.merged_at = owner, timezone.now()
    visitor.save()
    if by_form:
        answer = client.post("/recommendations/yours/hide/", {"product": cup.product_id})
        assert answer.status_code == 302
    else:
        answer = client.post(f"{URL}hidden/", {"product": cup.product_id}, content_type=JSON)
        assert [told["product"] for told in answer.json()["hidden"]] == [cup.product_id]
    assert [row.product for row in HiddenProduct.objects.filter(shopper=owner)] == [tea]
    assert answer.cookies[COOKIE].value != "key"


def test_a_visitor_who_was_erased_by_the_shop_is_told_so_and_can_begin_anew(client, visitor):
    controls.erase(visitor)
    assert client.get(f"{URL}personalisation/").json() == {"personalised": False}
    answer = put(client, True)
    assert answer.json() == {"personalised": True}
    assert answer.cookies["recommendations_shopper"]["max-age"] == 0
    assert client.get(f"{URL}personalisation/").json() == {"personalised": True}


def test_asking_whether_it_is_on_gives_a_page_without_a_form_its_csrf_token(db, settings):
    settings.CSRF_USE_SESSIONS = False
    browser = Client(enforce_csrf_checks=True)
    assert browser.put(f"{URL}personalisation/", {"personalised": False}, content_type=JSON).status_code == 403
    token = browser.get(f"{URL}personalisation/").cookies["csrftoken"].value
    sent = browser.put(
        f"{URL}personalisation/", {"personalised": False}, content_type=JSON, headers={"x-csrftoken": token}
    )
    assert sent.json() == {"personalised": False}
    assert sent.cookies["recommendations_off"]["max-age"] == 400 * 24 * 3600


def test_why_needs_a_product(client, version, popular, visitor):  # noqa: F811
    token = client.get(f"{URL}lists/?placement=home").json()["token"]
    answer = client.get(f"{URL}why/", {"token": token})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "product")
