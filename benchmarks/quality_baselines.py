"""What the quality benchmark's recommender must beat, counted on everything that it was fitted on itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from benchmarks.protocols import Question
from benchmarks.small_model import FittedSmallModel, fit_small_model
from benchmarks.tifu import PUBLISHED, Settings, TifuKnn
from recommendations.ml.baselines import bought_before, popularity
from recommendations.ml.metrics import ndcg
from recommendations.ml.ranking import Columns, next_item_strength
from recommendations.ml.training.judge import Method, Protocol
from recommendations.ml.training.neighbours import item_neighbours, neighbour_scores
from recommendations.ml.training.tables import Tables, build_tables

LIST_LENGTH = 20
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Baselines:
    """The methods by name, and the small model among them, of which more is told."""

    methods: dict[str, Method]
    small_model: FittedSmallModel


def baselines(question: Question) -> Baselines:
    """Popularity, of all time and of 30 days; neighbours; the next-item table; the small model; for repeats, own
    frequency with recent popularity, and TIFU-KNN.
    """
    log, n = question.log.before(question.fit_until), question.products
    tables = build_tables(log, n, question.fit_until)
    neighbours, small_model = item_neighbours(log, n), fit_small_model(log, n)
    found: dict[str, Method] = {
        "popularity": lambda asked: popularity(tables.popularity, asked),
        "item_neighbours": lambda asked: neighbour_scores(neighbours, asked),
        "next_item_table": _table(question, tables),
        "small_model": small_model.scores,
    }
    if question.asked.name != "leave-one-out":  # without times nothing is recent
        found["recent_popularity"] = lambda asked: popularity(tables.recent, asked)
    if not question.asked.takes_met_out:
        found["own_frequency"] = lambda asked: bought_before(tables.recent, asked)
        found["tifu_knn"] = _tifu_knn(question)
    return Baselines(found, small_model)


def _table(question: Question, tables: Tables) -> Method:
    """The next-item table alone, with the power that does best on the choosing shoppers when what they chose is not
    counted."""
    columns = Columns(question.products + 1, None)

    def scores(of: Tables, power: float) -> Method:
        return lambda asked: next_item_strength(of.next_item[power], asked.histories, columns)

    before = build_tables(question.log.before(question.choose_from), question.products, question.choose_from)
    return scores(tables, _best(question, {power: scores(before, power) for power in before.next_item}))


def _tifu_knn(question: Question) -> Method:
    """TIFU-KNN with that of its published settings which does best on the choosing shoppers."""

    def scores(until: int, settings: Settings) -> Method:
        fitted = TifuKnn(question.log.before(until), question.products, settings)
        return lambda asked: fitted.scores(asked.shopper)

    tried = {settings: scores(question.choose_from, settings) for settings in PUBLISHED}
    return scores(question.fit_until, _best(question, tried))


def _best(question: Question, tried: Mapping[T, Method]) -> T:
    """The name of the method with the highest NDCG@10 of the choosing shoppers."""
    value = {name: float(np.mean(single(question.choosing, method))) for name, method in tried.items()}
    return max(value, key=value.__getitem__)


def lists_of(protocol: Protocol, method: Method) -> list[list[int]]:
    """The first 20 of each shopper's list."""
    return [
        ranked
        for block in protocol.blocks()
        for ranked in block.lists(np.array(method(block.asked), np.float32), LIST_LENGTH)
    ]


def single(protocol: Protocol, method: Method) -> list[float]:
    """NDCG@10 of each shopper."""
    lists = lists_of(protocol, method)
    return ndcg_of(lists, protocol)


def ndcg_of(lists: list[list[int]], protocol: Protocol) -> list[float]:
    """NDCG@10 of each shopper's list."""
    return [ndcg(r, set(t.tolist()), 10) for r, t in zip(lists, protocol.asked.targets, strict=True)]
