from django.db import connections, transaction
from django.utils import timezone

from ..logs import log
from ..ml.artifact import ArtifactError
from ..models import RecommenderVersion
from ..models.postgresql import one_at_a_time
from ..signals import version_published
from .artifacts import check_stored

Status = RecommenderVersion.Status


def publish(version: RecommenderVersion) -> None:
    """Make a version current, in one transaction; the one that was becomes `retired`. Also how to roll back.

    Nothing happens when it is current already. Raises ArtifactError when its artifact can't be served.
    """
    check_stored(version)
    with RecommenderVersion.objects.atomic_writing():
        # Of two who publish at once the second must see the first one's version to retire it.
        one_at_a_time(connections[RecommenderVersion.objects.db], RecommenderVersion._meta.db_table)
        rows = RecommenderVersion.objects.select_for_update()
        mine = rows.get(pk=version.pk)
        if (mine.artifact, mine.artifact_sha256) != (version.artifact, version.artifact_sha256):
            raise ArtifactError(f"version {mine.pk} has lost its artifact meanwhile: publish another version.")
        if mine.status == Status.PUBLISHED:
            return
        if mine.status not in (Status.TRAINING, Status.RETIRED):
            raise ArtifactError(f"version {mine.pk} is {mine.status}: only a trained or a retired version can serve.")
        rows.filter(status=Status.PUBLISHED).update(status=Status.RETIRED)
        mine.status, mine.published_at = Status.PUBLISHED, timezone.now()
        mine.save(update_fields=["status", "published_at"])
        version.status, version.published_at = mine.status, mine.published_at
        transaction.on_commit(lambda: _tell(version), using=rows.db, robust=True)


def _tell(version: RecommenderVersion) -> None:
    log("version_published", version=version.pk)
    version_published.send_robust(RecommenderVersion, version=version)
