"""The independent path: what a shop says of its recommendations, derived a second time.

Nothing here is shared with serving but the vocabulary, what a search stands for, and the reading of a history as
tokens: rows are read by other queries, what is removed is left out of the rows, eligibility is written again, the score
is plain torch, one history at a time, over the whole catalog.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from math import ceil
from zlib import crc32

import numpy as np

from ..ml.kinds import Kind
from ..ml.sequences import READ_LIMIT, REPEAT_WINDOW, History, Queries
from ..models import HiddenProduct, RemovedProduct, Shopper
from .events import Event, bought_of, in_basket_of, remembered
from .reference import Reference

# Shares are compared with this much room: two ways of adding float32 differ.
SHARE_ROOM = 1e-3
# By how much the log-probability may rise without one of two that are each said to be enough.
LITTLE_AGAINST = 0.05
# The best eligible items, among which a cause's share is measured.
POOL = 1_000


@dataclass(frozen=True)
class Claim:
    """A "because" as it was shown."""

    limit: int  # length of the ranked list that it was cut from
    product_id: str
    anchors: tuple[str, ...]  # one, or two or three of which any is said to be enough; a search's is its text
    events: tuple[str, ...]  # the word used of each anchor, "searched" only of searches
    rank_before: int  # the place it was shown at, not counting the anchors
    bought: str  # what the placement does with bought products: "allowed", "left out" or "only"
    rank_after: int = 1  # the place it is said to fall to at least
    ranks_without_each: tuple[int, ...] = ()  # of two: the place it is said to keep at least without each alone
    ranks_with_one: tuple[int, ...] = ()  # of three: the place it is said to keep at least with each alone


class ShopperAudit:
    """Everything of one shopper that claims are checked against; each shorter history is scored once.

    `of` is the name of the registered model that the lists show, "" when they may show any.
    """

    def __init__(self, reference: Reference, shopper: Shopper, now: datetime, of: str = "") -> None:
        self.reference, self.shopper, self.now, self.of = reference, shopper, now, of
        self.events = remembered(reference, shopper)
        wishes = HiddenProduct.objects.filter(shopper=shopper, until__gt=now)
        hidden = wishes.values_list("product_id", flat=True)
        removed = RemovedProduct.objects.filter(shopper=shopper, product__isnull=False, shown_again=False)
        self.hidden = {reference.product_ids[pk] for pk in hidden}
        like = {
            reference.product_ids[pk] for pk in wishes.filter(fewer_like_it=True).values_list("product_id", flat=True)
        }
        self.thinned = _thinned(reference.categories, like)
        self.removed = {reference.product_ids[pk] for pk in removed.values_list("product_id", flat=True)}
        # Numbered as serving numbers them, the newest first: single units are compared with it by number.
        self.searches = list(dict.fromkeys(event.query for event in self.events if event.kind == Kind.SEARCH))
        bags = [reference.scorer.query_index.bag(query) for query in self.searches]
        self._queries = Queries(len(reference.vocabulary) + 1, bags)
        self.history = self._history(self.events)
        self._without: dict[tuple[int, ...], History] = {}
        self._scores: dict[tuple[int, ...], np.ndarray] = {}
        self._effects: dict[str, dict[int, np.ndarray]] = {}

    def faults(self, claim: Claim) -> list[str]:
        """What is not true of a "because"; empty when all of it is."""
        faults = self._word_faults(claim)
        item, anchors = self.reference.vocabulary.number(claim.product_id), self._units(claim)
        named, gone = " and ".join(claim.anchors), tuple(sorted(anchors))
        if item == 0 or not set(gone) <= set(self.history.units()) or item in gone or len(set(gone)) != len(gone):
            return [*faults, f"{named} is nothing that {claim.product_id} can rest on"]
        fewest, most = self._place_before(claim, item, gone)
        if not fewest <= claim.rank_before <= most or claim.rank_before > claim.limit:
            faults.append(f"shown at {claim.rank_before} of {claim.limit}, its place is {fewest} to {most}")
        after = self._place_after(claim, item, gone)
        if after <= claim.limit:
            faults.append(f"still at {after} of {claim.limit} without {named}")
        if after < claim.rank_after:
            faults.append(f"falls to {after}, not to {claim.rank_after} or farther")
        if after - claim.rank_before < max(3, ceil(claim.limit / 4)):
            faults.append(f"falls from {claim.rank_before} to {after} only")
        share = self._share(claim, item, gone)
        if share < 0.5 - SHARE_ROOM:
            faults.append(f"{named} explains {share:.3f} of what the strongest product explains")
        return faults + self._needless(claim, item, anchors) if len(anchors) > 1 else faults

    def is_minimal(self, claim: Claim) -> bool:
        """Whether no fewer of several anchors would do what they are said to do together."""
        item, anchors = self.reference.vocabulary.number(claim.product_id), self._units(claim)
        return all(self._place_after(claim, item, fewer) <= claim.limit for fewer in _fewer(anchors))

    def delp(self, bought: str, item: int, unit: int) -> float | None:
        """By how much the log-probability of one of the best items rises without the unit; None when not known."""
        effects = self._effects_of(bought)
        return -float(effects[unit][item]) if unit in effects else None

    def _needless(self, claim: Claim, item: int, anchors: Sequence[int]) -> list[str]:
        """Whether fewer anchors would do what several are said to do, and whether one speaks against the item."""
        faults, name = [], dict(zip(anchors, claim.anchors, strict=True))
        for fewer in _fewer(anchors):
            after = self._place_after(claim, item, fewer)
            if after > claim.limit:
                named = " and ".join(name[anchor] for anchor in fewer)
                faults.append(f"already at {after} of {claim.limit} without {named} alone")
        for anchor, most in zip(anchors, claim.ranks_without_each, strict=False):
            if (after := self._place_after(claim, item, (anchor,))) > most:
                faults.append(f"at {after} without {name[anchor]} alone, not at {most} or before")
        for anchor, most in zip(anchors, claim.ranks_with_one, strict=False):
            others = tuple(sorted(set(anchors) - {anchor}))
            if (after := self._place_after(claim, item, others)) > most:
                faults.append(f"at {after} with {name[anchor]} alone, not at {most} or before")
        for anchor in anchors:
            if self._effects_of(claim.bought)[anchor][item] < -LITTLE_AGAINST - SHARE_ROOM:
                faults.append(f"{name[anchor]} speaks against {claim.product_id}")
        return faults

    def place_now(self, product_id: str, bought: str) -> tuple[int, int]:
        """The best and the worst place (1 = first) of a product in the list that nothing is promoted in."""
        if len(self.history) == 0:
            place = self._place_for_strangers(product_id, bought, ())
            return (1, place) if bought == "only" else (place, place)
        item = self.reference.vocabulary.number(product_id)
        rivals = self._eligible(bought, ()) & self.reference.buyable_mask
        if not rivals[item]:  # it follows whatever the recommender may show
            return np.count_nonzero(rivals) + 1, len(self.reference.product_ids)
        return self._places(item, rivals)

    def _word_faults(self, claim: Claim) -> list[str]:
        """Whether the anchors may be named, and the shopper did with each what the text says."""
        return [
            fault
            for anchor, event in zip(claim.anchors, claim.events, strict=True)
            for fault in self.word_faults_of(anchor, event)
        ]

    def word_faults_of(self, anchor: str, event: str) -> list[str]:
        """Whether the anchor may be named, and the shopper did with it what this word says."""
        if event == "searched":
            return self._search_faults(anchor)
        faults = []
        if anchor in self.reference.sensitive or anchor not in self.reference.buyable:
            faults.append(f"{anchor} must not be named")
        kinds = [event.kind for event in self.events if event.product_id == anchor]
        last = {
            "bought": next((kind for kind in kinds if kind in (Kind.PURCHASE, Kind.RETURN)), None) == Kind.PURCHASE,
            "in_basket": anchor in in_basket_of(self.events),
            "saved": Kind.SAVE in kinds,
            "viewed": Kind.VIEW in kinds,
            "put_in_basket": Kind.ADD_TO_CART in kinds,
        }
        return faults if last[event] else [*faults, f"{anchor} was not {event}: {kinds[:20]}"]

    def _search_faults(self, query: str) -> list[str]:
        products = map(
            self.reference.vocabulary.product_id, self.reference.scorer.query_index.bag(query).items.tolist()
        )
        faults = {
            f"{query!r} was not searched for": query not in self.searches,
            f"{query!r} must not be named": not self.reference.sensitive.isdisjoint(products),
        }
        return [fault for fault, is_so in faults.items() if is_so]

    def _units(self, claim: Claim) -> list[int]:
        """The anchors as numbers of the history; 0 for what is in none."""
        named = zip(claim.anchors, claim.events, strict=True)
        return [self._search(anchor) if event == "searched" else self._product(anchor) for anchor, event in named]

    def _product(self, product_id: str) -> int:
        return self.reference.vocabulary.number(product_id)

    def _search(self, query: str) -> int:
        return len(self.reference.vocabulary) + 1 + self.searches.index(query) if query in self.searches else 0

    def _is_about(self, event: Event, units: Collection[int]) -> bool:
        unit = self._search(event.query) if event.kind == Kind.SEARCH else self._product(event.product_id)
        return unit != 0 and unit in units

    def _products_among(self, units: Iterable[int]) -> list[int]:
        return [unit for unit in units if unit <= len(self.reference.vocabulary)]

    def _place_before(self, claim: Claim, item: int, gone: tuple[int, ...]) -> tuple[int, int]:
        """The best and the worst place (1 = first) of the item now, if scores within eps of it count as equal."""
        return self._places(item, self._rivals(claim, (), gone))

    def _places(self, item: int, rivals: np.ndarray) -> tuple[int, int]:
        scores, rivals = self._score(()), rivals.copy()
        rivals[item] = False
        eps = self.reference.scorer.manifest.eps
        ahead = np.count_nonzero(scores[rivals] > scores[item] + eps)
        return ahead + 1, np.count_nonzero(scores[rivals] >= scores[item] - eps) + 1

    def _place_after(self, claim: Claim, item: int, gone: tuple[int, ...]) -> int:
        """The place of the item in the list made without these items; one past the end when it is in none."""
        if len(self._history_without(gone)) == 0:
            return self._place_for_strangers(claim.product_id, claim.bought, gone)
        scores, rivals = self._score(gone), self._rivals(claim, gone, gone)
        return int(np.count_nonzero(scores[rivals] > scores[item])) + 1

    def _place_for_strangers(self, product_id: str, bought: str, gone: tuple[int, ...]) -> int:
        """Its place among what is shown to whoever has no history; one past the end when it is not."""
        left_out = self._not_eligible(bought, gone)
        shown = [name for name in self.reference.popular if name not in left_out and self._may_hold(name)]
        return shown.index(product_id) + 1 if product_id in shown else len(shown) + 1

    def _rivals(self, claim: Claim, without: tuple[int, ...], gone: tuple[int, ...]) -> np.ndarray:
        """bool (n+1): what the list may show and anybody can buy, the anchors left out."""
        rivals = self._eligible(claim.bought, without) & self.reference.buyable_mask
        rivals[self._products_among(gone)] = False
        return rivals

    def _share(self, claim: Claim, item: int, gone: tuple[int, ...]) -> float:
        """How much the anchors explain of what the strongest product explains, of those whose removal is known."""
        if len(self._history_without(gone)) == 0:
            return 1.0  # all of the history
        effect = float(self._effect(claim.bought, gone)[item])
        strongest = max([effect, *(single[item] for single in self._effects_of(claim.bought).values())])
        return effect / strongest if strongest > 0 else 0.0

    def _effects_of(self, bought: str) -> dict[int, np.ndarray]:
        """unit -> its effect (n+1), of all whose removal is known."""
        if bought not in self._effects:
            self._effects[bought] = {
                unit: self._effect(bought, (unit,))
                for unit in self.history.units()
                if len(self._history_without((unit,))) and self._is_removal_known(unit)
            }
        return self._effects[bought]

    def _effect(self, bought: str, gone: tuple[int, ...]) -> np.ndarray:
        """By how much the log-probability of each of the best items (n+1, 0 elsewhere) falls without these."""
        scores, without = self._score(()).astype(np.float64), self._score(gone).astype(np.float64)
        eligible = np.flatnonzero(self._eligible(bought, ()))
        pool = eligible[np.argsort(-scores[eligible], kind="stable")[:POOL]]
        kept, effect = pool[~np.isin(pool, gone)], np.zeros_like(scores)
        effect[pool] = scores[pool] - _logsumexp(scores[kept]) - (without[pool] - _logsumexp(without[kept]))
        return effect

    def _is_removal_known(self, unit: int) -> bool:
        """Whether serving, which reads the newest READ_LIMIT events, can know the history without it."""
        read = [event for event in self.events[:READ_LIMIT] if not self._is_about(event, (unit,))]
        return len(self.events) <= READ_LIMIT or len(self._history(read)) >= REPEAT_WINDOW

    def _score(self, without: tuple[int, ...]) -> np.ndarray:
        """f (n+1) of the history without these items."""
        if without not in self._scores:
            self._scores[without] = self.reference.scorer.scores(self._history_without(without))
        return self._scores[without]

    def _eligible(self, bought: str, without: tuple[int, ...]) -> np.ndarray:
        """bool (n+1): what the list may show, by the mirror."""
        eligible = self.reference.available_mask & ~self.reference.mask(self._not_eligible(bought, without))
        if bought == "only":
            eligible &= self.reference.mask(bought_of(self._events_without(without)))
        if self.of:
            eligible &= self.reference.mask(self.reference.of_model(self.of))
        return eligible

    def _may_hold(self, product_id: str) -> bool:
        return not self.of or product_id in self.reference.of_model(self.of)

    def _not_eligible(self, bought: str, without: tuple[int, ...]) -> set[str]:
        """The same with what is not shown of a category that is wanted less, unless the shop promotes it."""
        return self.left_out(bought, without) | (self.thinned if bought != "only" else set())

    def left_out(self, bought: str, without: tuple[int, ...]) -> set[str]:
        """product_ids that a list may not show to this shopper, without some items as after their removal."""
        events = self._events_without(without)
        met = {event.product_id for event in events[:READ_LIMIT]} | bought_of(events)
        removed = self.removed | set(map(self.reference.vocabulary.product_id, self._products_among(without)))
        out = self.hidden | (removed - met) | in_basket_of(events)
        out |= {event.product_id for event in events[:REPEAT_WINDOW] if event.product_id} - bought_of(events)
        return out | bought_of(events) if bought == "left out" else out

    def _events_without(self, items: tuple[int, ...]) -> list[Event]:
        return [event for event in self.events if not self._is_about(event, items)]

    def _history_without(self, units: tuple[int, ...]) -> History:
        """Made of the events that a removal leaves."""
        if units not in self._without:
            self._without[units] = self._history(self._events_without(units))
        return self._without[units]

    def _history(self, events: Sequence[Event]) -> History:
        matching = {query for query, bag in zip(self.searches, self._queries.bags, strict=True) if len(bag.items)}
        numbers = [
            self._product(event.product_id)
            if event.kind != Kind.SEARCH
            else self._search(event.query) * (event.query in matching)
            for event in events[::-1]
        ]
        return History.of(numbers, [event.kind for event in events[::-1]], queries=self._queries)


def _thinned(categories: Mapping[str, tuple[str, ...]], like: set[str]) -> set[str]:
    """product_ids of the same categories but for each fourth, told by the checksum of its id."""
    wanted_less = {categories[product_id] for product_id in like} - {()}
    return {name for name, category in categories.items() if category in wanted_less and crc32(name.encode()) % 4}


def _fewer(anchors: Sequence[int]) -> list[tuple[int, ...]]:
    """Some of the anchors, but not all of them, in every way."""
    return [tuple(sorted(some)) for count in range(1, len(anchors)) for some in combinations(anchors, count)]


def _logsumexp(scores: np.ndarray) -> float:
    top = scores.max()
    return float(top + np.log(np.exp(scores - top).sum()))
