"""Naive labels and lists without some units, by hand."""

import numpy as np
import pytest

from recommendations.ml.artifact import read_vocabulary
from recommendations.ml.kinds import Kind
from recommendations.ml.labels import LABELS, LabelledList, orders
from recommendations.ml.lists_without import ListsWithout, all_subsets
from recommendations.ml.plain import PlainScorer
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import Bag, History, Queries
from tests.ml.made_artifact import make_artifact

# Item 4 points where item 1 does, item 5 where item 2 does.
MATRIX = np.array([[0, 0], [2, 0], [0, 3], [-1, 0], [5, 0.1], [0.1, 1]], np.float32)


def named(label, attention=None):
    """Which of 3 (met last, once), 2 and 1 (twice) the label names first for items 4 and 5."""
    history = History.of([1, 1, 2, 3], [1, 6, 1, 1])  # three tokens
    labelled = LabelledList(history, [4, 5], MATRIX, np.random.default_rng(0), attention)
    return [order[0] for order in orders(LABELS[label](labelled), labelled.units)]


def test_labels_name_what_they_say():
    assert named("last_viewed") == [3, 3]
    assert named("most_frequent") == [1, 1]
    assert named("most_similar") == [1, 2]
    assert {*named("random")} <= {1, 2, 3}


def test_last_viewed_is_no_search_and_nothing_only_bought():
    searches = Queries(6, [Bag(np.array([1], np.int32), np.ones(1, np.float32))])

    def order(items, kinds):
        history = History.of(items, kinds, queries=searches)
        labelled = LabelledList(history, [4], MATRIX, np.random.default_rng(0))
        return orders(LABELS["last_viewed"](labelled), labelled.units)[0]

    view, bought, search = Kind.VIEW, Kind.PURCHASE, Kind.SEARCH
    assert order([1, 2, 3, 6], [view, view, bought, search]) == [2, 1, 6, 3]
    assert order([1, 2, 1], [view, view, bought]) == [2, 1]  # bought last, viewed before
    assert order([1, 2, 6], [bought, bought, search]) == [6, 2, 1]  # nobody viewed: as met


def test_a_search_is_as_similar_as_the_products_it_stands_for():
    searches = Queries(6, [Bag(np.array([1, 2], np.int32), np.array([0.8, 0.2], np.float32))])
    history = History.of([3, 6], [1, Kind.SEARCH], queries=searches)
    cosines = LABELS["most_similar"](LabelledList(history, [4, 5], MATRIX, np.random.default_rng(0)))
    # 0.8 (2, 0) + 0.2 (0, 3) = (1.6, 0.6), met last; item 3 points away
    assert cosines[0, 0] == pytest.approx((1.6 * 5 + 0.6 * 0.1) / (1.6**2 + 0.6**2) ** 0.5 / (25 + 0.01) ** 0.5)
    assert cosines[1, 0] < 0


def test_a_list_is_ranked_without_a_search(tmp_path):
    make_artifact(tmp_path, n=30)
    scorer, bag = Scorer.open(tmp_path), Bag(np.array([7, 8], np.int32), np.array([0.5, 0.5], np.float32))
    history = History.of([3, 31, 4], [1, Kind.SEARCH, 1], queries=Queries(31, [bag]))
    lists = ListsWithout(scorer, history, np.ones(31), limit=5)
    (left,) = scorer.scores([history.without(31)])
    left[[0, 3, 4]] = -np.inf
    assert lists.units == [4, 31, 3]
    assert lists.of(0)(frozenset({31})).rank == 1 + np.count_nonzero(left > left[lists.shown[0]])


def test_top_attention_is_the_last_layers_mean_over_heads():
    first = np.array([[1.0, 0, 0], [1.0, 0, 0]])
    last = np.array([[0.6, 0.4, 0], [0.0, 0.5, 0.5]])  # means .3, .45, .25 of items 1, 2, 3
    assert named("top_attention", np.stack([first, last])) == [2, 2]
    with pytest.raises(ValueError, match="without attention"):
        named("top_attention")


def test_equal_weights_are_ordered_by_who_was_met_last():
    assert orders(np.array([[1.0, 0], [1.0, 2], [3.0, 2]]), [7, 8, 9]) == [[9, 7, 8], [8, 9, 7]]


def test_subsets_leave_one_unit():
    assert all_subsets([1, 2]) == [frozenset(), frozenset({1}), frozenset({2})]
    assert len(all_subsets([*range(7)])) == 2**7 - 1
    assert len(all_subsets([*range(8)])) == 9


@pytest.fixture
def scorer(tmp_path):
    make_artifact(tmp_path)
    return Scorer.open(tmp_path)


def test_lists_without_rank_what_is_eligible_again(scorer):
    history, popularity = History.of([3, 5, 3, 9], [6, 6, 6, 6]), np.arange(31.0)
    eligible = np.ones(31, bool)
    eligible[[1, 2]] = False
    lists = ListsWithout(scorer, history, popularity, 5, eligible)
    rest = np.setdiff1d(np.arange(1, 31), [1, 2, 3, 5, 9])
    for removed in ((), (3,), (3, 9)):
        scores = scorer.scores([history.without(*removed)])[0].astype(float)
        places = {item: 1 + int((scores[rest] > scores[item]).sum()) for item in rest}
        total = np.log(np.exp(scores[rest]).sum())
        for place, item in enumerate(lists.shown):
            standing = lists.of(place)(frozenset(removed))
            assert standing.rank == places[item]
            assert standing.log_share == pytest.approx(scores[item] - total, abs=1e-4)
    assert [lists.of(place)(frozenset()).rank for place in range(5)] == [1, 2, 3, 4, 5]


def test_effects_are_what_a_removal_takes_from_the_share(scorer):
    lists = ListsWithout(scorer, History.of([3, 5], [6, 6]), np.ones(31), 5)
    assert lists.units == [5, 3]
    for row, unit in enumerate(lists.units):
        for place in range(5):
            without = lists.of(place)
            fall = without(frozenset()).log_share - without(frozenset({unit})).log_share
            assert lists.effects()[row, place] == pytest.approx(fall)


def test_without_everything_what_is_popular_decides(scorer):
    lists = ListsWithout(scorer, History.of([7], [6]), np.arange(31.0), 3)
    for place, item in enumerate(lists.shown):
        assert lists.of(place)(frozenset({7})).rank == 31 - item  # 30 is the most popular


def test_a_randomised_recommender_keeps_all_but_its_encoder(tmp_path):
    make_artifact(tmp_path)
    plain, history = PlainScorer.open(tmp_path, read_vocabulary(tmp_path)), History.of([3, 5, 9], [6, 6, 6])
    other, same = (plain.randomised(np.random.default_rng(1)) for _ in range(2))
    assert (other.scores(history) == same.scores(history)).all()
    assert np.abs(other.scores(history)[1:] - plain.scores(history)[1:]).max() > 0.1
    assert other.manifest is plain.manifest
