"""What is logged: stable names and fields, the cause in one line, and nothing that tells who somebody is."""

import ast
import json
import logging
from pathlib import Path

import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client, RequestFactory, override_settings

from recommendations import logs
from recommendations.capture import record, recording
from recommendations.catalog import sync_catalog
from recommendations.exceptions import InvalidInteraction
from recommendations.logs import LINES, JSONFormatter, cause, log
from recommendations.ml.kinds import Kind
from recommendations.models import Shopper
from recommendations.serving import RecommendationQuery, recommend, recommending
from tests.shop.models import Book

PACKAGE = Path(logs.__file__).parent
NAME, EMAIL, QUERY, KEY = "anna-of-the-secret", "anna@secret.example", "herbal cure for warts", "Zk3" * 14 + "x"
lenient = override_settings(RECOMMENDATIONS={"STRICT": False})


def test_a_line_has_its_event_its_fields_and_the_cause(caplog):
    try:
        raise OSError(28, "No space left on device")
    except OSError as error:
        log("training_failed", error, version=7, stage="publishing")
    (entry,) = caplog.records
    said = "OSError: [Errno 28] No space left on device"
    assert entry.getMessage() == f"training_failed: The training of version 7 failed in publishing: {said}"
    assert (entry.event, entry.levelno) == ("training_failed", logging.ERROR)
    assert entry.fields == {"version": 7, "stage": "publishing", "cause": said}
    assert entry.funcName == "test_a_line_has_its_event_its_fields_and_the_cause"
    assert "test_logs.py" in entry.exc_text and entry.exc_info is None


def test_json_is_one_object_a_line(caplog):
    log("cache_down", ConnectionError("Error 111 connecting to cache:6379"))
    logging.getLogger("of.others").warning("hello %s", "you")
    ours, theirs = [json.loads(JSONFormatter().format(entry)) for entry in caplog.records]
    assert list(ours) == ["time", "level", "logger", "event", "message", "cause"]
    assert ours["cause"] == "ConnectionError: Error 111 connecting to cache:6379"
    assert (theirs["event"], theirs["message"]) == ("", "hello you")


def test_a_line_without_fields_is_whole(caplog):
    caplog.set_level(logging.INFO, "recommendations")
    log("plots_left_out")
    assert caplog.records[0].getMessage().startswith("plots_left_out: No plots")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            IntegrityError(f'duplicate key value violates unique constraint "once"\nDETAIL: Key (x)=({KEY}) exists.'),
            "IntegrityError: duplicate key value violates unique constraint …",
        ),
        (ValueError(f"no mail to {EMAIL}"), "ValueError: no mail to …"),
        (KeyError(NAME), "KeyError: …"),
        (RuntimeError(KEY), "RuntimeError: …"),
        (InvalidInteraction("query", f"{QUERY}: expected less."), "InvalidInteraction: query: expected less."),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_cause_quotes_nothing(error, expected):
    assert cause(error) == expected


def test_with_debug_a_cause_is_whole(settings):
    settings.DEBUG = True
    error = InvalidInteraction("kind", "'eat': expected a member of Kind.")
    assert cause(error) == "InvalidInteraction: kind: 'eat': expected a member of Kind."
    assert cause(AttributeError("'Book' has no 'nme'")) == "AttributeError: 'Book' has no 'nme'"


@pytest.fixture
def anna(db, django_user_model):
    for k in range(3):
        Book.objects.create(name=f"Book {k}")
    sync_catalog()
    return django_user_model.objects.create_user(NAME, EMAIL, "x", first_name=NAME)


def fails(*args, **kwargs):
    raise IntegrityError(f"duplicate key ('{NAME}', '{KEY}')\nDETAIL: Key ({EMAIL}, {QUERY}) by {NAME} with {KEY}")


@lenient
def test_no_line_holds_a_key_an_address_a_query_or_a_name(transactional_db, anna, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, "recommendations")
    request = RequestFactory().get("/", HTTP_USER_AGENT="Mozilla/5.0", HTTP_COOKIE=f"recommendations_shopper={KEY}")
    shopper, _ = Shopper.objects.get_or_create(user=anna)
    browser = Client(HTTP_SEC_FETCH_SITE="same-origin", HTTP_USER_AGENT="Mozilla/5.0")
    browser.cookies["recommendations_shopper"] = KEY
    search = json.dumps({"kind": "search", "query": QUERY})
    for target, name in ((recording, "store"), (recommending, "read_memory")):
        monkeypatch.setattr(target, name, fails)
    monkeypatch.setattr("recommendations.capture.accepting.store", fails)
    for who in (anna, request, NAME, object()):
        record(who, Kind.SEARCH, query=QUERY, response=None)
    record(anna, Kind.VIEW, "1", query=QUERY, quantity=QUERY)
    recommend(RecommendationQuery("home", shopper))
    for _ in range(2):
        assert browser.post("/recommendations/v1/interactions/", search, "application/json").status_code == 503
        browser.force_login(anna)
    ours = [entry for entry in caplog.records if entry.name == "recommendations"]
    assert {entry.event for entry in ours} == {"use_case_failed", "request_not_served"} and len(ours) >= 6
    for formatter in (logging.Formatter(), JSONFormatter()):
        text = "\n".join(map(formatter.format, ours))
        assert not [secret for secret in (NAME, EMAIL, QUERY, KEY) if secret in text]


def test_a_request_that_could_not_be_stored_says_why(anna, caplog, monkeypatch):
    def no_database(*args):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr("recommendations.capture.accepting.store", no_database)
    browser = Client(HTTP_SEC_FETCH_SITE="same-origin", HTTP_USER_AGENT="Mozilla/5.0")
    sent = json.dumps({"kind": "view", "product": str(Book.objects.first().pk)})
    assert browser.post("/recommendations/v1/interactions/", sent, "application/json")["Retry-After"] == "5"
    (entry,) = [entry for entry in caplog.records if entry.name == "recommendations"]
    assert entry.fields == {
        "endpoint": "InteractionsEndpoint",
        "cause": "OperationalError: canceling statement due to statement timeout",
    }


def calls():
    """(file, name of the event) of every call of log() in the package."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names_event = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "log"
            if names_event and isinstance(node.args[0], ast.Constant):
                yield file.name, node.args[0].value


def test_every_event_is_declared_and_used():
    assert {event for _, event in calls()} == set(LINES)


def test_nothing_is_logged_but_declared_lines():
    found = {file.name for file in PACKAGE.rglob("*.py") if "getLogger(" in file.read_text()}
    # The second, of the core that knows no framework, has one line, which quotes no value.
    assert found == {"logs.py", "checkpoints.py"}


def test_the_operators_page_lists_every_event():
    page = (Path(__file__).parents[1] / "docs" / "operating.md").read_text()
    assert [event for event in LINES if f"| `{event}` |" not in page] == []
