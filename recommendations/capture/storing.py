"""Checked events into the log."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ..boundary import never_break
from ..catalog import mirror
from ..conf import get_config
from ..exceptions import InvalidInteraction
from ..metrics import events_refused
from ..models import Interaction, Product, Shopper
from ..models.inserting import NewInteractions
from .events import Event
from .keys import key_of_event, key_of_moment, key_of_order_line


def known_products(events: Sequence[Event]) -> dict[str, int]:
    """product_id -> primary key, for all products named that the shop has; what is not mirrored yet, is now."""
    wanted = {event.product_id for event in events if event.product_id}
    if not wanted:
        return {}
    known = Product.objects.primary_keys(wanted)
    if unknown := wanted - known.keys():
        mirror(unknown)
        known |= Product.objects.primary_keys(unknown)
    return known


def refuse_unknown(events: Sequence[Event], products: dict[str, int]) -> None:
    """Raises InvalidInteraction naming the first event whose product the mirror lacks."""
    for index, event in enumerate(events):
        if event.product_id and event.product_id not in products:
            raise InvalidInteraction(
                "product", f"{event.product_id[:40]!r}: expected the id of a product in the catalog.", index
            )


def store(owned: Sequence[tuple[Shopper, Event, int]], products: dict[str, int], now: datetime) -> tuple[int, int]:
    """(how many are new, how many were there). `owned` holds (shopper, checked event, source); one INSERT.

    Of a shopper who opts out or is erased meanwhile nothing is stored; that counts as having been there. What is older
    than RECOMMENDATIONS["RETENTION_DAYS"] is left out: the removals that hid it may be purged.
    """
    since = now - get_config().kept_for
    kept = [row for row in owned if _is_wanted(*row[:2], since)]
    events_refused("unwanted", len(owned) - len(kept))
    if not kept:
        return 0, 0
    shoppers, events, sources = zip(*kept, strict=True)
    rows = NewInteractions(
        shopper_id=[shopper.pk for shopper in shoppers],
        product_id=[products.get(event.product_id) for event in events],
        kind=[int(event.kind) for event in events],
        source=[int(source) for source in sources],
        quantity=[event.quantity for event in events],
        query=[event.query for event in events],
        occurred_at=[event.occurred_at for event in events],
        list_id=[event.list_id for event in events],
        event_key=[_key(event, source) for event, source in zip(events, sources, strict=True)],
    )
    new = Interaction.objects.insert_new(rows)
    _follow_up(set(shoppers), now)
    return new, len(kept) - new


@never_break(fallback=lambda *_, **__: None)
def _follow_up(shoppers: Iterable[Shopper], now: datetime) -> None:
    """What is done once the events are stored: a failure is logged, for whoever is told of it would send them again.

    purge() makes up for what is missed of logins, the next event for when the shopper was seen.
    """
    _follow_logins(shoppers)
    Shopper.objects.seen(shoppers, now.date())


def _follow_logins(shoppers: Iterable[Shopper]) -> None:
    """A visitor who logged in while this was being stored: the merge did not see these rows, so they go after it."""
    visitors = [shopper.pk for shopper in shoppers if shopper.key_hash]
    merged_since = Shopper.objects.merged(visitors)
    if not merged_since:
        return
    for merged in Shopper.objects.filter(pk__in=merged_since):
        with Shopper.objects.atomic_writing():
            # As an erasure does: one of the two waits for the other, and sees what it did.
            owner = Shopper.objects.select_for_update().get(pk=merged.merged_into_id)
            rows = Interaction.objects.filter(shopper=merged)
            if owner.personalised:
                rows.hand_over(owner)
            else:
                rows.delete()


def _is_wanted(shopper: Shopper, event: Event, since: datetime) -> bool:
    """Whether it may be kept: not too old, nor older than what was erased, and the shopper not opted out."""
    is_erased = shopper.erased_at is not None and event.occurred_at <= shopper.erased_at
    return shopper.personalised and event.occurred_at >= since and not is_erased


def _key(event: Event, source: int) -> int:
    if event.order_id:
        return key_of_order_line(event.order_id, event.kind, event.product_id)
    if event.event_id:
        return key_of_event(source, event.event_id)
    return key_of_moment(event.kind, event.product_id or event.query, event.occurred_at)
