from dataclasses import dataclass
from datetime import datetime

from ..ml.kinds import Kind
from ..models import Interaction, RemovedProduct, Shopper

# Strongest first: the event word of a unit with several kinds.
STRENGTH = (Kind.PURCHASE, Kind.ADD_TO_CART, Kind.SAVE, Kind.VIEW, Kind.REMOVE_FROM_CART, Kind.RETURN, Kind.SEARCH)
WORDS = {
    Kind.PURCHASE: "bought",
    Kind.ADD_TO_CART: "in_basket",
    Kind.SAVE: "saved",
    Kind.SEARCH: "searched",
}


@dataclass(frozen=True)
class Met:
    """A product, or a search, that is remembered of a shopper: all its events together."""

    product_id: str  # "" for a search
    query: str  # "" for a product
    title: str
    event: str  # "bought", "in_basket", "saved", "viewed" or "searched"
    last: datetime
    events: int


@dataclass(frozen=True)
class Removed:
    """A product, or a search, that a shopper took out; it can be put back."""

    product_id: str
    query: str
    title: str
    removed_at: datetime


def history_of(shopper: Shopper) -> list[Met]:
    """Everything remembered of a shopper, what was met last first. One SELECT."""
    found: dict[tuple[str, str], list[tuple[int, datetime, int]]] = {}
    titles: dict[str, str] = {}
    for product_id, title, query, kind, last, events in Interaction.objects.remembered().units_of(shopper):
        found.setdefault((product_id or "", "" if product_id else query), []).append((kind, last, events))
        titles[product_id or ""] = title
    units = [_met(product_id, query, titles[product_id], kinds) for (product_id, query), kinds in found.items()]
    return sorted(units, key=lambda unit: unit.last, reverse=True)


def removed_by(shopper: Shopper) -> list[Removed]:
    """What a shopper took out, the last removal first. One SELECT."""
    rows = RemovedProduct.objects.filter(shopper=shopper).select_related("product").order_by("-removed_at", "-pk")
    return [
        Removed(row.product.product_id, "", str(row.product), row.removed_at)
        if row.product
        else Removed("", row.query, row.query, row.removed_at)
        for row in rows
    ]


def _met(product_id: str, query: str, title: str, kinds: list[tuple[int, datetime, int]]) -> Met:
    last = {kind: at for kind, at, _ in kinds}
    return Met(
        product_id,
        query,
        title if product_id else query,
        WORDS.get(Kind(_strongest(last)), "viewed"),
        max(last.values()),
        sum(events for *_, events in kinds),
    )


def _strongest(last: dict[int, datetime]) -> int:
    """The strongest kind that still holds: what was returned is not bought, what was taken out is not in the basket."""
    undone = set()
    if Kind.RETURN in last and last[Kind.RETURN] >= last.get(Kind.PURCHASE, last[Kind.RETURN]):
        undone.add(Kind.PURCHASE)
    out = max((last[kind] for kind in (Kind.REMOVE_FROM_CART, Kind.PURCHASE) if kind in last), default=None)
    if out is not None and out >= last.get(Kind.ADD_TO_CART, out):
        undone.add(Kind.ADD_TO_CART)
    return next(kind for kind in STRENGTH if kind in last and kind not in undone)
