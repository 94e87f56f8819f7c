"""What is deleted when its time is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from ..conf import get_config
from ..models import HiddenProduct, Interaction, RemovedProduct, Shopper
from ..models.shopper import MERGED_FOR
from .remembering import UNDO_FOR

# Shoppers a statement: short transactions, whatever the size of the log.
AT_ONCE = 1_000


@dataclass(frozen=True)
class Purged:
    """How many rows of each kind are gone."""

    removed: int  # events that their shopper had taken out
    old: int  # events older than RECOMMENDATIONS["RETENTION_DAYS"]
    visitors: int  # rows of visitors who logged in, or whose cookie is gone


def purge(now: datetime | None = None) -> Purged:
    """Delete what was removed 30 days ago, what is older than RETENTION_DAYS, and what logins and cookies left over.

    Call it daily. The removals themselves stay for RETENTION_DAYS, so that an import does not bring the events back
    (later it leaves them out for their age); of a search only a hash does.
    """
    now = now or timezone.now()
    HiddenProduct.objects.filter(until__lte=now).delete()
    too_old = now - get_config().kept_for
    removed, old = _purge_removed(now - UNDO_FOR), _purge_old(too_old)
    gone = now - timedelta(days=get_config().COOKIE_DAYS)
    return Purged(removed, old, _purge_merged(now - MERGED_FOR) + _purge_visitors(gone))


def _purge_removed(before: datetime) -> int:
    over = RemovedProduct.objects.filter(removed_at__lt=before)
    shoppers = sorted(set(over.values_list("shopper_id", flat=True)))
    covering = RemovedProduct.objects.covering().filter(removed_at__lt=before)
    deleted = 0
    for start in range(0, len(shoppers), AT_ONCE):
        events = Interaction.objects.filter(shopper__in=shoppers[start : start + AT_ONCE])
        deleted += events.filter(Exists(covering)).delete()[0]
    over.forget_words()
    return deleted


def _purge_old(before: datetime) -> int:
    deleted = 0
    for low in _ranges():
        events = Interaction.objects.filter(shopper_id__gte=low, shopper_id__lt=low + AT_ONCE)
        deleted += events.filter(occurred_at__lt=before).delete()[0]
    RemovedProduct.objects.filter(removed_at__lt=before).delete()
    return deleted


def _ranges() -> Iterator[int]:
    last = Shopper.objects.aggregate(last=Max("pk"))["last"] or 0
    return iter(range(0, last + 1, AT_ONCE))


def _purge_merged(before: datetime) -> int:
    """Events that were being stored at the very moment of a login are moved late; then the visitors' rows go."""
    merged = Shopper.objects.filter(merged_at__lt=before, user=None).select_related("merged_into")
    count = 0
    for visitor in merged.iterator():
        with Shopper.objects.atomic():
            Interaction.objects.filter(shopper=visitor).hand_over(visitor.merged_into)
            visitor.delete()
        count += 1
    return count


def _purge_visitors(before: datetime) -> int:
    """Visitors of whom nothing is kept and who were not here since: their browser's cookie is gone."""
    tables = (Interaction, RemovedProduct, HiddenProduct)
    nothing_kept = (~Exists(table.objects.filter(shopper=OuterRef("pk"))) for table in tables)
    unseen = Q(last_seen=None, created_at__lt=before) | Q(last_seen__lt=before.date())
    visitors = Shopper.objects.filter(unseen, *nothing_kept, user=None, external_id=None, merged_into=None)
    return sum(visitors.filter(pk__gte=low, pk__lt=low + AT_ONCE).delete()[0] for low in _ranges())
