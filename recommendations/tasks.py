"""What Celery workers run. Put what should happen by itself into the beat schedule:

from celery.schedules import crontab

CELERY_BEAT_SCHEDULE = {
    "retrain": {
        "task": "recommendations.tasks.retrain_recommender",
        "schedule": crontab(hour=3, minute=0),
        "options": {"expires": 20 * 3600},  # after days without a worker it trains once, not once for each night
    },
    "catalog": {"task": "recommendations.tasks.sync_catalog", "schedule": crontab(minute=10)},
    "popular": {"task": "recommendations.tasks.count_popularity", "schedule": crontab(minute=20)},
    "purge": {"task": "recommendations.tasks.purge", "schedule": crontab(hour=4, minute=0)},
}
"""

from celery import Task, shared_task
from django.utils import timezone

from . import catalog, controls, retraining
from .conf import get_config
from .exceptions import RetrainingBusy
from .logs import log
from .models import ProductPopularity
from .models.recommender_version import MAX_MESSAGE_ID
from .retraining.requesting import in_training_for, is_answered


# Acknowledged at the end, so that a killed worker's message comes again; its id, which the version's row keeps, makes a
# second delivery harmless, whoever sent it.
@shared_task(bind=True, ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def retrain_recommender(self: Task, started_by: str = "schedule", after: int | None = None) -> None:
    """Delete what must not be kept any longer, retrain and publish; nothing when this message was answered before, and
    only the first when another training runs.

    While the training that this message began is not known to be dead, the message comes back after a lease's time.
    """
    message_id = (self.request.id or "")[:MAX_MESSAGE_ID]
    if mine := in_training_for(message_id):
        log("training_busy", version=mine.pk)
        raise self.retry(countdown=get_config().LEASE_SECONDS + 1, max_retries=None)
    if is_answered(message_id, after):
        log("training_answered", message_id=message_id)
        return
    purge()  # first, so that what is too old goes even where no training gets through
    try:
        version = retraining.retrain(started_by, message_id=message_id)
    except RetrainingBusy as busy:
        log("training_busy", version=busy.version_id)
        return
    log("training_ended", version=version.pk, status=version.status)


@shared_task(ignore_result=True)
def sync_catalog() -> None:
    """Mirror the shop's products: also what bulk updates changed, which send no signals."""
    catalog.sync_catalog()


@shared_task(ignore_result=True)
def count_popularity() -> None:
    """Count what is popular this week, and see whether a training's worker died."""
    ProductPopularity.objects.count_again(timezone.now())
    retraining.reap()


@shared_task(ignore_result=True)
def purge() -> None:
    """Delete what was removed a month ago and what is too old to be kept; see RETENTION_DAYS."""
    log("purged", counts=controls.purge())
