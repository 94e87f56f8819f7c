import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from recommendations.models import Shopper
from recommendations.models.shopper import OFF_COOKIE
from shopdemo.models import Household

pytestmark = pytest.mark.django_db


@pytest.fixture
def debug(settings):
    settings.DEBUG = True


def test_households_are_not_there_without_debug(client, household):
    assert client.get("/households/").status_code == 404
    assert client.post(reverse("step_in", args=[718])).status_code == 404
    assert not get_user_model().objects.exists()


def test_households_say_what_they_buy(client, household, debug):
    shown = client.get("/households/").content.decode()
    assert "Household 718" in shown and "412 things" in shown and "<strong>baby</strong>" in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("718", True),
        ("719", False),
        ("fruit", True),
        ("pets", False),
        ("²", False),
        ("7" * 5000, False),
    ],
)
def test_households_are_found_by_number_and_favourite(client, household, debug, query, found):
    assert ("Bought 412" in client.get(f"/households/?q={query}").content.decode()) is found


def test_households_are_not_looked_up_by_a_letter_that_no_database_takes(client, household, debug):
    assert client.get("/households/?q=pets%00fish").context["query"] == "pets fish"


def test_stepping_in_gives_the_imported_history_to_the_new_user(client, household, debug):
    imported = Shopper.objects.create(external_id="household-718")
    client.post(reverse("step_in", args=[718]))
    imported.refresh_from_db()
    assert imported.user.username == "household-718"
    assert not imported.user.has_usable_password()
    assert "household 718" in client.get("/").content.decode()


def test_stepping_in_twice_is_the_same_user(client, household, debug):
    Shopper.objects.create(external_id="household-718")
    client.post(reverse("step_in", args=[718]))
    client.post(reverse("step_in", args=[718]))
    assert get_user_model().objects.count() == Shopper.objects.count() == 1


def test_stepping_in_takes_nothing_of_the_visitor_along(client, household, debug):
    from recommendations.conf import get_config
    from recommendations.models.shopper import hash_key

    Shopper.objects.create(external_id="household-718")
    visitor = Shopper.objects.create(key_hash=hash_key("a visitor"))
    client.cookies[get_config().COOKIE_NAME] = "a visitor"
    client.post(reverse("step_in", args=[718]))
    visitor.refresh_from_db()
    assert visitor.merged_into is None


def test_stepping_in_leaves_the_visitors_opt_out_behind_and_logging_out_finds_it_again(client, household, debug):
    Shopper.objects.create(external_id="household-718")
    Household.objects.create(number=719, purchases=100, favourites="pets")
    client.cookies[OFF_COOKIE] = "1"
    for number in (718, 719):
        client.post(reverse("step_in", args=[number]))
        assert client.cookies[OFF_COOKIE].value == ""
    client.get("/")
    assert not Shopper.objects.filter(personalised=False).exists()
    client.post("/logout/")
    assert client.cookies[OFF_COOKIE].value == "1"


def test_logging_out_switches_nothing_off_for_whoever_had_it_on(client, household, debug):
    client.post(reverse("step_in", args=[718]))
    client.post("/logout/")
    assert client.cookies[OFF_COOKIE].value == ""


def test_stepping_in_needs_a_post_and_a_household(client, household, debug):
    assert client.get(reverse("step_in", args=[718])).status_code == 405
    assert client.post(reverse("step_in", args=[1])).status_code == 404


def test_register_logs_in(client):
    answer = client.post("/register/", {"username": "ada", "password1": "gr4nny smith", "password2": "gr4nny smith"})
    assert answer.url == "/"
    assert "Hello, ada" in client.get("/").content.decode()


def test_login_page_refuses_a_wrong_password(client):
    get_user_model().objects.create_user("ada", password="right")
    shown = client.post("/login/", {"username": "ada", "password": "wrong"}).content.decode()
    assert "correct username and password" in shown
