"""What a monitor is told: live, ready, figures; nothing of any shopper, and nothing at all where it is off."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from signal import SIGKILL
from threading import Barrier, Event, Thread

import prometheus_client  # chooses at its import whether processes share files
import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.db.transaction import atomic
from django.test import override_settings

from recommendations import metrics
from recommendations.capture import record, record_order
from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, RecommenderVersion, Shopper
from recommendations.publishing import current, forget
from recommendations.serving import RecommendationQuery, because_rows, recommend, recommending
from tests.api.conftest import OWN_PAGE
from tests.published import publish_made_artifact
from tests.shop.models import Book

LIVE, READY, METRICS = (f"/recommendations/{name}/" for name in ("health/live", "health/ready", "metrics"))
ON = {"METRICS": True, "STRICT": True}


@pytest.fixture
def on(settings):
    settings.RECOMMENDATIONS = ON


def told(browser, status=200):
    response = browser.get(READY)
    assert response.status_code == status
    return response.json()


def test_live_asks_nobody(browser, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        response = browser.get(LIVE)
    assert (response.status_code, response.json()) == (200, {"status": "live"})


def test_ready_without_a_version_says_what_is_shown(browser, books):
    assert "no-store" in browser.get(READY)["Cache-Control"]  # a monitor is told of now, whatever caches the shop has
    nothing = "none published: popular products are shown"
    assert told(browser) == {"status": "ready", "database": "reachable", "recommender": nothing}


def test_ready_with_a_version(browser, books):
    publish_made_artifact()
    assert told(browser) == {"status": "ready", "database": "reachable", "recommender": "serving"}


def test_ready_while_another_version_is_on_its_way(browser, books, monkeypatch):
    monkeypatch.setattr(current, "REFRESH_SECONDS", 1000.0)
    publish_made_artifact()
    told(browser)
    monkeypatch.setattr("tests.published.forget", lambda: None)
    publish_made_artifact(seed=1)
    assert told(browser)["recommender"] == "catching up"


def test_a_version_that_can_not_be_read_is_not_ready(browser, books):
    version = publish_made_artifact()
    RecommenderVersion.objects.filter(pk=version.pk).update(artifact="gone")
    forget()
    expected = {"status": "not ready", "database": "reachable", "recommender": "unreadable: popular products are shown"}
    assert told(browser, 503) == expected


def down(*args, **kwargs):
    raise OperationalError("connection refused")


@pytest.fixture
def connection_kept(db, monkeypatch):
    """Of the test's own transaction, which a closed connection would end."""
    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.close", lambda self: None)


def not_ready(database):
    return {"status": "not ready", "database": database, "recommender": "unknown"}


def test_without_a_database_it_is_not_ready(browser, connection_kept, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr("django.db.backends.utils.CursorWrapper.execute", down)
        assert told(browser, 503) == not_ready("unreachable")


def test_a_database_that_answers_but_not_to_us_is_failing(browser, connection_kept, monkeypatch):
    monkeypatch.setattr(current._Current, "_look", down)
    assert told(browser, 503) == not_ready("failing")


@pytest.mark.django_db(transaction=True)
def test_a_database_without_our_tables_is_not_migrated(browser):
    call_command("migrate", "recommendations", "zero", verbosity=0)
    try:
        assert told(browser, 503) == not_ready("not migrated")
    finally:
        call_command("migrate", "recommendations", verbosity=0)


def test_figures_are_for_who_may_see_versions(browser, user, allow):
    assert browser.get(METRICS).status_code == 403
    browser.force_login(user)
    assert browser.get(METRICS).status_code == 403
    allow("view_recommenderversion")
    assert browser.get(METRICS).status_code == 404  # off
    with override_settings(RECOMMENDATIONS=ON):
        assert browser.get(METRICS).status_code == 200


@pytest.fixture
def count(browser, user, allow):
    """count(): every sample of the page by its name and labels."""
    allow("view_recommenderversion")
    browser.force_login(user)

    def read():
        with override_settings(RECOMMENDATIONS=ON):
            lines = browser.get(METRICS).content.decode().splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if line.startswith("recommendations_"))
        return {name: float(value) for name, value in samples if "_created" not in name}

    return read


def grown(before, after):
    """What is more than before, but the times."""
    seen = {name: value - before.get(name, 0) for name, value in after.items()}
    return {name: value for name, value in seen.items() if value and "seconds" not in name}


