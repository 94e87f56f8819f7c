from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from celery.exceptions import Retry
from django.utils import timezone

from recommendations import retraining, tasks
from recommendations.exceptions import RetrainingBusy
from recommendations.models import Interaction, Product, ProductPopularity, RecommenderVersion
from tests.shop.models import Book

Status = RecommenderVersion.Status


def test_retraining_notes_who_asked(shop, trainer):
    tasks.retrain_recommender(started_by="anna")
    assert RecommenderVersion.objects.get().started_by == "anna"


def test_what_is_too_old_is_deleted_before_a_training_that_may_not_get_through(shop, trainer, settings, caplog):
    settings.RECOMMENDATIONS = {"RETENTION_DAYS": 1}
    kept = Interaction.objects.filter(event_key=0).update(occurred_at=timezone.now())
    with patch.object(retraining, "retrain", side_effect=RetrainingBusy(7)), caplog.at_level("INFO", "recommendations"):
        tasks.retrain_recommender()
    assert Interaction.objects.count() == kept > 0
    assert [entry.event for entry in caplog.records] == ["purged", "training_busy"]


def test_a_message_that_was_answered_deletes_nothing(shop, trainer):
    tasks.retrain_recommender.apply(task_id="night 1")
    with patch.object(tasks.controls, "purge", side_effect=AssertionError):
        assert tasks.retrain_recommender.apply(task_id="night 1").state == "SUCCESS"


def test_retraining_from_the_schedule_says_so(shop, trainer):
    tasks.retrain_recommender()
    assert RecommenderVersion.objects.get().started_by == "schedule"


def test_a_message_that_is_delivered_twice_trains_once(shop, trainer):
    message = {"started_by": "anna", "after": 0}
    tasks.retrain_recommender(**message)
    tasks.retrain_recommender(**message)
    assert RecommenderVersion.objects.count() == 1


def test_a_message_of_the_schedule_that_is_delivered_twice_trains_once(shop, trainer):
    for _ in range(2):
        tasks.retrain_recommender.apply(task_id="night 1")
    assert RecommenderVersion.objects.get().message_id == "night 1"
    tasks.retrain_recommender.apply(task_id="night 2")
    assert RecommenderVersion.objects.count() == 2


@pytest.mark.parametrize(("failed_before", "trained"), [(0, 1), (1, 0)])
def test_a_message_whose_worker_was_killed_is_tried_once_more(shop, trainer, failed_before, trained):
    for _ in range(failed_before):
        RecommenderVersion.objects.create(message_id="night 1", status=Status.FAILED)
    killed = RecommenderVersion.objects.create(message_id="night 1", heartbeat_at=timezone.now() - timedelta(hours=1))
    tasks.retrain_recommender.apply(task_id="night 1")
    assert RecommenderVersion.objects.filter(pk__gt=killed.pk).count() == trained


def test_a_message_that_comes_again_before_its_dead_worker_is_known_comes_back_later(shop, trainer, settings):
    settings.RECOMMENDATIONS = {"LEASE_SECONDS": 30}
    RecommenderVersion.objects.create(
        message_id="night 1", lease_owner="another machine/7/ab", heartbeat_at=timezone.now() - timedelta(seconds=5)
    )
    with patch.object(tasks.retrain_recommender, "retry", side_effect=Retry) as retry:
        state = tasks.retrain_recommender.apply(task_id="night 1").state
    assert state == "RETRY"
    retry.assert_called_once_with(countdown=31, max_retries=None)
    RecommenderVersion.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    tasks.retrain_recommender.apply(task_id="night 1")
    assert set(RecommenderVersion.objects.values_list("status", flat=True)) == {Status.FAILED, Status.PUBLISHED}


def test_a_later_request_trains_again(shop, trainer):
    for _ in range(2):
        newest = RecommenderVersion.objects.order_by("-pk").values_list("pk", flat=True).first()
        tasks.retrain_recommender(started_by="anna", after=newest or 0)
    assert RecommenderVersion.objects.count() == 2


def test_a_message_that_comes_while_another_worker_trains_ends_quietly(shop, trainer, monkeypatch):
    def busy(started_by, message_id):
        raise RetrainingBusy(7)

    monkeypatch.setattr(retraining, "retrain", busy)
    assert tasks.retrain_recommender() is None


def test_a_failed_training_is_no_failed_task(shop, trainer):
    def fail():
        raise RuntimeError("no")

    trainer.middle = fail
    tasks.retrain_recommender()
    assert RecommenderVersion.objects.get().status == Status.FAILED


def test_the_message_is_acknowledged_at_the_end():
    task = tasks.retrain_recommender
    assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)


@pytest.mark.parametrize("name", ["retrain_recommender", "sync_catalog", "count_popularity", "purge"])
def test_tasks_are_named_as_in_the_schedule(name):
    task = getattr(tasks, name)
    assert task.name == f"recommendations.tasks.{name}"
    assert task.name in tasks.__doc__


def test_the_docs_have_the_same_schedule():
    schedule = tasks.__doc__.partition("\n\n")[2].rstrip()
    assert schedule in (Path(__file__).parents[2] / "docs" / "retraining.md").read_text()


def test_sync_catalog_mirrors(db):
    Book.objects.bulk_create([Book(name="Bulk")])
    tasks.sync_catalog()
    assert Product.objects.get().title == "Bulk"


def test_count_popularity_counts_and_finds_dead_trainings(shop):
    dead = RecommenderVersion.objects.create(heartbeat_at=timezone.now() - timedelta(hours=1))
    tasks.count_popularity()
    dead.refresh_from_db()
    assert ProductPopularity.objects.exists()
    assert dead.status == Status.FAILED


def test_purge_deletes_what_is_too_old(shop, settings):
    settings.RECOMMENDATIONS = {"RETENTION_DAYS": 1}
    Interaction.objects.filter(event_key=0).update(occurred_at=timezone.now())
    tasks.purge()
    assert set(Interaction.objects.values_list("event_key", flat=True)) == {0}
