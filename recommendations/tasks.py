"""What Celery workers run. Put what should happen by itself into the beat schedule:

CELERY_BEAT_SCHEDULE = {
    "retrain": {"task": "recommendations.tasks.retrain_recommender", "schedule": crontab(hour=3, minute=0)},
    "catalog": {"task": "recommendations.tasks.sync_catalog", "schedule": crontab(minute=10)},
    "popular": {"task": "recommendations.tasks.count_popularity", "schedule": crontab(minute=20)},
    "purge": {"task": "recommendations.tasks.purge", "schedule": crontab(hour=4, minute=0)},
}
"""

from datetime import datetime

from celery import shared_task
from django.utils import timezone

from . import catalog, controls, retraining
from .exceptions import RetrainingBusy
from .logs import log
from .models import ProductPopularity
from .retraining.requesting import is_answered


# Acknowledged at the end, so that a killed worker's message comes again; the lease makes a second delivery harmless.
@shared_task(ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def retrain_recommender(started_by: str = "schedule", requested_at: str | None = None) -> None:
    """Retrain and publish; nothing when a training runs already or this request was answered before."""
    if requested_at is not None and is_answered(datetime.fromisoformat(requested_at)):
        log("training_answered", requested_at=requested_at)
        return
    try:
        version = retraining.retrain(started_by)
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
