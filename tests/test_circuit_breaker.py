"""After the database did not answer, lists do without it for a while; one of them tries again."""

import pytest
from django.db import DatabaseError, OperationalError

from recommendations import boundary
from recommendations.boundary import CircuitBreaker, never_break


@pytest.fixture
def clock(monkeypatch):
    """clock[0] is the time."""
    now = [100.0]
    monkeypatch.setattr(boundary, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def ask(db, settings):
    """ask(error): the answer of a guarded use case that raises it; ask.asked counts how often it was tried."""
    settings.RECOMMENDATIONS = {"STRICT": False}

    @never_break(fallback=lambda error: "without", breaker=CircuitBreaker())
    def use_case(error):
        ask.asked += 1
        if error:
            raise error
        return "with"

    def ask(error=None):
        return use_case(error)

    ask.asked = 0
    return ask


def test_while_it_rests_nothing_waits_for_the_database(ask, clock):
    assert ask(OperationalError("timeout")) == "without"
    assert [ask() for _ in range(3)] == ["without"] * 3
    assert ask.asked == 1


def test_then_one_tries_and_all_go_on(ask, clock):
    ask(OperationalError("timeout"))
    clock[0] += boundary.FIRST_REST
    assert [ask(), ask()] == ["with", "with"]


def test_it_rests_longer_after_each_try_up_to_a_limit(ask, clock):
    ask(OperationalError("timeout"))
    rests = []
    for _ in range(5):
        began = clock[0]
        while ask.asked == len(rests) + 1:
            clock[0] += 0.5
            ask(OperationalError("timeout"))
        rests.append(clock[0] - began)
    assert rests == [1, 2, 4, 8, 8]


def test_a_broken_transaction_that_nothing_asks_is_no_reason_to_do_without(ask, monkeypatch):
    def fail(using):
        raise OperationalError("the other database closed the connection")

    monkeypatch.setattr(boundary.transaction, "atomic", fail)
    assert ask() == "with"
    monkeypatch.undo()
    assert ask() == "with"


def test_other_errors_are_no_reason_to_rest(ask, clock):
    ask(ValueError("a bug"))
    ask(DatabaseError("a wrong statement"))
    assert ask() == "with"
    assert ask.asked == 3
