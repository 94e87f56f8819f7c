from django.db import models
from django.db.models import Q


class RecommenderVersionQuerySet(models.QuerySet["RecommenderVersion"]):
    def current(self) -> "RecommenderVersion | None":
        """The version that serves, or None."""
        return self.filter(status=RecommenderVersion.Status.PUBLISHED).first()

    def in_training(self) -> "RecommenderVersion | None":
        return self.filter(status=RecommenderVersion.Status.TRAINING).first()


class RecommenderVersion(models.Model):
    """One training run and its fate. At most one row is `training` (the lease) and one `published` (current)."""

    class Status(models.TextChoices):
        TRAINING = "training"
        REJECTED = "rejected"
        PUBLISHED = "published"
        RETIRED = "retired"
        SKIPPED = "skipped"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.TRAINING)
    lease_owner = models.CharField(max_length=64, default="", blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_by = models.CharField(max_length=255, default="", blank=True)
    stage = models.CharField(max_length=64, default="", blank=True)
    progress = models.FloatField(default=0)  # of the stage, 0..1
    settings = models.JSONField(default=dict, blank=True)
    data = models.JSONField(default=dict, blank=True)  # window and counts
    metrics = models.JSONField(default=dict, blank=True)
    fidelity = models.JSONField(default=dict, blank=True)
    artifact = models.CharField(max_length=255, default="", blank=True)
    artifact_sha256 = models.CharField(max_length=64, default="", blank=True)  # of the manifest, which holds the files'
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    objects = RecommenderVersionQuerySet.as_manager()

    class Meta:
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
        return f"version {self.pk} ({self.status})"
