import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError, connections
from django.utils import timezone

from recommendations.exceptions import LeaseLost, RetrainingBusy
from recommendations.models import RecommenderVersion
from recommendations.retraining import cancel, lease, reap
from recommendations.retraining.lease import Lease
from recommendations.signals import version_failed

Status = RecommenderVersion.Status
ELSEWHERE = "0123456789abcdef/1/x"  # a process of another machine


@pytest.fixture
def held(db):
    return Lease.take("test")


def row(held):
    return RecommenderVersion.objects.get(pk=held.version.pk)


def silent_since(seconds, **values):
    """A training whose last heartbeat is so old."""
    return RecommenderVersion.objects.create(
        lease_owner=ELSEWHERE, heartbeat_at=timezone.now() - timedelta(seconds=seconds), **values
    )


def test_taking_begins_a_version(held):
    version = row(held)
    assert (version.status, version.started_by, version.progress) == (Status.TRAINING, "test", 0)
    assert abs(version.heartbeat_at - timezone.now()) < timedelta(seconds=60)


def test_who_started_it_is_cut_to_what_the_column_holds(db):
    assert row(Lease.take("x" * 300)).started_by == "x" * 255


def test_only_one_can_train(held):
    with pytest.raises(RetrainingBusy, match=f"Version {held.version.pk} is being trained already") as caught:
        Lease.take("second")
    assert caught.value.version_id == held.version.pk
    assert RecommenderVersion.objects.count() == 1


def test_the_next_can_train_when_the_first_has_ended(held):
    assert held.end(Status.REJECTED, "too bad")
    assert (row(held).status, row(held).error) == (Status.REJECTED, "too bad")
    assert row(held).finished_at is not None
    assert Lease.take("second").version.pk > held.version.pk


def test_a_fate_is_given_once(held):
    assert held.end(Status.REJECTED)
    assert not held.end(Status.FAILED)
    assert row(held).status == Status.REJECTED


def test_reports_are_written_at_each_stage_and_at_most_every_second(held, django_assert_num_queries, monkeypatch):
    clock = iter([100.0, 100.4, 101.5, 101.5])
    monkeypatch.setattr(lease, "monotonic", lambda: next(clock))
    with django_assert_num_queries(1):
        held.report("fit", 0.1)  # a new stage
    with django_assert_num_queries(0):
        held.report("fit", 0.2)  # 0.4 s later
    with django_assert_num_queries(1):
        held.report("fit", 0.3)  # 1.5 s later
    assert (row(held).stage, row(held).progress) == ("fit", 0.3)


@pytest.mark.parametrize(("told", "stored"), [(-0.5, 0.0), (1.5, 1.0)])
def test_progress_stays_between_0_and_1(held, told, stored):
    held.report("fit", told)
    assert row(held).progress == stored


def test_a_cancelled_training_stops_at_its_next_report(held):
    held.report("fit", 0.1)
    assert cancel(held.version.pk)
    with pytest.raises(LeaseLost, match="it was cancelled, or taken for dead"):
        held.report("export", 0.9)
    assert (row(held).status, row(held).stage) == (Status.CANCELLED, "fit")


def test_what_is_not_trained_can_not_be_cancelled(held):
    held.end(Status.REJECTED)
    assert not cancel(held.version.pk)
    assert not cancel(10**6)


def test_a_silent_training_is_failed_and_says_why(db):
    seen = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
    version = silent_since(0, stage="judged fit", progress=0.25)
    RecommenderVersion.objects.filter(pk=version.pk).update(heartbeat_at=seen)
    heard = []
    listener = lambda version, **_: heard.append((version.pk, version.status))  # noqa: E731
    version_failed.connect(listener)
    assert reap() == [version.pk]
    version.refresh_from_db()
    assert version.status == Status.FAILED
    assert version.error == (
        "The worker died in stage 'judged fit', 25% done: its last sign of life was at 2026-03-01 04:05:06 UTC. "
        "Retrain again."
    )
    assert heard == [(version.pk, Status.FAILED)]
    assert reap() == []


def test_a_training_that_died_before_its_first_stage_says_so(db):
    silent_since(61)
    reap()
    assert "died before its first stage" in RecommenderVersion.objects.get().error


def test_a_row_that_never_had_a_heartbeat_is_judged_by_its_birth(db):
    version = RecommenderVersion.objects.create()
    assert reap() == []
    RecommenderVersion.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert reap() == [version.pk]


