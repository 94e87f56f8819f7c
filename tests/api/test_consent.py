"""An error in the shop's own HAS_CONSENT is no consent; a database that could not be asked is no answer."""

import json

import pytest
from django.db import OperationalError
from django.urls import reverse

from recommendations.models import Interaction, Shopper
from recommendations.models.shopper import hash_key
from tests.api.conftest import OWN_PAGE, URL
from tests.serving.conftest import did  # noqa: F401

PAGES = [reverse(f"recommendations:{name}") for name in ("yours", "why", "export", "how")]
ENDPOINTS = [f"{URL}{name}" for name in ("lists/?placement=home", "history/", "hidden/", "personalisation/", "export/")]


def broken(request):
    raise KeyError("consent_cookie")


def unreachable(request):
    raise OperationalError("the server closed the connection")


@pytest.fixture
def browser(books, client, did):  # noqa: F811
    """Of a visitor with a history."""
    did(Shopper.objects.create(key_hash=hash_key("key")), books[:2])
    client.cookies["recommendations_shopper"] = "key"
    return client


@pytest.fixture
def consent(settings):
    """consent(function, debug): the shop asks this function."""

    def use(function, debug=False):
        settings.RECOMMENDATIONS = {"HAS_CONSENT": f"{__name__}.{function.__name__}"}
        settings.DEBUG = debug

    return use


def send_view(browser, book):
    event = json.dumps({"kind": "view", "product": str(book.pk)})
    return browser.post(f"{URL}interactions/", event, content_type="text/plain", headers=OWN_PAGE)


def test_an_error_is_no_consent_and_logged(browser, books, consent, caplog):
    consent(broken)
    assert {address: browser.get(address).status_code for address in [*PAGES, *ENDPOINTS]} == dict.fromkeys(
        [*PAGES, *ENDPOINTS], 200
    )
    assert browser.get(f"{URL}history/").json()["history"] == []
    assert browser.get(f"{URL}personalisation/").json() == {"personalised": False}
    caplog.clear()
    sent = send_view(browser, books[0])
    assert (sent.status_code, sent.json()["accepted"], Interaction.objects.count()) == (201, 0, 2)
    (line,) = [record for record in caplog.records if record.name == "recommendations"]
    assert (line.fields["use_case"], line.fields["cause"]) == ("has_agreed", "KeyError: …")


def test_while_the_shop_is_made_it_is_raised(browser, books, consent):
    consent(broken, debug=True)
    with pytest.raises(KeyError, match="consent_cookie"):
        send_view(browser, books[0])


@pytest.mark.django_db(transaction=True)
def test_a_database_that_can_not_be_asked_for_it_did_not_say_no(browser, books, consent):
    consent(unreachable)
    asked = [PAGES[0], f"{URL}history/", f"{URL}personalisation/"]
    assert [browser.get(address).status_code for address in asked] == [503] * 3
    assert send_view(browser, books[0]).status_code == 503
    assert browser.get(ENDPOINTS[0]).status_code == 200
