from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from ..models import HiddenProduct, Interaction, RemovedProduct, Shopper

KEPT = (Interaction, RemovedProduct, HiddenProduct)


def rows_of(shopper: Shopper) -> QuerySet[Shopper]:
    """The shopper's row, and those of visitors who logged in as this user: events in flight may have reached them."""
    return Shopper.objects.filter(Q(pk=shopper.pk) | Q(merged_into=shopper))


def is_anything_kept(shopper: Shopper | None) -> bool:
    """Whether there is anything that erase() would delete."""
    return shopper is not None and any(kept.objects.filter(shopper__in=rows_of(shopper)).exists() for kept in KEPT)


def erase(shopper: Shopper, now: datetime | None = None) -> int:
    """Delete everything kept of the shopper; returns how many interactions that were.

    One row remains, which says that it was erased: imports skip whatever is older, and nothing is recorded until the
    shopper switches personalisation on.
    """
    now = now or timezone.now()
    mine = rows_of(shopper)
    with Shopper.objects.atomic_writing():
        Shopper.objects.select_for_update().get(pk=shopper.pk)
        deleted, *_ = [kept.objects.filter(shopper__in=mine).delete()[0] for kept in KEPT]
        mine.update(erased_at=now, personalised=False, last_seen=None)
    shopper.refresh_from_db()
    return deleted
