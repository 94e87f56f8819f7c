from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from ..models import HiddenProduct, Interaction, RemovedProduct, Shopper


def erase(shopper: Shopper, now: datetime | None = None) -> int:
    """Delete everything kept of the shopper; returns how many interactions that were.

    One row remains, which says that it was erased: imports skip whatever is older, and nothing is recorded until the
    shopper switches personalisation on.
    """
    now = now or timezone.now()
    # Rows of a visitor who logged in as this user: events in flight may still have reached them.
    mine = Shopper.objects.filter(Q(pk=shopper.pk) | Q(merged_into=shopper))
    with Shopper.objects.atomic_writing():
        Shopper.objects.select_for_update().get(pk=shopper.pk)
        deleted, _ = Interaction.objects.filter(shopper__in=mine).delete()
        RemovedProduct.objects.filter(shopper__in=mine).delete()
        HiddenProduct.objects.filter(shopper__in=mine).delete()
        mine.update(erased_at=now, personalised=False, last_seen=None)
    shopper.refresh_from_db()
    return deleted
