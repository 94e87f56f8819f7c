import json
from base64 import b64decode
from datetime import timedelta

import pytest
from celery import Celery, current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from recommendations.exceptions import BrokerUnreachable, RetrainingBusy
from recommendations.models import RecommenderVersion
from recommendations.retraining import request_retraining
from recommendations.retraining.requesting import in_training_for, is_answered

Status = RecommenderVersion.Status


@pytest.fixture(autouse=True)
def no_broker_of_the_environment(monkeypatch):
    """Celery prefers CELERY_BROKER_URL to what an app names."""
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)


@pytest.fixture
def broker():
    """A Celery app whose messages stay in this process."""
    before = current_app._get_current_object()
    app = Celery("test", broker="memory://", set_as_current=True)
    with app.connection_for_write() as connection:
        connection.default_channel.queue_declare("celery")
        connection.default_channel.queue_purge("celery")
    yield app
    app.close()
    before.set_current()


def messages(app):
    """(task's name, its keyword arguments) of what waits in the queue."""
    found = []
    with app.connection_for_write() as connection, connection.SimpleQueue("celery") as queue:
        while len(queue):
            message = queue.get_nowait()
            body = message.body if isinstance(message.body, str) else message.body.decode()
            arguments = json.loads(body if body.startswith("[") else b64decode(body))
            found.append((message.headers["task"], arguments[1]))
            message.ack()
    return found


def test_the_message_waits_for_a_worker(db, broker):
    request_retraining("anna")
    newest = [RecommenderVersion.objects.create(status=Status.REJECTED) for _ in range(2)][-1]
    request_retraining("anna")
    found = messages(broker)
    assert {task for task, _ in found} == {"recommendations.tasks.retrain_recommender"}
    assert [arguments for _, arguments in found] == [
        {"started_by": "anna", "after": 0},
        {"started_by": "anna", "after": newest.pk},
    ]


def test_a_request_is_answered_by_what_began_after_it_whatever_the_clocks_say(db):
    before = RecommenderVersion.objects.create(status=Status.REJECTED)
    assert not is_answered("", before.pk)
    since = RecommenderVersion.objects.create(status=Status.REJECTED)
    RecommenderVersion.objects.filter(pk=since.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert is_answered("", before.pk)


def test_while_one_is_trained_nothing_is_queued(db, broker):
    version = RecommenderVersion.objects.create()
    with pytest.raises(RetrainingBusy, match=f"Version {version.pk}"):
        request_retraining("anna")
    assert messages(broker) == []


def test_a_dead_training_is_no_obstacle(db, broker):
    dead = RecommenderVersion.objects.create(heartbeat_at=timezone.now() - timedelta(hours=1))
    request_retraining("anna")
    dead.refresh_from_db()
    assert dead.status == Status.FAILED
    assert len(messages(broker)) == 1


@pytest.mark.parametrize("error", [OperationalError("refused"), ConnectionRefusedError("refused")])
def test_a_broker_that_is_down_is_named_without_its_password(db, broker, monkeypatch, error):
    def refuse(*args, **kwargs):
        raise error

    broker.conf.broker_url = "redis://shop:secret@broker:6379/0"
    monkeypatch.setattr("celery.canvas.Signature.apply_async", refuse)
    with pytest.raises(BrokerUnreachable, match=r"redis://.*broker:6379/0 does not answer \(refused\)") as caught:
        request_retraining("anna")
    assert "secret" not in str(caught.value)


def test_a_real_broker_that_is_down_answers_at_once(db):
    before = current_app._get_current_object()
    app = Celery("test", broker="redis://127.0.0.1:1/0", set_as_current=True)
    try:
        with pytest.raises(BrokerUnreachable, match=r"CELERY_BROKER_URL"):
            request_retraining("anna")
    finally:
        app.close()
        before.set_current()


@pytest.mark.parametrize(
    ("statuses", "answered"),
    [
        ([], False),
        ([Status.PUBLISHED], True),
        ([Status.REJECTED], True),
        ([Status.FAILED], False),  # its worker died: the message that comes again is the second try
        ([Status.FAILED, Status.FAILED], True),  # whatever kills it would kill the next one too
        ([Status.FAILED, Status.SKIPPED], True),
    ],
)
@pytest.mark.parametrize("is_requested", [True, False])
def test_a_message_is_answered_once(db, statuses, answered, is_requested):
    old = RecommenderVersion.objects.create(status=Status.RETIRED)
    for status in statuses:
        RecommenderVersion.objects.create(status=status, message_id="" if is_requested else "one")
    assert is_answered("one", old.pk if is_requested else None) == answered
    assert not is_answered("another")


@pytest.mark.parametrize("own", [True, False])
def test_a_training_is_no_answer_to_the_message_that_began_it_only_to_others(db, own):
    RecommenderVersion.objects.create(heartbeat_at=timezone.now(), message_id="one" if own else "two")
    assert is_answered("one", after=0) == (not own)
    assert (in_training_for("one") is not None) == own
    assert in_training_for("") is None


def test_no_message_is_no_answer(db):
    assert not is_answered("")
