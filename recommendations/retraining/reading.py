"""From the shop's rows to the arrays that training reads."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..ml.interactions import InteractionLog
from ..ml.kinds import Kind
from ..ml.sequences import Queries
from ..ml.text import QueryIndex, build_index
from ..ml.vocabulary import Vocabulary
from ..models import Interaction, Product, Shopper

# Shoppers whose events are read by one query.
AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class ShopLog:
    """What a training learns from: the events, the products that have any, and what searches stand for."""

    log: InteractionLog
    vocabulary: Vocabulary
    index: QueryIndex


def read_log(report: Callable[[float], None]) -> ShopLog:
    """Every remembered event that training may use. Read in parts; `report(share done)` is called after each."""
    rows, searched = read_rows(report)
    shopper, about, kind, time = rows.T
    is_search = kind == Kind.SEARCH
    met, number = np.unique(about[~is_search], return_inverse=True)  # ascending: the oldest product is item 1
    vocabulary, index = _products(met)
    bags = [index.bag(query) for query in searched]
    item = np.zeros(len(rows), np.int64)
    item[~is_search] = number + 1
    matches = np.array([len(bag.items) > 0 for bag in bags], bool)
    item[is_search] = np.where(matches[about[is_search]], len(met) + 1 + about[is_search], 0)
    queries = Queries(len(met) + 1, bags)
    return ShopLog(InteractionLog.from_rows(shopper, item, kind, time, queries=queries), vocabulary, index)


def read_rows(report: Callable[[float], None]) -> tuple[np.ndarray, list[str]]:
    """int64 (N, 4): shopper, product or number of the search, kind, epoch seconds; and the texts of the searches."""
    shoppers = list(Shopper.objects.order_by("pk").values_list("pk", flat=True))
    chunks, searched = [np.zeros((0, 4), np.int64)], dict[str, int]()
    for start in range(0, len(shoppers), AT_ONCE):
        some = shoppers[start : start + AT_ONCE]
        events = Interaction.objects.for_training_of(some[0], some[-1])
        # Read to the end before anything is reported: on SQLite a report, which writes, fails beside an open read as
        # soon as the heartbeat has written too.
        chunks.extend(events.arrays())
        found = [
            (shopper, searched.setdefault(query, len(searched)), kind, time)
            for shopper, query, kind, time in events.searches()
        ]
        chunks.append(np.array(found, np.int64).reshape(-1, 4))
        report((start + len(some)) / len(shoppers))
    return np.concatenate(chunks), list(searched)


def _products(primary_keys: np.ndarray) -> tuple[Vocabulary, QueryIndex]:
    known = {pk: (product_id, words) for pk, product_id, words in Product.objects.searchable()}
    met = [known[key] for key in primary_keys.tolist()]
    return Vocabulary([product_id for product_id, _ in met]), build_index([words for _, words in met])
