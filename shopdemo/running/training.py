"""The first training, watched: the worker trains, its row in the database says how far it is."""

import time
from collections.abc import Callable

from recommendations.conf import get_config
from recommendations.exceptions import RetrainingBusy
from recommendations.models import RecommenderVersion
from recommendations.retraining import request_retraining

from .processes import Child

POLL = 0.25
AFTER_THE_LEASE = 5.0  # seconds
PICKED_UP_WITHIN = 60.0  # seconds from the message to the row
Status = RecommenderVersion.Status


class TrainingFailed(Exception):
    """Why no version was published, in a sentence for whoever started the demo."""


def ask_for_training(started_by: str) -> None:
    """As request_retraining(), but what an interrupted demo left behind is waited for until it is taken for dead.

    Only Linux tells at once that the process of a training is gone. Raises RetrainingBusy when that one lives on.
    """
    deadline = time.monotonic() + get_config().LEASE_SECONDS + AFTER_THE_LEASE
    while True:
        try:
            return request_retraining(started_by)
        except RetrainingBusy:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL)


def watch_training(worker: Child, after: int, report: Callable[[str, float], None]) -> RecommenderVersion:
    """Wait for the version that is newer than row `after`, reporting stage and share done; returns it published.

    Raises TrainingFailed when the worker died, never began, or did not publish.
    """
    began = time.monotonic()
    while True:
        version = RecommenderVersion.objects.filter(pk__gt=after).order_by("pk").first()
        if version is None and time.monotonic() - began > PICKED_UP_WITHIN:
            raise TrainingFailed(f"The worker did not begin within {PICKED_UP_WITHIN:.0f} s. Its log: {worker.log}")
        if version is not None and version.stage:
            report(version.stage.capitalize(), version.progress)
        if version is not None and version.status != Status.TRAINING:
            return _published(version)
        if not worker.is_alive():
            raise TrainingFailed(f"The worker stopped while training: {worker.last_words(1)} (its log: {worker.log})")
        time.sleep(POLL)


def _published(version: RecommenderVersion) -> RecommenderVersion:
    if version.status not in (Status.PUBLISHED, Status.RETIRED):
        raise TrainingFailed(f"Version {version.pk} is {version.status}: {version.error or 'no reason was given'}")
    return version
