"""One shopper's list, together with everything that it was made from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import blake2s

import numpy as np

from ..ml.reasons import LeaveOneOut
from ..models import Product
from ..publishing import current_recommender
from .candidates import Pool, context_strength, history_pool
from .explaining import Explainer, Named
from .memory import Memory, read_memory
from .queries import RecommendationQuery
from .recommendations import Recommendation, RecommendationList
from .recommending import make_list


@dataclass(frozen=True)
class Unit:
    """A part of the history that can be removed as a whole: a product with all that was done with it, or a search."""

    number: int  # in the recommender's history
    mark: str  # names it in addresses, without saying what it is
    type: str
    key: str
    title: str
    event: str  # one of memory.EVENT_ORDER, "" when nothing holds any more (returned)
    events: int
    last: datetime


class Inspection:
    """The list of a query as it is served now, and what its numbers are computed from; made once a look.

    All of it is of one version and one reading of the history. Whatever fails is raised: nothing is told of a list of
    last resort, as if it were this one.
    """

    def __init__(self, query: RecommendationQuery) -> None:
        self.query, self.loaded = query, current_recommender()
        self.memory = _memory_of(query)
        self.served = make_list(query, self.memory, self.loaded)

    def served_without(self, units: Iterable[tuple[str, str]]) -> RecommendationList:
        """The list as it would be without these units, (type, id), by the same version; without causes."""
        query = replace(self.query.without_units(units), explains=False)
        return make_list(query, _memory_of(query), self.loaded)

    @cached_property
    def pool(self) -> Pool | None:
        """What the recommender ranks for the list; None where it has nothing to rank by."""
        return history_pool(self.loaded, self.query, self.memory)

    @cached_property
    def gap(self) -> str:
        """Why there is nothing of the recommender's to look into; "" when there is."""
        if self.query.spot.needs_product:
            return "page_no_version" if self.loaded is None else "page_unknown" if self.strengths is None else "page"
        if self.query.shopper is None:
            return "not_personal"
        if self.loaded is None:
            return "no_version"
        if self.pool is None:
            return "no_history"
        return "" if len(self.pool.items) else "nothing_eligible"

    @cached_property
    def strengths(self) -> np.ndarray | None:
        """Of a list about one product: how like it each item is, or how strongly it follows it (n+1)."""
        return context_strength(self.loaded, self.query)

    @cached_property
    def ranked(self) -> list[tuple[Recommendation, int]]:
        """(entry, its column in the pool) of the shown products that the recommender ranked, best first."""
        if self.gap:
            return []
        column = {self.pool.product_id(int(item)): place for place, item in enumerate(self.pool.items)}
        entries = self.served.recommendations
        ranked = [entry for entry in entries if entry.source == "recommender" and entry.card.product_id in column]
        return [(entry, column[entry.card.product_id]) for entry in ranked]

    @cached_property
    def explainer(self) -> Explainer:
        """Finds and names what the shown products rest on."""
        return Explainer(self.pool, self.query, self.memory)

    @cached_property
    def left(self) -> LeaveOneOut:
        """What each unit does to each item of the pool."""
        return self.pool.leave_one_out()

    @cached_property
    def reading(self) -> np.ndarray:
        """The network's reading of the whole history, (1, d)."""
        return self.pool.loaded.scorer.encode([self.pool.history])

    @cached_property
    def units(self) -> dict[int, Unit]:
        """The history's units by their numbers, the one met last first."""
        if self.gap:
            return {}
        names = {number: self._name(number) for number in self.pool.history.units()}
        titles = Product.objects.titles(key for type, key in names.values() if type == "product")
        return {number: self._unit(number, *name, titles.get(name[1], name[1])) for number, name in names.items()}

    def _name(self, number: int) -> Named:
        """(type, key) of a unit, as anchors have them: the one place that knows what a number stands for."""
        return self.explainer.named(number)

    def _unit(self, number: int, type: str, key: str, title: str) -> Unit:
        mine = (event.query if type == "query" else event.product_id for event in self.memory.events)
        times = [event.occurred_at for event, name in zip(self.memory.events, mine, strict=True) if name == key]
        return Unit(
            number=number,
            mark=blake2s(f"{type}:{key}".encode(), digest_size=4).hexdigest(),
            type=type,
            key=key,
            title=title,
            event=self.explainer.event(Named(type, key)),
            events=len(times),
            last=times[0],
        )


def _memory_of(query: RecommendationQuery) -> Memory:
    return read_memory(query.shopper, query.now, query.without, query.without_queries)