def test_a_list_is_counted_with_its_sources_and_reasons(on, books, count):
    publish_made_artifact()
    shopper = Shopper.objects.create()
    record(shopper, Kind.VIEW, books[0])
    before = count()
    found = recommend(RecommendationQuery("home", shopper, limit=3))
    after = count()
    assert [entry.source for entry in found.recommendations] == ["recommender"] * 3
    tiers = [entry.reason.tier for entry in found.recommendations]
    assert grown(before, after) == {
        'recommendations_listed_total{placement="home",source="recommender"}': 3,
        **{f'recommendations_reasons_total{{tier="{tier}"}}': tiers.count(tier) for tier in set(tiers)},
    }
    key = 'recommendations_list_seconds_count{placement="home"}'
    assert after[key] - before.get(key, 0) == 1


def test_rows_are_counted_together_under_a_placement_of_their_own(on, books, count):
    Book.objects.bulk_create(Book(name=f"More {k}") for k in range(50))
    sync_catalog()
    publish_made_artifact()
    shopper = Shopper.objects.create()
    for book in books[:4]:
        record(shopper, Kind.VIEW, book)
    before = count()
    rows = because_rows(RecommendationQuery("new_for_you", shopper))
    after = count()
    tiers = [entry.reason.tier for row in rows for entry in row.recommendations]
    assert tiers
    assert grown(before, after) == {
        'recommendations_listed_total{placement="because_rows",source="recommender"}': len(tiers),
        **{f'recommendations_reasons_total{{tier="{tier}"}}': tiers.count(tier) for tier in set(tiers)},
    }
    key = 'recommendations_list_seconds_count{placement="because_rows"}'
    assert after[key] - before.get(key, 0) == 1


def test_lists_that_nobody_sees_are_in_no_figure(on, books, count, browser, user):
    publish_made_artifact()
    shopper = Shopper.objects.create(user=user)
    record(shopper, Kind.VIEW, books[0])
    found = recommend(RecommendationQuery("home", shopper, limit=3))
    before = count()
    asked = {"token": found.token, "product": found.product_ids[0], "compared": found.product_ids[1]}
    for address in ("/recommendations/why/", "/recommendations/v1/why/"):
        assert browser.get(address, asked).status_code == 200
    after = count()
    assert grown(before, after) == {}
    key = 'recommendations_list_seconds_count{placement="home"}'
    assert after[key] == before[key]


def test_a_fallback_is_counted(books, count, monkeypatch):
    def fail(*args):
        raise OperationalError("gone")

    before = count()
    with override_settings(RECOMMENDATIONS={"METRICS": True}), monkeypatch.context() as broken:
        broken.setattr(recommending, "read_memory", fail)
        recommend(RecommendationQuery("home", limit=2))
    assert grown(before, count())['recommendations_fallbacks_total{use_case="recommend"}'] == 1


class Gone:
    """Metrics whose shared folder is missing: making the first value of one raises."""

    def __getattr__(self, name):
        raise FileNotFoundError(2, "No such file or directory")


def test_figures_that_can_not_be_counted_break_neither_page_nor_order(books, user, monkeypatch, caplog, rf):
    monkeypatch.setattr(metrics, "_made", Gone)
    monkeypatch.setattr(metrics, "_said", False)
    request = rf.get("/")
    request.user = user
    with override_settings(RECOMMENDATIONS={"METRICS": True}), atomic():
        record_order(request, [(books[0], 1)], order_id="1")
        found = recommend(RecommendationQuery("home", limit=2))
    assert Interaction.objects.get().kind == Kind.PURCHASE
    assert len(found.recommendations) == 2
    said = [(entry.event, entry.fields) for entry in caplog.records if entry.name == "recommendations"]
    assert said == [("figures_not_counted", {"cause": "FileNotFoundError: [Errno 2] No such file or directory"})]


def test_a_page_of_figures_without_their_folder_names_it(browser, user, allow, monkeypatch):
    allow("view_recommenderversion")
    browser.force_login(user)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    with override_settings(RECOMMENDATIONS=ON):
        response = browser.get(METRICS)
    assert response.status_code == 501
    assert response.json()["detail"].startswith("PROMETHEUS_MULTIPROC_DIR is '/nowhere': expected a folder ")


