"""Orders and lines that were cancelled, refunded or sent back, by the names that the shop gives to their status."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings

from recommendations.capture import record
from recommendations.capture.keys import key_of_order_line
from recommendations.catalog import product_id_of
from recommendations.exceptions import NotConfigured
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction
from recommendations.models.interaction import InteractionQuerySet

SETTING = "OSCAR_RECOMMENDATIONS_RETURNED_STATUSES"
# Oscar has no names of its own: each shop chooses them.
USUAL = ("Cancelled", "Canceled", "Refunded", "Returned")
DAY = timedelta(days=1)


def returned_statuses() -> frozenset[str]:
    """The statuses of an order or a line that undo its purchase. Raises NotConfigured."""
    given = getattr(settings, SETTING, USUAL)
    if not isinstance(given, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in given):
        raise NotConfigured(f'{SETTING} is {given!r}: expected a list of texts, as in ["Cancelled", "Refunded"].')
    return frozenset(given)


def record_returns(order: Any) -> None:
    """Record that what came back of the order did: for whoever its purchase is kept of, each product once."""
    for bought in _purchases(order, _came_back(order)):
        product_id = bought.product.product_id
        name = f"oscar-return:{order.number}:{product_id}"
        record(bought.shopper, Kind.RETURN, product_id, quantity=bought.quantity, event_id=name)


def _came_back(order: Any) -> list[str]:
    """The products of which no line is kept: of two sizes one may be."""
    returned, found = returned_statuses(), dict[str, set[str]]()
    for line in order.lines.filter(product__isnull=False).select_related("product"):
        found.setdefault(product_id_of(line.product), set()).add(line.status)
    return [product_id for product_id, statuses in found.items() if {order.status} & returned or statuses <= returned]


def _purchases(order: Any, product_ids: Collection[str]) -> list[Interaction]:
    """What is kept of the order's purchases of these products, not what was never recorded, removed or erased."""
    keys = [key_of_order_line(order.number, Kind.PURCHASE, product_id) for product_id in product_ids]
    bought = Interaction.objects.remembered().filter(kind=Kind.PURCHASE, event_key__in=keys)
    return next(filter(None, map(list, _of_buyer(bought, order))), []) if keys else []


def _of_buyer(bought: InteractionQuerySet, order: Any) -> list[InteractionQuerySet]:
    """The order's purchases by whom they may be of, to be asked one after the other."""
    bought = bought.select_related("product", "shopper__merged_into")
    if order.user_id is not None:
        return [bought.filter(shopper__user=order.user_id)]
    # A guest who was a known visitor is not named in the order. Few were seen since, each has an index by time.
    seen = bought.filter(shopper__last_seen__gte=(order.date_placed - DAY).date(), occurred_at=order.date_placed)
    return [bought.filter(shopper__external_id=f"guest:{order.number}"), seen]
