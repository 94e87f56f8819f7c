"""Who trains: the row `training` is the lease, of which the table allows one. Brokers deliver twice, or never."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Self

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    router,
)
from django.db.models.functions import Now

from ..conf import get_config
from ..exceptions import LeaseLost, RetrainingBusy
from ..logs import log
from ..models import RecommenderVersion
from ..signals import version_failed
from .owners import is_dead_here, new_owner

Status = RecommenderVersion.Status
# Seconds between two writes of stage and progress.
REPORT_SECONDS = 1.0
# Heartbeats sent while the training itself is too busy to report, in each LEASE_SECONDS.
BEATS = 4


class Lease:
    """The right to train one version. Every write holds only while nobody has taken the row away."""

    def __init__(self, version: RecommenderVersion) -> None:
        self.version = version
        self.stage = ""
        self._lost = threading.Event()
        self._written = 0.0

    @classmethod
    def take(cls, started_by: str, message_id: str = "") -> Self:
        """Begin a version. Raises RetrainingBusy while another one is being trained by a process that lives."""
        reap()
        try:
            with RecommenderVersion.objects.atomic():
                return cls(RecommenderVersion.objects.begin(new_owner(), started_by, message_id))
        except IntegrityError:
            busy = RecommenderVersion.objects.in_training()
            raise RetrainingBusy(busy.pk if busy else 0) from None

    def report(self, stage: str, fraction: float) -> None:
        """Note how far the training is; a heartbeat too. Raises LeaseLost when it must stop."""
        if self._lost.is_set():
            raise LeaseLost(self._lost_text())
        new_stage = stage != self.stage
        self.stage = stage
        if new_stage or monotonic() - self._written >= REPORT_SECONDS:
            self.update(stage=stage, progress=min(max(fraction, 0.0), 1.0))

    def update(self, **values: Any) -> None:
        """Write to the row, as a heartbeat. Raises LeaseLost when the row is no longer ours."""
        self._written = monotonic()
        if not _again_when_dropped(lambda: self._held().update(heartbeat_at=Now(), **values)):
            raise LeaseLost(self._lost_text())

    def end(self, status: str, error: str = "") -> bool:
        """Give the version its fate; False when somebody else did."""
        return _again_when_dropped(lambda: self._held().end(status, error))

    @contextmanager
    def beating(self) -> Iterator[None]:
        """A heartbeat in a thread meanwhile: a single step of the training may take minutes."""
        stopped = threading.Event()
        seconds = get_config().LEASE_SECONDS / BEATS
        heart = threading.Thread(target=self._beat, args=(stopped, seconds), name="recommendations-heart", daemon=True)
        heart.start()
        try:
            yield
        finally:
            stopped.set()
            heart.join()

    def _beat(self, stopped: threading.Event, seconds: float) -> None:
        try:
            while not stopped.wait(seconds):
                try:
                    held = self._held().update(heartbeat_at=Now())
                except (DatabaseError, InterfaceError) as error:
                    log("heartbeat_missed", error, version=self.version.pk)
                    connections.close_all()  # this thread's; nobody else replaces a dropped one
                    continue
                if not held:
                    self._lost.set()
                    return
        finally:
            connections.close_all()  # this thread's

    def _held(self) -> Any:
        return RecommenderVersion.objects.held(self.version.pk, self.version.lease_owner)

    def _lost_text(self) -> str:
        return f"Version {self.version.pk} is not trained here any more: it was cancelled, or taken for dead."


def _again_when_dropped(write: Callable[[], Any]) -> Any:
    """Write; once more, over a new connection, when the old one was dropped: a training outlives database restarts."""
    connection = connections[router.db_for_write(RecommenderVersion)]
    try:
        return write()
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        return write()


def cancel(version_id: int) -> bool:
    """Stop a training: it ends at its next report. False when that version is not being trained."""
    return RecommenderVersion.objects.filter(pk=version_id).end(Status.CANCELLED)


def reap() -> list[int]:
    """Mark trainings whose worker died as failed, with what is known of it; returns their ids.

    Dead is who gave no heartbeat for LEASE_SECONDS, and a process of this machine that does not exist any more.
    """
    reaped = []
    for version in RecommenderVersion.objects.filter(status=Status.TRAINING):
        mine = RecommenderVersion.objects.held(version.pk, version.lease_owner)
        if not is_dead_here(version.lease_owner):
            mine = mine.silent(get_config().LEASE_SECONDS)
        # Conditional: whoever gives a sign of life meanwhile goes on.
        if mine.end(Status.FAILED, _cause_of_death(version)):
            log("worker_died", version=version.pk, stage=version.stage)
            version.refresh_from_db()
            version_failed.send_robust(RecommenderVersion, version=version)
            reaped.append(version.pk)
    return reaped


def _cause_of_death(version: RecommenderVersion) -> str:
    seen = version.heartbeat_at or version.created_at
    where = f"in stage {version.stage!r}, {version.progress:.0%} done" if version.stage else "before its first stage"
    return f"The worker died {where}: its last sign of life was at {seen:%Y-%m-%d %H:%M:%S} UTC. Retrain again."
