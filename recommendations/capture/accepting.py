"""What browsers and other systems send over HTTP: whom to believe what, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from ..exceptions import InvalidInteraction
from ..metrics import events_accepted, events_refused
from ..models import Interaction, Shopper
from .bots import is_bot
from .events import PERMISSION, Event, checked, is_for_shops_only
from .storing import known_products, refuse_unknown, store


@dataclass(frozen=True)
class Accepted:
    """How many events are stored and how many were there; `cookie` is a new visitor's key to set, "" = none."""

    accepted: int = 0
    duplicates: int = 0
    cookie: str = ""


def accept(request: HttpRequest, events: Sequence[Event], now: datetime | None = None) -> Accepted:
    """Store events that came over HTTP, all or none, in one INSERT.

    Browsers may tell of views, searches, saves and the cart, of the last 24 hours; for anything else the user needs
    the permission recommendations.add_interaction. Nothing is stored of bots, without consent, and while paused.
    Raises InvalidInteraction with the index of the event, and whatever the database raises.
    """
    if not events:
        return Accepted()
    now = now or timezone.now()
    events, sources = zip(*(_judged(request, event, now, index) for index, event in enumerate(events)), strict=True)
    products = known_products(events)
    refuse_unknown(events, products)
    others = Shopper.objects.outside(event.shopper for event in events if event.shopper)
    mine, cookie = None, ""
    if any(not event.shopper for event in events) and not is_bot(request):
        mine, cookie = Shopper.objects.writing(request)
    owned = [
        (shopper, event, source)
        for event, source in zip(events, sources, strict=True)
        if (shopper := others.get(event.shopper) if event.shopper else mine) is not None
    ]
    events_refused("unwanted", len(events) - len(owned))  # of bots, without consent, while paused
    new, repeated = store(owned, products, now)
    events_accepted("http", new)
    return Accepted(new, repeated, cookie)


def _judged(request: HttpRequest, event: Event, now: datetime, index: int) -> tuple[Event, int]:
    """The event, checked, and the source it counts as. Raises InvalidInteraction."""
    try:
        event = checked(event, now)
        reserved = is_for_shops_only(event, now)
        if reserved is None:
            return event, Interaction.Source.BEACON
        if not _is_trusted(request):
            field, what = reserved
            raise InvalidInteraction(field, f"{what}: expected a user with the permission {PERMISSION}.")
    except InvalidInteraction as error:
        raise InvalidInteraction(error.field, error.message, index) from None
    return event, Interaction.Source.SERVER


def _is_trusted(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.has_perm(PERMISSION)
