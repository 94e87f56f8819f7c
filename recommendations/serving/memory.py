"""What is remembered of one shopper, as far as a list may depend on it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from ..ml.kinds import Kind
from ..ml.sequences import READ_LIMIT, REPEAT_WINDOW, History, Queries
from ..ml.text import QueryIndex
from ..ml.vocabulary import Vocabulary
from ..models import HiddenProduct, Interaction, Shopper
from ..models.hidden_product import Category
from ..models.interaction import InteractionQuerySet

# Strongest first; what the words of a reason may say of a product or a search.
EVENT_ORDER = ("bought", "in_basket", "saved", "viewed", "put_in_basket", "searched")


class Event(NamedTuple):
    """One remembered event with a product, or a search."""

    product_id: str  # "" of a search
    kind: int
    occurred_at: datetime
    query: str = ""


@dataclass(frozen=True)
class Memory:
    """A shopper's newest events, newest first, with what was bought ever and what must not be shown.

    `complete` is False when older events exist that were not read.
    """

    events: Sequence[Event] = ()
    complete: bool = True
    bought: dict[str, datetime] = field(default_factory=dict)  # product_id -> last time; not what came back
    left_out: frozenset[str] = frozenset()  # hidden, or removed and not met again
    fewer: frozenset[Category] = frozenset()  # category paths of which fewer are wanted

    @cached_property
    def seen(self) -> set[str]:
        """product_ids met within the window that a score may read."""
        return {event.product_id for event in self.events[:REPEAT_WINDOW] if event.product_id}

    @cached_property
    def refills(self) -> set[str]:
        """product_ids that a removal may keep out of the list, since it brings older events into the window."""
        older = [event for event in self.events[REPEAT_WINDOW:] if event.product_id]
        return {e.product_id for e in older if e.product_id not in self.seen or e.kind == Kind.ADD_TO_CART}

    @cached_property
    def in_basket(self) -> set[str]:
        """product_ids put into the basket and neither taken out nor bought since."""
        last: dict[str, int] = {}
        for event in self.events[:REPEAT_WINDOW]:
            if event.kind in (Kind.ADD_TO_CART, Kind.REMOVE_FROM_CART, Kind.PURCHASE):
                last.setdefault(event.product_id, event.kind)
        return {product_id for product_id, kind in last.items() if kind == Kind.ADD_TO_CART}

    def strongest_event(self, product_id: str) -> str:
        """The strongest true thing to say of a product met: one of EVENT_ORDER, "" when there is none (returned)."""
        if product_id in self.bought:  # perhaps before the events that were read
            return "bought"
        if product_id in self.in_basket:
            return "in_basket"
        mine = self._kinds.get(product_id, ())
        if Kind.SAVE in mine:
            return "saved"
        if Kind.VIEW in mine:
            return "viewed"
        return "put_in_basket" if Kind.ADD_TO_CART in mine else ""

    @cached_property
    def _kinds(self) -> dict[str, list[int]]:
        """What was done with each product, newest first."""
        kinds: dict[str, list[int]] = {}
        for event in self.events:
            kinds.setdefault(event.product_id, []).append(event.kind)
        return kinds

    @cached_property
    def searches(self) -> list[str]:
        """The distinct searches, the newest first."""
        return list(dict.fromkeys(event.query for event in self.events if event.kind == Kind.SEARCH))

    def history(self, vocabulary: Vocabulary, index: QueryIndex) -> History:
        """The events in the recommender's terms, oldest first; number n + 1 + k is the k-th of `searches`."""
        beyond = len(vocabulary) + 1
        bags = [index.bag(query) for query in self.searches]
        number = {query: beyond + k for k, query in enumerate(self.searches) if len(bags[k].items)}
        oldest_first = list(reversed(self.events))
        known = vocabulary.numbers(event.product_id for event in oldest_first).tolist()
        numbers = [
            number.get(event.query, 0) if event.kind == Kind.SEARCH else item
            for event, item in zip(oldest_first, known, strict=True)
        ]
        return History.of(numbers, [event.kind for event in oldest_first], self.complete, Queries(beyond, bags))


def read_memory(
    shopper: Shopper | None, now: datetime, without: Collection[str] = (), without_queries: Collection[str] = ()
) -> Memory:
    """Read a shopper's memory, `without` some products and searches as after their removal.

    Three SELECTs, none for a stranger.
    """
    if shopper is None or shopper.pk is None:
        return Memory()
    rows = _newest(shopper, without, without_queries)
    events = [Event(product_id or "", *told) for product_id, *told in rows[:READ_LIMIT]]
    complete = len(rows) <= READ_LIMIT
    bought = _bought(events) if complete else _remembered(shopper, without, without_queries).bought()
    wishes = HiddenProduct.objects.left_out_by(shopper.pk, now)
    left_out = {**wishes.products, **dict.fromkeys(without, True)}
    met = {event.product_id for event in events} | set(bought)
    kept_out = frozenset(key for key, hidden in left_out.items() if hidden or key not in met)
    return Memory(events, complete, bought, kept_out, wishes.fewer)


def _newest(shopper: Shopper, without: Collection[str], without_queries: Collection[str]) -> Sequence[Sequence[Any]]:
    if without or without_queries:
        return _remembered(shopper, without, without_queries).newest(READ_LIMIT + 1)
    return Interaction.objects.newest_of(shopper.pk, READ_LIMIT + 1)


def _remembered(shopper: Shopper, without: Collection[str], without_queries: Collection[str]) -> InteractionQuerySet:
    return Interaction.objects.remembered().filter(shopper=shopper).without(without, without_queries)


def read_wishes(shopper: Shopper | None, now: datetime) -> Memory:
    """Only what a shopper hid or removed, read as never met; nothing of what was done. One SELECT."""
    if shopper is None or shopper.pk is None:
        return Memory()
    wishes = HiddenProduct.objects.left_out_by(shopper.pk, now)
    return Memory(left_out=frozenset(wishes.products), fewer=wishes.fewer)


def _bought(events: Sequence[Event]) -> dict[str, datetime]:
    """product_id -> when it was last bought, of what did not come back since."""
    newest: dict[str, Event] = {}
    for event in events:
        if event.kind in (Kind.PURCHASE, Kind.RETURN):
            newest.setdefault(event.product_id, event)
    return {key: event.occurred_at for key, event in newest.items() if event.kind == Kind.PURCHASE}
