"""What the quality benchmark's recommender must beat, counted on everything that it was fitted on itself."""

from dataclasses import dataclass

import numpy as np

from benchmarks.protocols import Question
from benchmarks.small_model import FittedSmallModel, fit_small_model
from benchmarks.tifu import tifu_scores, tifu_vectors
from recommendations.ml.baselines import bought_before, popularity
from recommendations.ml.metrics import ndcg
from recommendations.ml.ranking import Columns, next_item_strength
from recommendations.ml.training.judge import Method, Protocol
from recommendations.ml.training.neighbours import item_neighbours, neighbour_scores
from recommendations.ml.training.tables import Tables, build_tables

LIST_LENGTH = 20


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
        faded = tifu_vectors(log, n)
        found["own_frequency"] = lambda asked: bought_before(tables.recent, asked)
        found["tifu_knn"] = lambda asked: tifu_scores(faded, asked.shopper)
    return Baselines(found, small_model)


def _table(question: Question, tables: Tables) -> Method:
    """The next-item table alone, with the power that does best on the choosing shoppers."""
    columns = Columns(question.products + 1, None)

    def scores(power: float) -> Method:
        return lambda asked: next_item_strength(tables.next_item[power], asked.histories, columns)

    value = {power: float(np.mean(single(question.choosing, scores(power)))) for power in tables.next_item}
    return scores(max(value, key=value.__getitem__))


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
