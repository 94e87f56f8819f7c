from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .fresh import FreshQuerySet

MAX_MESSAGE_ID = 255


class RecommenderVersionQuerySet(FreshQuerySet["RecommenderVersion"]):
    def current(self) -> "RecommenderVersion | None":
        """The version that serves, or None."""
        return self.filter(status=RecommenderVersion.Status.PUBLISHED).first()

    def in_training(self) -> "RecommenderVersion | None":
        return self.filter(status=RecommenderVersion.Status.TRAINING).first()

    def begin(self, owner: str, started_by: str, message_id: str = "") -> "RecommenderVersion":
        """Insert the row that is the lease. Raises IntegrityError when another row is `training`."""
        version = self.create(lease_owner=owner, started_by=started_by[:255], message_id=message_id, heartbeat_at=Now())
        version.refresh_from_db(fields=["heartbeat_at"])
        return version

    def held(self, pk: int, owner: str) -> "RecommenderVersionQuerySet":
        """The row while `owner` trains it: empty once it was cancelled, reaped or ended."""
        return self.filter(pk=pk, lease_owner=owner, status=RecommenderVersion.Status.TRAINING)

    def silent(self, seconds: float) -> "RecommenderVersionQuerySet":
        """Trainings without a heartbeat for so long, by the database's clock: workers' clocks may differ."""
        limit = Now() - timedelta(seconds=seconds)
        return self.filter(
            Q(heartbeat_at__lt=limit) | Q(heartbeat_at=None, created_at__lt=limit),
            status=RecommenderVersion.Status.TRAINING,
        )

    def end(self, status: str, error: str = "", **values: Any) -> bool:
        """Give the rows that are still `training` their fate; False when there were none."""
        in_training = self.filter(status=RecommenderVersion.Status.TRAINING)
        return in_training.update(status=status, error=error, finished_at=Now(), **values) > 0

    def answering(self, message_id: str, after: int | None) -> "RecommenderVersionQuerySet":
        """Trainings that this message began, and those `after` a version: they saw what was recorded before it was
        sent.
        """
        began = self.filter(message_id=message_id) if message_id else self.none()
        return began if after is None else began | self.filter(pk__gt=after)


# Methods of a version's metrics that are a recommender of ours or a part of one, and no baseline.
OURS = ("recommender", "network", "current_version", "learned")


def best_baseline(methods: Mapping[str, Mapping[str, float]], metric: str = "ndcg@10") -> tuple[str, float] | None:
    """(name, value) of the simple method that does best; None when none was measured."""
    values = {name: found[metric] for name, found in methods.items() if metric in found and name not in OURS}
    return max(values.items(), key=lambda entry: entry[1], default=None)


class RecommenderVersion(models.Model):
    """One training run and its fate. At most one row is `training` (the lease) and one `published` (current)."""

    class Status(models.TextChoices):
        TRAINING = "training", _("Training")
        REJECTED = "rejected", _("Rejected")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")
        SKIPPED = "skipped", _("Skipped")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    id = models.BigAutoField(primary_key=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.TRAINING)
    lease_owner = models.CharField(max_length=64, default="", blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_by = models.CharField(_("started by"), max_length=255, default="", blank=True)
    # Of the broker's message. A default of the database too, for processes that run the version before.
    message_id = models.CharField(max_length=MAX_MESSAGE_ID, default="", db_default="", blank=True)
    stage = models.CharField(max_length=64, default="", blank=True)
    progress = models.FloatField(default=0)  # of the whole training, 0..1
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)  # window and counts
    metrics = models.JSONField(default=dict, blank=True)
    fidelity = models.JSONField(default=dict, blank=True)
    artifact = models.CharField(_("artifact"), max_length=255, default="", blank=True)
    # Of the manifest, which holds the files'.
    artifact_sha256 = models.CharField(_("artifact sha256"), max_length=64, default="", blank=True)
    error = models.TextField(_("error"), default="", blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

    objects = RecommenderVersionQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("recommender version")
        verbose_name_plural = _("recommender versions")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="training"), name="recommendations_one_training"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="recommendations_one_published"
            ),
        ]
        permissions = [
            ("retrain", "Can start and cancel a retraining"),
            ("publish", "Can publish and roll back versions"),
            ("view_history", "Can look into a shopper's history and reasons"),
        ]

    def __str__(self) -> str:
        words = gettext("version %(number)s (%(status)s)")
        return words % {"number": self.pk, "status": self.get_status_display().lower()}

    @property
    def is_counted(self) -> bool:
        """Whether it was only counted, since too little was known to learn from: data["counted"] says what lacks."""
        return "counted" in self.data
