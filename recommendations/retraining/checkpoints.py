"""Where a training keeps how far it is, so that the next one goes on from there when its worker was killed."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Self

import numpy as np
from django.db import connections, router
from django.utils import timezone

from ..ml.interactions import InteractionLog
from ..models import Interaction, RecommenderVersion
from ..publishing.own_folder import own_folder

# A training that was killed longer ago is begun anew: what happened since matters more than the work that was done.
RESUMED_WITHIN = timedelta(hours=6)


@dataclass(frozen=True)
class Kept:
    """The folder of the fits' checkpoints, and the newest interaction that is read: the same for whoever goes on."""

    directory: Path | None  # None where there is no safe place for it
    until: int
    as_of: datetime
    digest: str = ""  # of the log that the training before read; "" at a beginning

    @classmethod
    def begin(cls, version: RecommenderVersion) -> Self:
        """For this training: what the last that got as far left, if all failed since and lately, or a beginning."""
        directory = _directory()
        told = _left_before(version) if directory is not None and any(directory.glob("*.json")) else None
        if told is None:
            return cls.anew()
        as_of = datetime.fromisoformat(told["as_of"])
        if timezone.now() - as_of > RESUMED_WITHIN:
            return cls.anew()
        return cls(directory, told["until"], as_of, told.get("digest", ""))

    @classmethod
    def anew(cls) -> Self:
        """A beginning, with everything until now; deletes what trainings before left."""
        forget_checkpoints()
        return cls(_directory(), Interaction.objects.newest_key(), timezone.now())

    def is_of(self, log: InteractionLog) -> bool:
        """Whether going on makes sense: what was kept is of this very log. True at a beginning."""
        return self.digest in ("", digest(log))

    def told(self, log: InteractionLog) -> dict[str, Any]:
        """What the version's row must hold for the next training to go on."""
        return {"until": self.until, "as_of": self.as_of.isoformat(), "digest": digest(log)}


def digest(log: InteractionLog) -> str:
    """Equal for equal logs. An event below `until` may have another shopper since: who logs in takes theirs along."""
    found = hashlib.sha256()
    for column in (log.shopper, log.item, log.kind, log.time):
        found.update(np.ascontiguousarray(column).tobytes())
    for bag in log.queries.bags:
        found.update(b"bag" + bag.items.tobytes() + bag.weights.tobytes())
    return found.hexdigest()


def forget_checkpoints() -> None:
    """Delete what trainings of this shop kept: after one has ended, it is of no use."""
    directory = _directory()
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)


def _left_before(version: RecommenderVersion) -> dict[str, Any] | None:
    """Of the newest that failed and had read anything: one that failed earlier left its predecessor's work alone."""
    before = RecommenderVersion.objects.filter(pk__lt=version.pk).order_by("-pk")
    for status, data in before.values_list("status", "data").iterator(chunk_size=20):
        if status != RecommenderVersion.Status.FAILED:
            return None
        if "until" in data:
            return dict(data)
    return None


def _directory() -> Path | None:
    """This shop's folder in the temporary one; None when somebody else owns that."""
    root = own_folder(Path(gettempdir()))
    if root is None:
        return None
    database = connections[router.db_for_write(Interaction)].settings_dict
    shop = [str(database.get(name)) for name in ("ENGINE", "HOST", "PORT", "NAME")]
    return root / f"training-{hashlib.sha256(' '.join(shop).encode()).hexdigest()[:16]}"
