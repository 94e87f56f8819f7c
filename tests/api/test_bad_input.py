"""What can't be used is refused as a whole, with the place, the field and what was expected."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommendations.api.events import FIELDS, KINDS
from recommendations.models import Interaction, Product, Shopper
from tests.api.conftest import URL
from tests.api.test_interactions import stored, view
from tests.examples import examples


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_1_to_500_events(books, browser, send, errors, count):
    [(_, field, message)] = errors(send(browser, [view(books[0])] * count))
    assert field == "body"
    assert f"{count} events" in message and "1 to 500" in message


def test_one_bad_event_leaves_the_whole_batch_out(books, browser, send, errors):
    sent = [view(books[0]), view(books[1]), {"kind": "view", "product": "no such"}]
    assert errors(send(browser, sent)) == [(2, "product", "'no such': expected the id of a product in the catalog.")]
    assert stored() == []
    assert Shopper.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"kind": "buy"}, "kind", "'buy': expected one of view, search"),
        ({"kind": None}, "kind", "expected one of view, search"),
        ({"kind": 1}, "kind", "1: expected one of view, search"),
        ({"kind": ["view"]}, "kind", "expected one of view, search"),
        ({"product": None}, "product", "expected a product_id"),
        ({"product": ""}, "product", "expected a product_id"),
        ({"product": ["1"]}, "product", "expected text of at most 255 characters"),
        ({"product": "x" * 256}, "product", "expected text of at most 255 characters"),
        ({"product": "a\0b"}, "product", "expected text of at most 255 characters"),
        ({"product": True}, "product", "expected text"),
        ({"kind": "search"}, "product", "a search has a query and no product"),
        ({"kind": "search", "product": None}, "query", "expected the words that were searched for"),
        ({"kind": "search", "product": None, "query": " "}, "query", "expected the words that were searched for"),
        ({"quantity": 0}, "quantity", "0: expected a whole number from 1"),
        ({"quantity": 1.5}, "quantity", "1.5: expected a whole number from 1"),
        ({"quantity": True}, "quantity", "True: expected a whole number from 1"),
        ({"quantity": 10**30}, "quantity", "expected a whole number from 1"),
        ({"occurred_at": "yesterday"}, "occurred_at", "'yesterday': expected a time with its offset"),
        ({"occurred_at": "2026-01-31T18:05:00"}, "occurred_at", "expected a time with its offset"),
        ({"occurred_at": 1700000000}, "occurred_at", "expected a time with its offset"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", "expected a time with its offset"),
        ({"occurred_at": "9999-12-31T23:59:59-12:00"}, "occurred_at", "expected a time with its offset"),
        ({"event_id": "x" * 129}, "event_id", "expected text of at most 128 characters"),
        ({"event_id": "\ud800"}, "event_id", "expected text of at most 128 characters"),
        ({"colour": "red"}, "colour", "no such field"),
        ({"\ud800": 1}, "\ud800", "no such field"),
        ({"kind": "search", "product": None, "query": "\ud800"}, "query", "expected text"),
        ({"shopper": "household-1"}, "shopper", "recommendations.add_interaction"),
    ],
)
def test_a_bad_field_is_named(books, browser, send, errors, change, field, message):
    sent = {**view(books[0]), **change}
    [(index, named, said)] = errors(send(browser, sent))
    assert (index, named) == (None, field)
    assert message in said
    assert errors(send(browser, [view(books[0]), sent]))[0][0] == 1
    assert stored() == []


@pytest.mark.parametrize("body", ["{", "nonsense", "[" * 20_000, b"\xff", '{"kind": NaN}', "9" * 5_000])
def test_what_is_no_json_is_named_so(books, browser, send, errors, body):
    [(_, field, message)] = errors(send(browser, body))
    assert field == "body"
    assert "JSON" in message or "an object like" in message


@pytest.mark.parametrize("body", ["3", '"view"', "null", "[3]"])
def test_what_is_no_object_is_named_so(books, browser, send, errors, body):
    assert "an object like" in errors(send(browser, body))[0][2]


def test_a_body_larger_than_any_honest_one_is_refused(books, browser, send, errors):
    assert "bytes" in errors(send(browser, " " * 600_000))[0][2]


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "hidden/"), ("post", "history/restore/"), ("put", "personalisation/"), ("delete", "me/")],
)
def test_so_it_is_everywhere_as_json_that_no_cache_keeps(db, browser, errors, method, path, settings):
    for most in (2_621_440, None, 1_000):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = most
        answer = getattr(browser, method)(f"{URL}{path}", " " * 600_000, content_type="application/json")
        assert errors(answer) == [(None, "body", f"expected at most {min(most or 524_288, 524_288)} bytes.")]
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("length", ["many", "1e9", "²", "-1", ""])
def test_a_length_that_is_no_number_is_no_length(books, browser, send, errors, length):
    assert errors(send(browser, view(books[0]), CONTENT_LENGTH=length))[0][1] in ("body", "kind")


def test_a_length_longer_than_any_number_is_refused(books, browser, send, errors):
    assert "bytes" in errors(send(browser, view(books[0]), CONTENT_LENGTH="9" * 5_000))[0][2]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
hostile_events = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5)
likely_events = st.fixed_dictionaries(
    {"kind": st.sampled_from(list(KINDS))},
    optional={
        "product": st.sampled_from(["17", "no such", 17]),
        "query": st.text(max_size=300),
        "event_id": st.text(max_size=10),
        "quantity": st.integers(-1, 3),
        "occurred_at": st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()) | st.text(max_size=30),
        "token": st.text(max_size=10),
    },
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=json_values | hostile_events | likely_events | st.lists(likely_events | hostile_events, max_size=4))
def test_whatever_is_sent_is_stored_whole_or_refused_with_a_field(db, send, sent):
    Product.objects.get_or_create(product_id="17")
    before = Interaction.objects.count()
    response = send(Client(), sent)
    found = response.json()
    if response.status_code == 201:
        events = len(sent) if isinstance(sent, list) else 1
        assert found["accepted"] + found["duplicates"] == events
        assert Interaction.objects.count() == before + found["accepted"]
    else:
        assert response.status_code == 400
        assert all("field" in error and error["message"] for error in found["errors"])
        assert Interaction.objects.count() == before
