"""record(): the shop's own code says what a shopper did."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ..boundary import never_break
from ..catalog import product_id_of
from ..conf import get_config
from ..cookies import give_cookie
from ..exceptions import InvalidInteraction, NotConfigured
from ..logs import log
from ..metrics import events_accepted
from ..ml.kinds import Kind
from ..models import Interaction, Shopper
from ..models.shopper import django_request, has_agreed, is_logged_in, is_paused
from ..throttles import NewVisitorsThrottle
from .bots import is_ahead_of_time, is_bot
from .events import Event, checked
from .storing import known_products, refuse_unknown, store


@never_break(fallback=lambda *_, **__: False)
def record(
    who: Any,
    kind: int,
    product: object = "",
    query: str = "",
    quantity: int = 1,
    occurred_at: datetime | None = None,
    event_id: str = "",
    list_id: int | None = None,
    response: HttpResponse | None = None,
) -> bool:
    """Record one interaction of `who`: a request, a Shopper or a user. True when a new row was stored.

    `product` is one of the shop's own products, or its id. A visitor without our cookie, which else only the beacon
    sets, is given one when `response`, the answer to the request, is passed; but for those beyond 120 a minute of one
    address. What a visitor's page records counts as the beacon's: no fact about the shop rests on it, but on what is
    bought.

    False for a repeat (same `event_id`, or same kind and product in the same half minute of the clock), what is older
    than RECOMMENDATIONS["RETENTION_DAYS"], a bot (but what it buys), a page that a browser loads ahead, and whoever
    gave no consent or opted out. Commits or rolls back with the caller's transaction. An error is logged, or with
    RECOMMENDATIONS["STRICT"] raised: InvalidInteraction for arguments that can't be right.
    """
    event = Event(kind, product_id_of(product), query, quantity, occurred_at, event_id, list_id=list_id)
    return _record(who, [event], response=response) == 1


@never_break(fallback=lambda *_, **__: 0)
def record_order(
    who: Any,
    lines: Iterable[tuple[object, int]],
    order_id: object,
    occurred_at: datetime | None = None,
) -> int:
    """Record an order's lines, (product or its id, quantity) each, as purchases at one time; returns how many are new.

    Recording an order again, or importing it later for the same shopper under the same order number, adds nothing (an
    import knows the users of this shop with `--users` only). Of a guest of whom nothing is known, the order is kept
    under the external id `guest:ORDER_ID`. Call it at the end of a transaction: until that ends, a login or an erasure
    of this shopper waits. A line that names no product of the catalog (a deleted one, a fee) or no whole quantity from
    1 is left out and logged, or with RECOMMENDATIONS["STRICT"] raised.
    """
    order_id = "" if order_id is None else str(order_id)
    if not order_id:
        raise InvalidInteraction("order_id", "expected the number of the order.")
    quantities = _quantities(lines)
    time = occurred_at or timezone.now()
    events = [
        Event(Kind.PURCHASE, product_id, quantity=quantity, occurred_at=time, order_id=order_id)
        for product_id, quantity in quantities.items()
    ]
    return _record(who, events, guest=f"guest:{order_id}")


def _quantities(lines: Iterable[tuple[object, Any]]) -> dict[str, int]:
    """product_id -> how many were bought, of the lines that can be used."""
    quantities: dict[str, int] = {}
    left_out: list[Exception] = []
    for product, quantity in lines:
        try:
            key, bought = product_id_of(product), int(quantity) if quantity == int(quantity) else quantity
            checked(Event(Kind.PURCHASE, key, quantity=bought), timezone.now())
        except (InvalidInteraction, NotConfigured, TypeError, ValueError, ArithmeticError) as error:
            if get_config().STRICT:
                raise
            left_out.append(error)
            continue
        quantities[key] = quantities.get(key, 0) + bought
    if left_out:
        log("order_lines_left_out", left_out[0], count=len(left_out))
    return quantities


def _record(who: Any, events: list[Event], guest: str = "", response: HttpResponse | None = None) -> int:
    now = timezone.now()
    events = [checked(event, now) for event in events]
    products = known_products(events)
    if get_config().STRICT or len(events) == 1:
        refuse_unknown(events, products)
    elif unknown := [event.product_id for event in events if event.product_id not in products]:
        # The other lines of the order were bought all the same.
        log("order_lines_unknown", products=unknown)
        events = [event for event in events if event.product_id in products]
    shopper = _shopper(who, events, guest, response) if events else None
    if shopper is None:
        return 0
    owned = [(shopper, event, _source(who, event)) for event in events]
    new, _ = store(owned, products, now)
    events_accepted("server", new)
    return new


def _source(who: Any, event: Event) -> int:
    """Of a visitor's page, only the browser says that it was opened: anybody can be many visitors."""
    who = django_request(who)
    is_visitors = isinstance(who, HttpRequest) and not is_logged_in(who)
    is_told = is_visitors and event.kind not in (Kind.PURCHASE, Kind.RETURN)
    return Interaction.Source.BEACON if is_told else Interaction.Source.SERVER


def _shopper(who: Any, events: Sequence[Event], guest: str, response: HttpResponse | None) -> Shopper | None:
    who = django_request(who)
    if isinstance(who, Shopper):
        return who.merged_into or who
    if isinstance(who, HttpRequest):
        return None if _is_nobodys(who, events) else _of_request(who, guest, response)
    if getattr(who, "is_authenticated", None) is None:
        raise InvalidInteraction("who", f"{who!r}: expected a request, a Shopper or a user.")
    if who.is_authenticated:
        return Shopper.objects.writing_for(who)
    return Shopper.objects.outside([guest])[guest] if guest else None


def _is_nobodys(request: HttpRequest, events: Sequence[Event]) -> bool:
    """Whether no person did this; what is paid for somebody did."""
    if all(event.kind in (Kind.PURCHASE, Kind.RETURN) for event in events):
        return False
    return is_bot(request) or is_ahead_of_time(request)


def _of_request(request: HttpRequest, guest: str, response: HttpResponse | None) -> Shopper | None:
    if is_paused(request) or not has_agreed(request):
        return None
    shopper, cookie = Shopper.objects.writing(request, may_create=False)
    may_be_new = shopper is None and response is not None and not is_logged_in(request)
    if may_be_new and NewVisitorsThrottle().allow(request):
        shopper, cookie = Shopper.objects.writing(request)
    if response is not None and cookie:
        give_cookie(request, response, cookie)
    if shopper is None and guest and not _is_known(request):
        return Shopper.objects.outside([guest])[guest]
    return shopper


def _is_known(request: HttpRequest) -> bool:
    """Whether the request names a shopper: one who is known and gets no row has opted out."""
    key = request.COOKIES.get(get_config().COOKIE_NAME, "")
    return is_logged_in(request) or bool(key and Shopper.objects.of_key(key))
