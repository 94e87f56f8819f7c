"""What is remembered of a shopper, as the shopper may see and change it; what products are called there: seen_by()."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from ..conf import get_config
from ..ml.kinds import Kind
from ..models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper

# After this the events of a removal are gone and nothing is left to restore.
UNDO_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Met:
    """A product or search of the history, and the strongest true word for what was done with it.

    `event` is "bought", "in_basket", "saved", "viewed", "put_in_basket" (no longer there), "taken_out" (of
    it), "returned" or "searched".
    """

    product_id: str  # "" for a search
    query: str
    event: str
    last: datetime
    events: int


@dataclass(frozen=True)
class Removed:
    """What the shopper took out and can still put back."""

    product_id: str
    query: str
    removed_at: datetime


@dataclass(frozen=True)
class Hidden:
    """A product that the shopper is not interested in, or removed so long ago that it can't be put back.

    The latter is not shown until then either, unless it is met again.
    """

    product_id: str
    until: datetime
    fewer_like_it: bool = False
    removed_at: datetime | None = None  # None: not interested
    query: str = ""  # only products can be hidden


@dataclass
class _Unit:
    last: datetime
    kinds: list[int] = field(default_factory=list)  # newest first


def history_of(shopper: Shopper) -> list[Met]:
    """Everything remembered of the shopper, by product and search, newest first."""
    rows = Interaction.objects.remembered().filter(shopper=shopper).units()
    units: dict[tuple[str, str], _Unit] = {}
    for product_id, query, kind, occurred_at in rows:
        key = (product_id or "", "" if product_id else query)
        unit = units.setdefault(key, _Unit(occurred_at))
        unit.kinds.append(kind)
    return [
        Met(product_id, query, _event(unit.kinds), unit.last, len(unit.kinds))
        for (product_id, query), unit in units.items()
    ]


def _event(kinds: list[int]) -> str:
    if kinds[0] == Kind.SEARCH:
        return "searched"
    if _newest(kinds, Kind.PURCHASE, Kind.RETURN) == Kind.PURCHASE:
        return "bought"
    if _newest(kinds, Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART, Kind.PURCHASE) == Kind.ADD_TO_CART:
        return "in_basket"
    if Kind.SAVE in kinds:
        return "saved"
    if Kind.VIEW in kinds:
        return "viewed"
    if Kind.ADD_TO_CART in kinds:
        return "put_in_basket"
    return "taken_out" if Kind.REMOVE_FROM_CART in kinds else "returned"


def _newest(kinds: list[int], *among: int) -> int | None:
    is_one: Callable[[int], bool] = set(among).__contains__
    return next(filter(is_one, kinds), None)


def hidden_by(shopper: Shopper, now: datetime | None = None) -> list[Hidden]:
    """What is kept out of the shopper's lists, and until when; what can still be restored is told by removed_by()."""
    now = now or timezone.now()
    rows = HiddenProduct.objects.filter(shopper=shopper, until__gt=now).select_related("product")
    removed = RemovedProduct.objects.left_out().filter(shopper=shopper, removed_at__lte=now - UNDO_FOR)
    kept_for = get_config().kept_for
    return [
        *(_unwanted(row.product, row.until, row.fewer_like_it) for row in rows.order_by("-until", "-pk")),
        *(_unwanted(row.product, row.removed_at + kept_for, False, row.removed_at) for row in _last_of_each(removed)),
    ]


def _unwanted(product: Product, until: datetime, fewer_like_it: bool, removed_at: datetime | None = None) -> Hidden:
    # Since it was hidden the product may have lost its category: then nothing is like it.
    return Hidden(product.product_id, until, fewer_like_it and bool(product.category), removed_at)


def removed_by(shopper: Shopper, now: datetime | None = None) -> list[Removed]:
    """What the shopper removed and may still restore, newest first."""
    since = (now or timezone.now()) - UNDO_FOR
    return [
        Removed(row.product.product_id if row.product else "", row.query, row.removed_at)
        for row in _last_of_each(RemovedProduct.objects.filter(shopper=shopper, removed_at__gt=since))
    ]


def searches_removed_for_good(shopper: Shopper) -> int:
    """How many removed searches are kept as hashes alone."""
    hashes = RemovedProduct.objects.filter(shopper=shopper).exclude(query_hash="")
    return hashes.values("query_hash").distinct().count()


def _last_of_each(removals: QuerySet[RemovedProduct]) -> list[RemovedProduct]:
    """Of each product and search the last removal, newest first."""
    last: dict[tuple[int | None, str], RemovedProduct] = {}
    for row in removals.select_related("product").order_by("-removed_at", "-pk"):
        last.setdefault((row.product_id, row.query), row)
    return list(last.values())
