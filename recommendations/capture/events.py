"""What somebody says that a shopper did, and what is wrong with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..exceptions import InvalidInteraction
from ..ml.kinds import Kind
from ..models.interaction import MAX_QUERY
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable, storable

# What a browser may say by itself; what was bought or given back only the shop knows.
BROWSER_KINDS = (Kind.VIEW, Kind.SEARCH, Kind.SAVE, Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART)
BROWSER_HOURS = timedelta(hours=24)
# How far a browser's clock may be ahead of ours; such an event happened now.
CLOCK_SKEW = timedelta(minutes=2)
MAX_QUANTITY = 2**31 - 1
PERMISSION = "recommendations.add_interaction"


@dataclass(frozen=True)
class Event:
    """One interaction, not stored yet. `occurred_at` None is now; `shopper` is an external id, "" whoever asks."""

    kind: int
    product_id: str = ""
    query: str = ""
    quantity: int = 1
    occurred_at: datetime | None = None
    event_id: str = ""
    order_id: str = ""
    list_id: int | None = None
    shopper: str = ""


def checked(event: Event, now: datetime) -> Event:
    """The event with its words tidied and its time set. Raises InvalidInteraction."""
    if event.kind not in list(Kind):
        raise InvalidInteraction("kind", f"{event.kind!r}: expected a member of recommendations.ml.kinds.Kind.")
    return replace(
        event,
        kind=Kind(event.kind),
        product_id=_product_id(event),
        query=_query(event),
        quantity=_quantity(event),
        occurred_at=_time(event, now),
    )


def is_for_shops_only(event: Event, now: datetime) -> tuple[str, str] | None:
    """(field, why) when a browser may not say this of its shopper."""
    if event.shopper:
        return "shopper", "events of other shoppers"
    if event.kind not in BROWSER_KINDS:
        return "kind", f"a {Kind(event.kind).name.lower()} sent by a browser"
    if event.occurred_at is not None and event.occurred_at < now - BROWSER_HOURS:
        return "occurred_at", "an event older than 24 hours"
    return None


def _product_id(event: Event) -> str:
    product_id = str(event.product_id or "")
    if event.kind == Kind.SEARCH:
        if product_id:
            raise InvalidInteraction("product", f"{product_id!r}: a search has a query and no product.")
    elif not 0 < len(product_id) <= MAX_PRODUCT_ID or not is_storable(product_id):
        raise InvalidInteraction("product", f"{product_id[:40]!r}: expected a product_id.")
    return product_id


def _query(event: Event) -> str:
    query = tidy_query(event.query)
    if event.kind == Kind.SEARCH and not query:
        raise InvalidInteraction("query", f"{event.query!r}: expected the words that were searched for.")
    return query if event.kind == Kind.SEARCH else ""


def tidy_query(query: str) -> str:
    """A query as it is stored: single spaces, cut to what the column holds."""
    return " ".join(storable(query).split())[:MAX_QUERY].strip()


def _quantity(event: Event) -> int:
    if (
        isinstance(event.quantity, bool)
        or not isinstance(event.quantity, int)
        or not 1 <= event.quantity <= MAX_QUANTITY
    ):
        raise InvalidInteraction("quantity", f"{event.quantity!r}: expected a whole number from 1.")
    return event.quantity


def _time(event: Event, now: datetime) -> datetime:
    time = event.occurred_at
    if time is None:
        return now
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise InvalidInteraction("occurred_at", f"{time!r}: expected a time with an offset, like timezone.now().")
    if time > now + CLOCK_SKEW:
        raise InvalidInteraction("occurred_at", f"{time.isoformat()}: expected a time that is not in the future.")
    return min(time, now)
