"""What one shopper did, read by queries of the audit's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ..ml.kinds import Kind
from ..ml.sequences import REPEAT_WINDOW
from ..models import Interaction, RemovedProduct, Shopper
from .reference import Reference


@dataclass(frozen=True)
class Event:
    """One remembered event with a product, or a search."""

    product_id: str  # "" of a search
    kind: int
    occurred_at: datetime
    query: str = ""


def remembered(reference: Reference, shopper: Shopper) -> list[Event]:
    """Every event that the shopper did not remove, newest first."""
    removals = RemovedProduct.objects.filter(shopper=shopper).order_by("removed_at")
    removals = removals.values_list("product_id", "query", "query_hash", "removed_at")
    removed_at = {product or query or hash_: at for product, query, hash_, at in removals}
    rows = Interaction.objects.filter(shopper=shopper).order_by("-occurred_at", "-pk")
    return [
        Event(reference.product_ids[product] if product else "", kind, occurred_at, "" if product else query)
        for product, kind, occurred_at, query in rows.values_list("product_id", "kind", "occurred_at", "query")
        if all(occurred_at > removed_at[name] for name in _names(product, query) if name in removed_at)
    ]


def _names(product: int | None, query: str) -> tuple[int | str, ...]:
    """What a removal may call it."""
    return (product,) if product else (query, sha256(query.encode()).hexdigest())


def bought_of(events: Sequence[Event]) -> set[str]:
    """What was bought and did not come back since."""
    last: dict[str, int] = {}
    for event in reversed(events):
        if event.kind in (Kind.PURCHASE, Kind.RETURN):
            last[event.product_id] = event.kind
    return {product_id for product_id, kind in last.items() if kind == Kind.PURCHASE}


def in_basket_of(events: Sequence[Event]) -> set[str]:
    """Put into the basket, and neither taken out nor bought since."""
    state: dict[str, int] = {}
    for event in reversed(events[:REPEAT_WINDOW]):
        if event.kind in (Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART, Kind.PURCHASE):
            state[event.product_id] = event.kind
    return {product_id for product_id, kind in state.items() if kind == Kind.ADD_TO_CART}
