"""Pairs of which either is enough, held against a plain recount over the whole catalog."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ml.pairs import PAIRS_OF_A_LIST, PAIRS_OF_AN_ITEM, EitherEnough
from recommendations.ml.ranking import MixWeights, NextItemTable, Score, top_k
from recommendations.ml.reasons import LeaveOneOut, witnesses_needed
from recommendations.ml.scorer import Scorer
from recommendations.ml.staying import Reading
from tests.examples import examples
from tests.ml.made_artifact import make_artifact
from tests.ml.test_reasons import N, made_history


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    directory = tmp_path_factory.mktemp("artifact")
    make_artifact(directory, n=N)
    return Scorer.open(directory)


def rivals_of(history, n=N):
    """Everything outside the history."""
    rivals = np.ones(n + 1, bool)
    rivals[[0, *history.items]] = False
    return rivals


def either_enough(scorer, history, size=N, nameable=None):
    """(pool, what finds the pairs)."""
    n = len(scorer.score.bias) - 1
    whole, rivals = Reading.of(scorer, history), rivals_of(history, n)
    scores = np.where(rivals, whole.scores, np.float32(-np.inf))
    pool = top_k(scores, size).astype(np.int32)
    left = LeaveOneOut(scorer, history, pool, scores[pool])
    return pool, EitherEnough(left, whole, rivals, left.units if nameable is None else nameable)


def shown(pool, limit):
    return {item: place for place, item in enumerate(pool[:limit].tolist(), start=1)}


def ahead(scorer, history, item, *without):
    """How many of the whole catalog beat the item without these units."""
    scores = scorer.scores([history.without(*without)])[0]
    return int((scores[rivals_of(history)] > scores[item]).sum())


@settings(max_examples=examples(80), deadline=None)
@given(
    items=st.lists(st.integers(1, N), min_size=3, max_size=12),
    limit=st.integers(1, 20),
    size=st.sampled_from([30, N]),
)
def test_every_pair_holds_in_the_whole_catalog(scorer, items, limit, size):
    history = made_history(items)
    pool, either = either_enough(scorer, history, size)
    places = shown(pool, limit)
    for item, causes in either.causes(places, limit).items():
        assert not causes or not either.left.causes(item, places[item], limit)
        for found in causes:
            first, second = found.cause.anchors
            assert ahead(scorer, history, item, first, second) >= witnesses_needed(places[item], limit)
            for unit, rank in zip((first, second), found.ranks_without_each, strict=True):
                assert ahead(scorer, history, item, unit) < rank <= limit
            assert 0.5 <= found.cause.share <= 1
            assert found.cause.rank_after > limit


class Either:
    """A scorer of twelve items whose f adds up by hand: item k scores -k/10, item 12 what `speaks` adds to that.

    Without item 1, `rising` items score 7 more.
    """

    eps = 0.01

    def __init__(self, speaks, rising=()):
        n = 12
        table = NextItemTable(np.zeros(n + 2, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
        bias = -0.1 * np.arange(n + 1, dtype=np.float32)
        self.score = Score(np.zeros((n + 1, 2), np.float32), bias, table, MixWeights(0.0, 1.0, 0.0, 0.9))
        self.score.item_matrix[12, 0] = 1
        self.score.item_matrix[list(rising), 1] = 7
        self.speaks = speaks
        self.encoded = []

    def scores(self, histories, items=None):
        return self.score.score(self.encode(histories), histories, items)

    def encode(self, histories):
        """The first column of the item matrix turns the first number into a score of item 12."""
        self.encoded.append(len(histories))
        met = [set(history.items.tolist()) for history in histories]
        return np.array([[self.speaks(items), 1 not in items] for items in met], np.float32)


def or_shop(*needed, rising=()):
    return Either(lambda met: 6.0 * bool(set(needed) & met), rising)


def test_two_that_each_keep_it_are_both_named():
    history = made_history([1, 2, 3])
    pool, either = either_enough(or_shop(1, 2), history, 12)
    assert pool[0] == 12
    assert either.left.causes(12, 1, 3) == []
    (found,) = either.causes({12: 1}, 3)[12]
    assert found.cause.anchors == (1, 2)
    assert (found.cause.rank_before, found.cause.rank_after) == (1, 9)  # behind 4 to 11
    assert found.ranks_without_each == (1, 1)
    # -1.2 against the third best of 4 to 11, which scores -0.6
    assert found.cause.margins[found.cause.limit - 1] == pytest.approx(-0.6 + 1.2, abs=1e-5)


def test_one_of_three_that_each_keep_it_is_no_pair():
    _, either = either_enough(or_shop(1, 2, 3), made_history([1, 2, 3, 4]), 12)
    assert either.causes({12: 1}, 3)[12] == []


def test_what_one_alone_keeps_has_no_pair():
    _, either = either_enough(Either(lambda met: 6.0 * (1 in met) + 0.5 * (2 in met)), made_history([1, 2, 3]), 12)
    assert either.rests_on_one(12, 3)
    assert either.causes({12: 1}, 3)[12] == []


def test_what_two_keep_only_together_has_no_pair():
    _, either = either_enough(Either(lambda met: 6.0 * ({1, 2} <= met)), made_history([1, 2, 3]), 12)
    assert either.causes({12: 1}, 3)[12] == []


def test_one_that_speaks_against_it_is_not_named():
    scorer = Either(lambda met: 2.0 * bool({1, 2} & met) - 0.5 * (1 in met))
    _, either = either_enough(scorer, made_history([1, 2, 3]), 12)
    assert either.causes({12: 1}, 3)[12] == []
    assert (either.may_name(1, 12), either.may_name(2, 12)) == (False, True)


def test_what_hardly_raises_it_does_not_speak_against_it():
    scorer = Either(lambda met: 2.0 * bool({1, 2} & met) - 0.06 * (1 in met))
    _, either = either_enough(scorer, made_history([1, 2, 3]), 12)
    assert -0.05 < either.left.effect[either.left.units.index(1), 0] < -0.03
    (found,) = either.causes({12: 1}, 3)[12]
    assert found.cause.anchors == (1, 2)


@pytest.mark.parametrize("nameable", [set(), {1}, {2, 3}])
def test_only_what_may_be_named_is_paired(nameable):
    _, either = either_enough(or_shop(1, 2), made_history([1, 2, 3]), 12, nameable)
    assert either.causes({12: 1}, 3)[12] == []


def test_a_rival_that_the_pool_does_not_hold_still_counts():
    pool, either = either_enough(or_shop(1, 2, rising=(5, 6, 7)), made_history([1, 2, 3]), 2)
    assert pool.tolist() == [12, 4]
    assert either.rank_without(1, 12) == 4
    assert either.rank_without(2, 12) == 1


def test_few_pairs_are_tried():
    scorer = Either(lambda met: 0.5 * len(met))
    _, either = either_enough(scorer, made_history(list(range(1, 10))), 12)
    assert len(either._candidates([12], 3)[12]) == PAIRS_OF_AN_ITEM
    candidates = {item: list(combinations(range(1, 10), 2)) for item in (10, 11, 12)}
    assert len(either._removals_of(candidates).removed) == PAIRS_OF_A_LIST


def test_all_pairs_are_read_at_once():
    scorer = or_shop(1, 2)
    _, either = either_enough(scorer, made_history([1, 2, 3]), 12)
    scorer.encoded.clear()
    either.causes({12: 1, 4: 2, 5: 3}, 3)
    assert len(scorer.encoded) == 1  # how the network reads the history without one unit is known
