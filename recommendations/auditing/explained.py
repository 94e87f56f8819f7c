"""A version's lists as shoppers would see them, each beside what becomes of it without any of its history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from time import perf_counter

import numpy as np
from django.utils import timezone

from ..ml.greedy import removal_orders
from ..ml.kinds import Kind
from ..ml.labels import LABELS, LabelledList, orders
from ..ml.lists_without import ListsWithout
from ..ml.plain import PlainScorer
from ..models import Product, Shopper
from ..publishing import LoadedRecommender
from ..serving import Anchor, Because, Recommendation, RecommendationQuery, recommend
from ..serving.candidates import history_pool
from ..serving.eligibility import eligible_items
from ..serving.memory import read_memory
from ..serving.popular import popular_products
from .reference import buyable
from .strongest import OURS, explain

LIMIT = 10
MOST_UNITS = 50
# Why a list is not measured.
LEFT_OUT = {
    "history": f"whose history has no or over {MOST_UNITS} products and searches, or was not read to its end",
    "nothing_shown": "to whom the recommender shows nothing",
    "another_order": "whose list is not in the order of the scores, as when something is sold out meanwhile",
}


@dataclass(frozen=True, eq=False)
class ExplainedList:
    """What the recommender chose of the first LIMIT of new_for_you, with the reasons that are printed.

    Without promotions: what they put first rests on nothing, and what they move is in the list all the same.
    """

    query: RecommendationQuery
    entries: tuple[Recommendation, ...]
    items: tuple[int, ...]  # of the entries
    searches: Sequence[str]  # the first has the number behind the products, and so on
    lists: ListsWithout
    plain: PlainScorer
    rng: np.random.Generator

    @property
    def units(self) -> list[int]:
        return self.lists.units

    @property
    def strongest_kind(self) -> str:
        """The strongest that this shopper did: "view", "search", "save", "add_to_cart" or "purchase"."""
        return Kind(int(self.lists.history.kinds.max())).name.lower()

    @cached_property
    def orders(self) -> Mapping[str, list[list[int]]]:
        """method -> for each shown product all units, the most important first."""
        attention = self.plain.attention(self.lists.history)
        matrix = self.lists.scorer.score.item_matrix
        labelled = LabelledList(self.lists.history, self.lists.shown, matrix, self.rng, attention)
        named = {name: orders(label(labelled), self.units) for name, label in LABELS.items()}
        return {OURS: removal_orders(self.lists), **named}

    @cached_property
    def named(self) -> dict[int, frozenset[int]]:
        """place in the list (0 = first) -> the units that its "because" names."""
        return {
            place: frozenset(map(self._number, entry.reason.anchors))
            for place, entry in enumerate(self.entries)
            if isinstance(entry.reason, Because)
        }

    def _number(self, anchor: Anchor) -> int:
        if anchor.type == "query":
            return self.lists.history.queries.first + self.searches.index(anchor.id)
        return self.lists.scorer.vocabulary.number(anchor.id)


class ExplainedShop:
    """One version, whose lists are asked for while it is on trial."""

    def __init__(self, loaded: LoadedRecommender, seed: int) -> None:
        self.loaded, self.rng = loaded, np.random.default_rng(seed)
        self.plain = PlainScorer.open(loaded.scorer.directory, loaded.scorer.vocabulary, loaded.scorer.newcomers)
        available = list(Product.objects.filter(available=True).order_by("pk").values_list("product_id", flat=True))
        ranked = [popular.product_id for popular in popular_products(len(available), (), timezone.now())]
        numbers = loaded.scorer.vocabulary.numbers(ranked)
        self._popularity = np.zeros(len(loaded.eligible))
        self._popularity[numbers] = np.arange(len(numbers), 0, -1)
        self._buyable = np.zeros(len(loaded.eligible), bool)
        self._buyable[loaded.scorer.vocabulary.numbers(buyable(available))] = True
        self.left_out: Counter[str] = Counter()  # one of LEFT_OUT -> how many lists

    def explained(self, shopper: Shopper, now: datetime) -> ExplainedList | None:
        """A shopper's list; None when it can't be measured, which `left_out` counts."""
        query = RecommendationQuery("new_for_you", shopper, limit=LIMIT, now=now, promotes=False)
        memory = read_memory(shopper, now)
        history = memory.history(self.loaded.scorer.vocabulary, self.loaded.scorer.query_index)
        if not history.complete or not 1 <= len(history.units()) <= MOST_UNITS:
            return self._leave_out("history")
        eligible = eligible_items(self.loaded, query, memory) & self._buyable
        lists = ListsWithout(self.loaded.scorer, history, self._popularity, LIMIT, eligible)
        entries = tuple(entry for entry in recommend(query).recommendations if entry.source == "recommender")
        items = tuple(self.loaded.scorer.vocabulary.numbers(entry.card.product_id for entry in entries).tolist())
        if not items:
            return self._leave_out("nothing_shown")
        if list(items) != lists.shown[: len(items)]:
            return self._leave_out("another_order")
        return ExplainedList(query, entries, items, memory.searches, lists, self.plain, self.rng)

    def _leave_out(self, why: str) -> None:
        self.left_out[why] += 1

    def milliseconds(self, query: RecommendationQuery) -> float:
        """What explaining the list takes beyond ranking it."""
        memory = read_memory(query.shopper, query.now)
        pool = history_pool(self.loaded, query, memory)
        if pool is None:
            raise ValueError(f"shopper {query.shopper} has no history that the recommender can read")
        began = perf_counter()
        explain(pool, query, memory)
        return (perf_counter() - began) * 1_000