def test_events_are_counted_by_way_and_by_why_not(transactional_db, on, books, count, send, client, monkeypatch):
    def fail(*args):
        raise OperationalError("gone")

    views = [{"kind": "view", "product": str(book.pk)} for book in books[:2]]
    before = count()
    assert send(client, views).status_code == 201
    assert send(client, views).json() == {"accepted": 0, "duplicates": 2}
    record(Shopper.objects.create(), Kind.VIEW, books[0])
    assert send(client, [*views, {"kind": "eat"}]).status_code == 400
    assert send(client, "no JSON").status_code == 400
    assert send(client, views, headers={}).status_code == 403
    assert client.get("/recommendations/v1/interactions/").status_code == 405
    assert client.post("/recommendations/v1/interactions/", {"kind": "view"}, headers=OWN_PAGE).status_code == 415
    assert send(client, views, headers={"sec-fetch-site": "same-origin", "user-agent": "Googlebot/2.1"}).json() == {
        "accepted": 0,
        "duplicates": 0,
    }
    monkeypatch.setattr("recommendations.capture.accepting.store", fail)
    assert send(client, views).status_code == 503
    refused = {"invalid": 4, "forbidden": 1, "unwanted": 2, "unavailable": 2}
    assert grown(before, count()) == {
        'recommendations_events_accepted_total{way="http"}': 2,
        'recommendations_events_accepted_total{way="server"}': 1,
        **{f'recommendations_events_refused_total{{cause="{cause}"}}': number for cause, number in refused.items()},
    }


def test_versions_are_told_by_how_they_ended(books, count):
    assert "recommendations_current_version_age_seconds" not in count()
    publish_made_artifact()
    version = publish_made_artifact(seed=1)
    found = count()
    assert found["recommendations_current_version"] == version.pk
    assert 0 <= found["recommendations_current_version_age_seconds"] < 60
    assert found['recommendations_versions{status="retired"}'] == 1


def test_without_the_library_the_error_says_what_to_install(on, browser, user, allow, monkeypatch):
    allow("view_recommenderversion")
    browser.force_login(user)
    for name in ("prometheus_client", "prometheus_client.multiprocess"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    monkeypatch.setattr(metrics, "_kept", None)
    metrics.events_accepted("http", 1)
    response = browser.get(METRICS)
    assert response.status_code == 501
    assert response.json() == {"detail": metrics.INSTALL}


@pytest.fixture
def not_made_yet(monkeypatch):
    """The registry of a new process, in which no figure was asked for."""
    monkeypatch.setattr(prometheus_client.registry.REGISTRY, "_names_to_collectors", {})
    monkeypatch.setattr(prometheus_client.registry.REGISTRY, "_collector_to_names", {})
    monkeypatch.setattr(metrics, "_kept", None)
    monkeypatch.setattr(metrics, "_said", False)


def test_threads_that_come_first_together_make_the_figures_once(on, not_made_yet, caplog, monkeypatch):
    threads = 8
    together, make = Barrier(threads), metrics._make

    def slowly():
        time.sleep(0.05)  # the others are there before it is done
        return make()

    def ask(_):
        together.wait(30)
        metrics.fell_back("recommend")
        return metrics.is_on(), metrics.page(None, None, {})[0]

    monkeypatch.setattr(metrics, "_make", slowly)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(ask, range(threads)))
    assert all(is_on and b"recommendations_fallbacks_total" in page for is_on, page in found)
    assert 'recommendations_fallbacks_total{use_case="recommend"} 8.0' in metrics.page(None, None, {})[0].decode()
    assert caplog.records == []


def exit_code(child, seconds=10):
    """Of the process, which is ended where it hangs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_process_forked_while_figures_are_made_counts(on, not_made_yet, monkeypatch):
    halfway, make = Event(), metrics._make

    def slowly():
        made = make()  # the names are taken
        halfway.set()
        time.sleep(0.2)  # the fork comes before it is done
        return made

    monkeypatch.setattr(metrics, "_make", slowly)
    thread = Thread(target=metrics.fell_back, args=("recommend",), daemon=True)
    thread.start()
    assert halfway.wait(30)
    child = os.fork()
    if not child:
        try:
            metrics.fell_back("recommend")
            page = metrics.page(None, None, {})[0].decode()
            os._exit(0 if "recommendations_fallbacks_total{" in page and not metrics._said else 1)
        finally:
            os._exit(2)
    assert exit_code(child) == 0
    thread.join(30)
    assert metrics.is_on()


def test_whether_figures_are_on_is_no_error_of_a_list(on, books, monkeypatch, caplog):
    def taken():
        raise ValueError("Duplicated timeseries in CollectorRegistry")

    monkeypatch.setattr(metrics, "_made", taken)
    monkeypatch.setattr(metrics, "_said", False)
    assert len(recommend(RecommendationQuery("home", limit=2)).recommendations) == 2
    assert [entry.event for entry in caplog.records if entry.name == "recommendations"] == ["figures_not_counted"]


def test_off_means_that_nothing_is_made(monkeypatch):
    def never():
        raise AssertionError("made")

    monkeypatch.setattr(metrics, "_made", never)
    metrics.list_served("home", 0.1, ["popular"], ["T0"])
    metrics.fell_back("recommend")
    metrics.events_accepted("http", 1)
    metrics.events_refused("invalid")


def test_several_processes_are_one_page(books, count, tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert count()["recommendations_current_version"] == 0
