"""Asking a Celery worker to retrain, from a process that must answer at once."""

from datetime import datetime

from celery import current_app, signature
from django.utils import timezone
from kombu.exceptions import OperationalError

from ..exceptions import BrokerUnreachable, NoBroker, RetrainingBusy
from ..logs import log
from ..models import RecommenderVersion
from .lease import reap

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
    message = {"started_by": started_by, "requested_at": timezone.now().isoformat()}
    with current_app.connection_for_write(connect_timeout=CONNECT_SECONDS, transport_options=ONCE) as connection:
        try:
            signature(TASK, kwargs=message, app=current_app).apply_async(retry=False, connection=connection)
        except (OperationalError, OSError) as error:
            log("broker_unreachable", error)
            raise BrokerUnreachable(connection.as_uri(), error) from error


def is_answered(message_id: str, requested_at: datetime | None = None) -> bool:
    """Whether this message was served already: brokers deliver one again when a worker dies or is slow.

    Beat's says nothing of when it was sent; a request's does, and is answered by whatever training began since.
    """
    reap()  # the message that comes again because its worker was killed is no answer to itself
    answers = RecommenderVersion.objects.answering(message_id, requested_at)
    statuses = list(answers.values_list("status", flat=True))
    failed = statuses.count(RecommenderVersion.Status.FAILED)
    return len(statuses) > failed or failed >= TRIES
