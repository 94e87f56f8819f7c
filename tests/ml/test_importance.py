import numpy as np
import pytest

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import MixWeights, NextItemTable, Score
from recommendations.ml.sequences import Bag, History, Queries
from recommendations.ml.splitting import hold_out
from recommendations.ml.training.importance import _any_order, _other_kinds, _others, importance
from recommendations.ml.training.judge import Protocol

N = 40


def score_of(network=0.0, table=0.0, repeat=0.0):
    """Every product is followed by the next one; the network likes what `speaks` says."""
    followers = np.concatenate([[0], np.arange(1, N) + 1, [1]]).astype(np.int32)[1:]
    rows = NextItemTable(np.concatenate([[0], np.arange(N + 1)]).astype(np.int64), followers, np.ones(N, np.float32))
    weights = MixWeights(table, 0.01, repeat, 0.9, network)
    return Score(np.eye(N + 1, dtype=np.float32), np.zeros(N + 1, np.float32), rows, weights)


def asked(kinds=(Kind.VIEW, Kind.PURCHASE), shoppers=120):
    """Shopper s met k and k + 3, k = s % 30 + 1, and then turns to k + 4: what follows the newest in the table."""
    rows = []
    for shopper in range(shoppers):
        k = shopper % 30 + 1
        rows += [(shopper, k, kinds[0], 1), (shopper, k + 3, kinds[1], 2), (shopper, k + 4, Kind.VIEW, 9)]
    log = InteractionLog.from_rows(*(np.array(column) for column in zip(*rows, strict=True)))
    return [Protocol("new_products", hold_out(log, 5), True)]


def last_of(kind):
    """An encoder that likes what comes one after the last event of this kind."""

    def encode(histories):
        hidden = np.zeros((len(histories), N + 1), np.float32)
        for row, history in zip(hidden, histories, strict=True):
            found = history.items[history.kinds == kind]
            if len(found):
                row[found[-1] % N + 1] = 9
        return hidden

    return encode


def drops(score, encode):
    found = importance(score, encode, asked(), seed=0)["new_products"]
    return {part: round(values["drop"], 2) for part, values in found.items()}


def test_what_is_not_read_is_worth_nothing():
    assert drops(score_of(table=1.0), last_of(Kind.VIEW)) == {
        "network": 0.0,
        "table": pytest.approx(0.8, abs=0.2),
        "repeats": 0.0,
        "kinds": 0.0,
        "order": pytest.approx(0.2, abs=0.15),
    }


def test_a_network_that_reads_kinds_loses_by_them():
    found = drops(score_of(network=1.0), last_of(Kind.PURCHASE))
    assert found["network"] > 0.8
    assert found["kinds"] > 0.3
    assert (found["table"], found["repeats"], found["order"]) == (0.0, 0.0, 0.0)


def test_the_interval_is_of_the_paired_difference():
    found = importance(score_of(table=1.0), last_of(Kind.VIEW), asked(), seed=1)["new_products"]
    assert found["network"] == {"drop": 0.0, "low": 0.0, "high": 0.0}
    assert 0 < found["table"]["low"] < found["table"]["drop"] < found["table"]["high"]


def test_everybody_gets_what_is_anothers_once():
    for count in (2, 3, 50):
        other = _others(count, np.random.default_rng(count))
        assert sorted(other) == list(range(count))
        assert (other != np.arange(count)).all()


def test_only_kinds_of_products_and_only_the_order_change():
    queries = Queries(N + 1, [Bag(np.array([1]), np.array([1.0]))])
    first = History.of([1, N + 1, 2], [Kind.VIEW, Kind.SEARCH, Kind.VIEW], queries=queries)
    second = History.of([3, 4, 5], [Kind.PURCHASE] * 3, queries=queries)
    changed = _other_kinds([first, second], np.random.default_rng(3))
    assert changed[0].kinds[1] == Kind.SEARCH
    assert sorted(np.concatenate([one.kinds for one in changed])) == sorted([*first.kinds, *second.kinds])
    assert [one.items.tolist() for one in changed] == [[1, N + 1, 2], [3, 4, 5]]
    (shuffled,) = _any_order([History.of(range(1, 30), [Kind.VIEW] * 29)], np.random.default_rng(0))
    assert sorted(shuffled.items) == list(range(1, 30))
    assert shuffled.items.tolist() != list(range(1, 30))
