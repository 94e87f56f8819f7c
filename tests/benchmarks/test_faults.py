"""What `make faults` says of what it saw; that the faults really happen is seen by running it."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pkgutil import iter_modules
from types import SimpleNamespace

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


@pytest.mark.parametrize("status", [0, 500, 429, -1])
def test_an_event_is_stored_or_refused_but_for_what_would_fail_without_the_app(status):
    events = [(1.0, "a", 201, False), (15.0, "b", status, False)]
    outcome = verdict(events=events, stored={"a"})
    assert (outcome.otherwise, outcome.wrong) == (1, ["1 events were neither stored nor refused by 503"])
    assert verdict(events=events, stored={"a"}, may_fail=1).wrong == []


def test_a_page_may_take_so_much_longer_and_no_more():
    assert verdict(pages(0.1, 0.1 * FACTOR + SLACK + 0.001)).wrong == ["p99 201 ms is over 200 ms"]


def test_what_came_before_the_shop_was_warm_does_not_count():
    outcome = verdict([(1.0, 9.0, 200), *pages(0.1, 0.1)])
    assert outcome.before == 0.1


@pytest.mark.parametrize("name", MODULES)
def test_each_fault_says_what_happens(name):
    assert import_module(f"{kinds.__name__}.{name}").happen.__doc__


@pytest.fixture
def stand():
    """The module; it needs the demo shop beside it, the rest of this file does not."""
    return import_module("benchmarks.faults.stand")


class Server:
    """A server of the stand that tells what was done with it."""

    url, port = "redis://127.0.0.1:1/0", 1

    def __init__(self, done, name):
        self.done, self.name = done, name

    def start(self):
        self.done.append(("start", self.name))

    def kill(self):
        self.done.append(("kill", self.name))


@pytest.mark.parametrize("error", [SystemExit("the training was rejected"), KeyboardInterrupt()])
def test_a_stand_that_can_not_be_prepared_leaves_no_server_behind(stand, tmp_path, monkeypatch, error):
    done = []

    def fail(self):
        raise error

    monkeypatch.setattr(stand, "os", SimpleNamespace(environ={}))
    monkeypatch.setattr(stand, "PostgreSQL", lambda folder: Server(done, "database"))
    monkeypatch.setattr(stand, "Redis", lambda name, folder: Server(done, name))
    monkeypatch.setattr(stand, "Web", lambda folder, environment: Server(done, "web"))
    monkeypatch.setattr(stand.Stand, "_prepare", fail)
    with pytest.raises(type(error)):
        stand.Stand(tmp_path)
    assert {name for what, name in done if what == "kill"} == {"database", "broker", "cache", "web"}
    assert ("start", "web") not in done


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *_):
        """Nothing."""


def test_the_shop_is_asked_without_the_users_proxy(stand, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    made = object.__new__(stand.Stand)
    with HTTPServer(("127.0.0.1", 0), Page) as shop:
        threading.Thread(target=shop.handle_request, daemon=True).start()
        made.web, made.cookies = SimpleNamespace(port=shop.server_port), ["a"]
        assert made.ask("/")[1] == b"here"
