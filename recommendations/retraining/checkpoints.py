"""Where a training keeps how far it is, so that the next one goes on from there when its worker was killed."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Self

from django.db import connections, router
from django.utils import timezone

from ..models import Interaction, RecommenderVersion

# A training that was killed longer ago is begun anew: what happened since matters more than the work that was done.
RESUMED_WITHIN = timedelta(hours=6)


@dataclass(frozen=True)
class Kept:
    """The folder of the fits' checkpoints, and the newest interaction that is read: the same for whoever goes on."""

    directory: Path | None  # None where there is no safe place for it
    until: int
    as_of: datetime

    @classmethod
    def begin(cls, version: RecommenderVersion) -> Self:
        """For this training: what the one before left when it failed lately, or a beginning."""
        directory, now = _directory(), timezone.now()
        before = RecommenderVersion.objects.filter(pk__lt=version.pk).order_by("-pk").first()
        left = _left_by(before) if directory is not None and any(directory.glob("*.json")) else None
        if left is not None and now - left[1] <= RESUMED_WITHIN:
            return cls(directory, *left)
        forget_checkpoints()
        return cls(directory, Interaction.objects.newest_key(), now)

    def told(self) -> dict[str, Any]:
        """What the version's row must hold for the next training to go on."""
        return {"until": self.until, "as_of": self.as_of.isoformat()}


def forget_checkpoints() -> None:
    """Delete what trainings of this shop kept: after one has ended, it is of no use."""
    directory = _directory()
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)


def _left_by(version: RecommenderVersion | None) -> tuple[int, datetime] | None:
    if version is None or version.status != RecommenderVersion.Status.FAILED or "until" not in version.data:
        return None
    return version.data["until"], datetime.fromisoformat(version.data["as_of"])


def _directory() -> Path | None:
    """This shop's folder in the temporary one; None when somebody else owns that."""
    root = Path(gettempdir()) / f"django-because-{os.getuid()}"
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        if root.stat().st_uid != os.getuid():
            return None
    except OSError:
        return None
    database = connections[router.db_for_write(Interaction)].settings_dict
    shop = [str(database.get(name)) for name in ("ENGINE", "HOST", "PORT", "NAME")]
    return root / f"training-{hashlib.sha256(' '.join(shop).encode()).hexdigest()[:16]}"
