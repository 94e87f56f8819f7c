"""What `make faults` says of what it saw; that the faults really happen is seen by running it."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

from benchmarks.faults import kinds
from benchmarks.faults.judging import FACTOR, SLACK, Outcome, judge, p99
from benchmarks.faults.load import Seen

WARM, BEGAN, ENDED = 2.0, 10.0, 20.0
MODULES = [module.name for module in iter_modules(kinds.__path__)]


def verdict(pages=(), events=(), stored=(), **more):
    outcome = Outcome("a fault")
    judge(outcome, Seen(list(pages), list(events)), (WARM, BEGAN, ENDED), stored, **more)
    return outcome


def pages(before, during, status=200):
    return [(3.0, before, 200)] * 100 + [(15.0, during, status)] * 100


@pytest.mark.parametrize(
    ("seconds", "expected"), [([], None), ([3.0], 3.0), (range(200), 198), ([*range(99), 500], 500)]
)
def test_p99(seconds, expected):
    assert p99(list(seconds)) == expected


def test_all_is_well():
    events = [(1.0, "a", 201, False), (12.0, "b", 503, True), (19.0, "c", 201, False)]
    outcome = verdict(pages(0.1, 0.1 * FACTOR + SLACK), events, {"a", "c"})
    assert outcome.wrong == []
    assert (outcome.accepted, outcome.lost, outcome.refused, outcome.otherwise) == (2, 0, 1, 0)
    assert (outcome.pages, outcome.failed) == (200, 0)
    assert outcome.row.endswith("ok")


def test_an_accepted_event_that_is_not_there_is_lost():
    outcome = verdict(events=[(1.0, "a", 201, False), (1.0, "b", 201, False)], stored={"b"})
    assert (outcome.lost, outcome.wrong) == (1, ["1 accepted events are not in the database"])


def test_a_refused_event_is_not_stored_but_for_commits_in_doubt():
    events = [(1.0, "a", 503, True)]
    assert verdict(events=events, stored={"a"}).wrong == ["1 events are stored that were refused"]
    assert verdict(events=events, stored={"a"}, in_doubt=1).wrong == []


def test_a_refusal_says_when_to_come_again():
    assert verdict(events=[(1.0, "a", 503, False)]).wrong == ["a 503 without Retry-After"]


def test_no_page_fails_but_what_would_without_the_app():
    failed = [(15.0, 0.1, 0), (15.0, 0.1, 500)]
    assert verdict(failed).wrong == ["2 pages failed"]
    assert verdict(failed, may_fail=2).wrong == []


def test_a_page_may_take_so_much_longer_and_no_more():
    assert verdict(pages(0.1, 0.1 * FACTOR + SLACK + 0.001)).wrong == ["p99 201 ms is over 200 ms"]


def test_what_came_before_the_shop_was_warm_does_not_count():
    outcome = verdict([(1.0, 9.0, 200), *pages(0.1, 0.1)])
    assert outcome.before == 0.1


@pytest.mark.parametrize("name", MODULES)
def test_each_fault_says_what_happens(name):
    assert import_module(f"{kinds.__name__}.{name}").happen.__doc__