@pytest.mark.parametrize(("age", "lease_seconds", "dead"), [(55, 60, False), (65, 60, True), (65, 120, False)])
def test_the_lease_is_as_long_as_the_setting(db, settings, age, lease_seconds, dead):
    settings.RECOMMENDATIONS = {"LEASE_SECONDS": lease_seconds}
    silent_since(age)
    assert bool(reap()) == dead


def test_taking_reaps_the_dead_first(db):
    dead = silent_since(61)
    assert Lease.take("next").version.pk > dead.pk
    dead.refresh_from_db()
    assert dead.status == Status.FAILED


def test_a_killed_process_of_this_machine_is_not_waited_for(db, monkeypatch):
    monkeypatch.setattr(lease, "is_dead_here", lambda owner: owner == ELSEWHERE)
    dead = silent_since(1)
    assert reap() == [dead.pk]


def test_one_that_gives_a_sign_while_it_is_reaped_goes_on(db, monkeypatch):
    version = silent_since(61)

    def beats_just_now(owner):
        RecommenderVersion.objects.update(heartbeat_at=timezone.now())
        return False

    monkeypatch.setattr(lease, "is_dead_here", beats_just_now)
    assert reap() == []
    version.refresh_from_db()
    assert version.status == Status.TRAINING


def test_a_reaped_owner_can_write_no_more(held):
    RecommenderVersion.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert reap() == [held.version.pk]
    with pytest.raises(LeaseLost):
        held.update(metrics={"late": 1})
    assert row(held).metrics == {}


def hearts():
    return [thread for thread in threading.enumerate() if thread.name == "recommendations-heart"]


def wait_until(true, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


@pytest.fixture
def beats(monkeypatch, held, settings):
    """What the heart's thread did: a stand-in for the row, since a test's transaction is this thread's own."""
    settings.RECOMMENDATIONS = {"LEASE_SECONDS": 0.04}

    class Row:
        answers = []  # of the updates to come; 1 when there is none left
        count = 0

        def update(self, **values):
            Row.count += 1
            answer = Row.answers.pop(0) if Row.answers else 1
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(Lease, "_held", lambda self: Row())
    return Row


def test_the_heart_beats_while_the_training_is_silent_and_never_longer(held, beats):
    with held.beating():
        assert len(hearts()) == 1
        wait_until(lambda: beats.count >= 3)
    assert hearts() == []


def test_the_heart_stops_when_the_training_breaks(held, beats):
    with pytest.raises(ZeroDivisionError), held.beating():
        raise ZeroDivisionError
    assert hearts() == []


def test_the_heart_tells_the_training_that_the_lease_is_lost(held, beats):
    beats.answers = [0]
    with held.beating():
        wait_until(lambda: held._lost.is_set())
        with pytest.raises(LeaseLost):
            held.report("fit", 0.5)


def test_a_database_that_is_away_for_a_moment_stops_no_heart(held, beats):
    beats.answers = [DatabaseError("locked"), DatabaseError("locked")]
    with held.beating():
        wait_until(lambda: beats.count >= 4)
        held.report("fit", 0.5)


@pytest.fixture
def dropped(monkeypatch):
    """The next write of the lease finds its connection gone; the connection made after that works."""
    closed, find = [], Lease._held

    def held_until_dropped(self):
        if not closed:
            raise OperationalError("the connection is closed")
        return find(self)

    monkeypatch.setattr(Lease, "_held", held_until_dropped)
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    monkeypatch.setattr(connections["default"], "close", lambda: closed.append(True))
    return closed


@pytest.mark.django_db(transaction=True)
def test_a_report_outlives_a_dropped_connection(dropped):
    lease = Lease.take("test")
    lease.report("final fit", 0.5)
    assert (row(lease).stage, dropped) == ("final fit", [True])


@pytest.mark.django_db(transaction=True)
def test_the_fate_is_told_over_a_new_connection(dropped):
    lease = Lease.take("test")
    assert lease.end(Status.FAILED, "why")
    assert (row(lease).error, dropped) == ("why", [True])


@pytest.mark.django_db(transaction=True)
def test_an_error_over_a_working_connection_is_raised(dropped, monkeypatch):
    monkeypatch.setattr(connections["default"], "is_usable", lambda: True)
    with pytest.raises(OperationalError, match="closed"):
        Lease.take("test").report("final fit", 0.5)
    assert dropped == []
