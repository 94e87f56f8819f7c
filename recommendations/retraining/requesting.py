"""Asking a Celery worker to retrain, from a process that must answer at once."""

from celery import current_app, signature
from django.db.models import Q
from kombu.exceptions import OperationalError

from ..exceptions import BrokerUnreachable, NoBroker, RetrainingBusy
from ..logs import log
from ..models import RecommenderVersion
from .lease import reap

Status = RecommenderVersion.Status
TASK = "recommendations.tasks.retrain_recommender"
# Somebody waits for the answer: a broker that is down is not waited for.
CONNECT_SECONDS = 3
ONCE = {"max_retries": 1, "interval_start": 0}
# A request that killed its worker this often is not tried again.
TRIES = 2


def request_retraining(started_by: str) -> None:
    """Queue a retraining and return at once.

    Raises RetrainingBusy while one runs, NoBroker and BrokerUnreachable when the message can't be sent.
    """
    reap()
    if busy := RecommenderVersion.objects.in_training():
        raise RetrainingBusy(busy.pk)
    # Celery would take a RabbitMQ of this machine for the broker, whoever's that is.
    if not current_app.conf.broker_write_url:
        raise NoBroker
    # A key, not the time: the clocks of web servers and workers differ.
    newest = RecommenderVersion.objects.order_by("-pk").values_list("pk", flat=True).first()
    message = {"started_by": started_by, "after": newest or 0}
    with current_app.connection_for_write(connect_timeout=CONNECT_SECONDS, transport_options=ONCE) as connection:
        try:
            signature(TASK, kwargs=message, app=current_app).apply_async(retry=False, connection=connection)
        except (OperationalError, OSError) as error:
            log("broker_unreachable", error)
            raise BrokerUnreachable(connection.as_uri(), error) from error


def in_training_for(message_id: str) -> RecommenderVersion | None:
    """The training that this very message began and that nobody took for dead yet.

    Its worker may be killed, on another machine: the message that comes again must not be lost before that is known.
    """
    reap()
    busy = RecommenderVersion.objects.in_training()
    return busy if busy is not None and message_id and busy.message_id == message_id else None


def is_answered(message_id: str, after: int | None = None) -> bool:
    """Whether this message was served already: brokers deliver one again when a worker dies or is slow.

    Beat's says nothing of when it was sent; a request's does, and is answered by whatever training began since: those
    `after` the version that was the newest then.
    """
    reap()  # the message that comes again because its worker was killed is no answer to itself
    answers = RecommenderVersion.objects.answering(message_id, after)
    mine = Q(status=Status.TRAINING, message_id=message_id) if message_id else Q(pk=None)
    statuses = list(answers.exclude(mine).values_list("status", flat=True))
    failed = statuses.count(Status.FAILED)
    return len(statuses) > failed or failed >= TRIES
